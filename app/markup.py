"""Markdown as a tree that the browser turns into elements: the little that our texts use, and never HTML."""

from markdown_it import MarkdownIt
from markdown_it.token import Token

RULES = ("backticks", "emphasis", "escape", "heading", "table")
MARKDOWN = MarkdownIt("zero").enable(RULES)

Tree = list  # [tag, child, …]; a child is a tree or a text


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
