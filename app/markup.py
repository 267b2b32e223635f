"""Markdown as a tree that the browser turns into elements: the little that our texts use, and never HTML."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

RULES = ("backticks", "emphasis", "escape", "heading", "table")
MARKDOWN = MarkdownIt("zero").enable(RULES)
INDEX = re.compile(r"_([A-Za-z0-9]{1,5})(?![A-Za-z0-9_])")

Tree = list  # [tag, child, …]; a child is a tree or a text


def _index(state: StateInline, silent: bool) -> bool:
    """A letter's index: d_k. What is quoted from elsewhere has its underscores escaped."""
    before = state.src[max(0, state.pos - 2) : state.pos]
    found = INDEX.match(state.src, state.pos) if re.fullmatch(r"(|.*\W)[^\W\d_]", before, re.DOTALL) else None
    if found and not silent:
        for kind, step in (("sub_open", 1), ("text", 0), ("sub_close", -1)):
            token = state.push(kind, "" if kind == "text" else "sub", step)
            token.content = found[1] if kind == "text" else ""
    state.pos = found.end() if found else state.pos
    return bool(found)


MARKDOWN.inline.ruler.before("emphasis", "index", _index)


def tree(markdown: str) -> Tree:
    """["div", ["p", "a ", ["strong", "word"]], …]"""
    return _grown("div", MARKDOWN.parse(markdown))


def _grown(tag: str, tokens: list[Token]) -> Tree:
    """The tokens' elements, each inside the last one opened."""
    stack = [[tag]]
    for token in tokens:
        if token.nesting == 1:
            stack.append([token.tag])
        elif token.nesting == -1:
            made = stack.pop()
            stack[-1].append(made)
        elif token.type == "inline":
            stack[-1].extend(_grown(tag, token.children)[1:])
        else:
            stack[-1].append(_leaf(token))
    return stack[0]


def _leaf(token: Token) -> Tree | str:
    if token.type == "code_inline":
        return ["code", token.content]
    return " " if token.type == "softbreak" else token.content
