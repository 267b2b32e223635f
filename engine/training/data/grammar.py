"""Endless simple English with structure that can be looked for, from the grammar in assets/grammar/english.

assets/grammar/README.md says how it is written; `python -m engine.training english RULE` prints texts.
"""

import random
import re
import zlib
from dataclasses import dataclass, field
from functools import cache

from engine.training.data.words import GRAMMAR

ASK = "\0"  # stands before the answer of a test while it is written
TRIES = 2000
SLOT = re.compile(r"<([^<>]+)>|\{([^{}]*)\}")


@dataclass(frozen=True)
class Question:
    """A question to a model: after `prompt`, is `answer` more probable than the other `choices`?"""

    prompt: str
    answer: str
    choices: tuple[str, ...]


@dataclass(eq=False)
class Drawn:
    """A line that was drawn: its cells are written once, then they stay."""

    rule: str
    cells: dict[str, tuple]
    scope: "Scope"
    written: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Scope:
    """What the letters stand for, inside a rule; outer letters can be read, not changed."""

    outer: "Scope | None" = None
    letters: dict[str, Drawn] = field(default_factory=dict)

    def find(self, letter: str) -> Drawn | None:
        """What was drawn for a letter, here or in a scope around this one; None: nothing yet."""
        scope = self
        while scope is not None:
            if letter in scope.letters:
                return scope.letters[letter]
            scope = scope.outer
        return None

    def taken(self, rule: str) -> list[dict]:
        """The cells of all lines of `rule` that letters stand for."""
        here = [drawn.cells for drawn in self.letters.values() if drawn.rule == rule]
        return here + (self.outer.taken(rule) if self.outer else [])


class HeldOut(Exception):
    """The combination belongs to the other side: learning or testing."""


class Grammar:
    """The rules of some files, as a writer of texts and of tests."""

    def __init__(self, source: str):
        self.rules = parse(source)

    def text(self, rule: str, draw: random.Random, held: bool = False) -> str:
        """A text for learning: no combination in it is held out; or one of which all are, for a test."""
        return _with_an(self._line(rule, Scope(), draw, held).replace(ASK, ""))

    def question(self, rule: str, draw: random.Random) -> Question:
        """A question all of whose combinations are held out."""
        self.asked: tuple[str, ...] = ()  # of the question being written
        text = _with_an(self._line(rule, Scope(), draw, held=True))
        prompt, _, _ = text.rpartition(ASK)
        if not self.asked:
            raise ValueError(f"the rule {rule} asks nothing: it needs a <?answer|other>")
        space = prompt[len(prompt.rstrip(" ")) :]  # a token carries its space: it belongs to the answer
        choices = tuple(space + choice for choice in self.asked)
        return Question(prompt.replace(ASK, "").rstrip(" "), choices[0], choices)

    def _line(self, rule: str, outer: Scope, draw: random.Random, held: bool) -> str:
        return self._write(self._draw(rule, outer, draw, held), "", draw, held)

    def _draw(self, rule: str, scope: Scope, draw: random.Random, held: bool) -> Drawn:
        """A line of `rule` that no letter of `scope` stands for, of the right side."""
        if rule not in self.rules:
            raise KeyError(f"there is no rule {rule!r}")
        taken = scope.taken(rule)
        for _ in range(TRIES):
            cells = draw.choice(self.rules[rule])
            drawn = Drawn(rule, cells, Scope(scope))
            if any(cells is other for other in taken):
                continue
            try:
                self._write(drawn, "", draw, held)
            except HeldOut:
                continue
            return drawn
        raise ValueError(f"{TRIES} lines of {rule} were all taken or held out: it needs more lines")

    def _write(self, drawn: Drawn, column: str, draw: random.Random, held: bool) -> str:
        column = column or next(iter(drawn.cells))
        if column not in drawn.cells:
            raise KeyError(f"the rule {drawn.rule} has no column {column!r}")
        if column not in drawn.written:
            parts, keys = drawn.cells[column]
            text = "".join(self._part(part, drawn.scope, draw, held) for part in parts)
            if any(held != self._is_held(drawn, key, draw, held) for key in keys):
                raise HeldOut
            drawn.written[column] = text
        return drawn.written[column]

    def _is_held(self, drawn: Drawn, key: str, draw: random.Random, held: bool) -> bool:
        rule, _, names = key.rpartition(":")
        values = [rule or drawn.rule, *(self._slot(name, drawn.scope, draw, held) for name in names.split(","))]
        return zlib.crc32("|".join(values).encode()) % 10 == 0

    def _part(self, part, scope: Scope, draw: random.Random, held: bool) -> str:
        kind, what = part
        if kind == "text":
            return what
        if kind == "either":
            return "".join(self._part(p, scope, draw, held) for p in draw.choice(what))
        if what.startswith("?"):
            choices = [self._slot(name, scope, draw, held) for name in what[1:].split("|")]
            self.asked = tuple(choices)
            return ASK + choices[0]
        return self._slot(what, scope, draw, held)

    def _slot(self, what: str, scope: Scope, draw: random.Random, held: bool) -> str:
        name, _, column = what.lstrip("^-").partition(".")
        name, _, letter = name.partition(":")
        drawn = scope.find(letter or name)
        if drawn is None:
            if name not in self.rules and not letter:
                return what.strip("'")  # a plain word among the answers
            drawn = self._draw(name, scope, draw, held)
            if letter:
                scope.letters[letter] = drawn
        text = "" if what.startswith("-") else self._write(drawn, column, draw, held)
        return text[:1].upper() + text[1:] if what.startswith("^") else text


def parse(source: str) -> dict[str, list[dict[str, tuple]]]:
    """The rules of a grammar: name -> lines, each a dict of column -> (parts, held-out letters)."""
    rules: dict[str, list] = {}
    for number, line in enumerate(source.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("= "):
            name, _, columns = line[2:].partition(":")
            lines = rules.setdefault(name.strip(), [])
            names = columns.split()
            continue
        cells = re.split(r"\s+\|\s+", line) if names else [line]
        if names and len(cells) != len(names):
            raise ValueError(f"line {number}: {line!r} needs {len(names)} cells")
        lines.append({n: _compiled(c) for n, c in zip(names or [""], cells, strict=True)})
    return rules


def cell(line: dict[str, tuple], column: str) -> str:
    """A cell of a line that has nothing to be drawn in it."""
    return "".join(what for _, what in line[column][0])


def _compiled(text: str) -> tuple:
    text, *keys = re.split(r"\s+!(?=\S+$|\S+ !)", text)
    return _parts(text.replace("\\n", "\n")), tuple(keys)


def _parts(text: str) -> list[tuple]:
    parts, end = [], 0
    for match in SLOT.finditer(text):
        if match.start() > end:
            parts.append(("text", text[end : match.start()]))
        if match[1] is not None:
            parts.append(("slot", match[1]))
        else:
            parts.append(("either", [_parts(choice) for choice in _split(match[2])]))
        end = match.end()
    return parts + ([("text", text[end:])] if end < len(text) else [])


def _split(choices: str) -> list[str]:
    """At each | that is not inside < >."""
    return re.split(r"\|(?![^<]*>)", choices)


def _with_an(text: str) -> str:
    """“a apple” as “an apple”."""
    return re.sub(r"\b([Aa]) (?=\0?[aeiouAEIOU])(?!\0?(?:is\b|one\b|once\b|uni|use|[Ee]uro))", r"\1n ", text)


@cache
def grammar() -> Grammar:
    """The whole grammar, of all its files."""
    files = sorted((GRAMMAR / "english").glob("*.txt"))
    return Grammar("\n".join(file.read_text("utf-8") for file in files))
