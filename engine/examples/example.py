"""A worked example: what is given, the steps, what a lecture printed; read from a file, and worked out."""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from engine.examples import formula
from engine.examples.formula import Part
from engine.examples.value import LARGEST, MOST, MOST_CELLS, Misfit, Value, short, told, value

FOLDER = Path(__file__).parents[2] / "assets" / "examples"
TOPICS = ("attention", "masks", "positions", "normalisation", "recurrent", "counting", "facts", "decoding")
TOPICS += ("networks", "own")
LARGEST_FILE = 100_000  # characters of an example's file
MOST_STEPS = 60
LAST = 999  # the place in a topic of an example that names none
PLAIN_LATEX = re.compile(r"[^<>&%#~$\"]*")
UNWANTED = re.compile(r"\\(href|url|class|style|cssId|def|newcommand|input|include|require|color)")
MOST_GIVEN = 40
MOST_PRINTED = 200  # tables of printed numbers
LONGEST_SYMBOL, LONGEST_TEXT = 120, 5000  # characters
DEEPEST = 8  # parts of a dotted key, and brackets inside each other, as no example needs them
KEY = r"(?:[\w-]{1,99}|\"[^\"\n]{0,99}\"|'[^'\n]{0,99}')"
DOTTED = re.compile(rf"(?:{KEY}[ \t]{{0,20}}\.[ \t]{{0,20}}){{{DEEPEST}}}")
NESTED = re.compile(rf"(?:[\[{{][^\[\]{{}}]{{0,99}}){{{DEEPEST}}}")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")


@dataclass(frozen=True)
class Given:
    """A value that an example begins with, and that may be changed.

    latex  its symbol
    ours   why the numbers are not the lecture's; empty: they are
    says   what it is
    """

    name: str
    value: Value
    latex: str
    ours: str = ""
    says: str = ""


@dataclass(frozen=True)
class Step:
    """A result: its name, its symbol, the formula that makes it, and what it is."""

    name: str
    formula: Part
    latex: str
    says: str = ""


@dataclass(frozen=True)
class Printed:
    """Numbers that a lecture printed for (cells of) a step or a given: (row, column) → the text as printed."""

    of: str
    cells: tuple[tuple[int, int, str], ...]
    lecture: str
    place: str


@dataclass(frozen=True)
class Question:
    """What is asked beside an example, which values are offered, and the value that the right one equals."""

    ask: str
    candidates: tuple[str, ...]
    equals: str
    says: str = ""


@dataclass(frozen=True)
class Example:
    """A worked example, as its file has it."""

    name: str
    title: str
    topic: str
    lecture: str
    place: str
    says: str
    ours: str
    given: tuple[Given, ...]
    steps: tuple[Step, ...]
    printed: tuple[Printed, ...] = ()
    question: Question | None = None
    walk: Mapping[str, str] = field(default_factory=dict)
    order: int = LAST

    def with_values(self, values: Mapping[str, Value]) -> "Example":
        """The same with other numbers in some of what is given."""
        given = tuple(replace(g, value=values.get(g.name, g.value)) for g in self.given)
        return replace(self, given=given)


@dataclass(frozen=True)
class Done:
    """A step that was worked out: `part` with values; or why it could not be, a sentence."""

    step: Step
    part: Part | None
    trouble: str = ""


def work_out(example: Example) -> dict[str, Done]:
    """Every step of an example, in order, with its values; one that does not fit says so, and those that need
    it wait for it. All of them share one budget."""
    known = {given.name: given.value for given in example.given}
    done, budget = {}, formula.Budget()
    for step in example.steps:
        waits = [name for name in step.formula.names if name not in known]
        if waits:
            done[step.name] = Done(
                step, None, f"It waits for {' and '.join(waits)}, which could not be computed."
            )
            continue
        try:
            part = formula.work_out(step.formula, known, budget)
            known[step.name] = part.value
            done[step.name] = Done(step, part)
        except Misfit as misfit:
            done[step.name] = Done(step, None, str(misfit))
    return done


def values_of(example: Example) -> dict[str, Value]:
    """All values of an example by name: those given, and those of steps that could be computed."""
    values = {given.name: given.value for given in example.given}
    return values | {name: done.part.value for name, done in work_out(example).items() if done.part}


# --- files -------------------------------------------------------------------------------------------


@cache
def names() -> tuple[str, ...]:
    """The shipped examples, by topic, then by their order in it, then as their files are called."""
    found = [shipped(path.stem) for path in sorted(FOLDER.glob("*.toml"))]
    return tuple(each.name for each in sorted(found, key=lambda each: (TOPICS.index(each.topic), each.order)))


@cache
def shipped(name: str) -> Example:
    """A shipped example by its name. KeyError if there is none."""
    path = FOLDER / f"{name}.toml"
    if not NAME.fullmatch(name) or not path.is_file():
        raise KeyError(name)
    return read(path.read_text("utf-8"), name)


def read(text: str, name: str = "own") -> Example:
    """An example from the text of its file. A Misfit with a sentence for what is wrong in it."""
    if len(text) > LARGEST_FILE:
        raise Misfit(f"The file is too large for an example; the most is {LARGEST_FILE:,} characters.")
    if not text.strip():
        raise Misfit("The file is empty; an example has values that are given, and steps.")
    if DOTTED.search(text) or NESTED.search(text):
        raise Misfit(f"Keys of an example have no {DEEPEST} parts, and brackets are not {DEEPEST} deep.")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise Misfit(f"This is not a file in TOML: {short(str(error), 120)}.") from None
    return from_data(data, name)


FIELDS = {"title": "", "topic": "own", "lecture": "", "place": "", "says": "", "ours": ""}
PARTS = {"given": dict, "step": list, "printed": list, "question": dict, "walk": dict}


def from_data(data: Mapping, name: str = "own") -> Example:
    """An example from what its file says. A Misfit with a sentence for what is wrong."""
    _only(data, (*FIELDS, *PARTS, "order"), "An example")
    order = data.get("order", LAST)
    if type(order) is not int:
        raise Misfit("“order” must be a whole number, the example's place among those of its topic.")
    texts = {key: _text(data, key, usual) for key, usual in FIELDS.items()}
    if texts["topic"] not in TOPICS:
        raise Misfit(f"topic = “{short(texts['topic'])}” is none of {', '.join(TOPICS)}.")
    for key, kind in PARTS.items():
        if not isinstance(data.get(key, kind()), kind):
            raise Misfit(f"“{key}” must be a {'table' if kind is dict else 'list of tables'}.")
    for key, most in (("given", MOST_GIVEN), ("printed", MOST_PRINTED)):
        if len(data.get(key, ())) > most:
            raise Misfit(f"{len(data[key]):,} entries of “{key}” are too many; the most is {most}.")
    given = tuple(_given(key, entry) for key, entry in data.get("given", {}).items())
    steps = _steps(data.get("step", []), given)
    known = {g.name for g in given} | {s.name for s in steps}
    printed = tuple(_printed(entry, known, texts) for entry in data.get("printed", []))
    question = _question(data["question"], known) if "question" in data else None
    walk = data.get("walk", {})
    _only(walk, ("model", "step", "prompt", "layer", "head"), "walk")
    walk = {
        key: _text({key: str(x) if type(x) is int and abs(x) < LARGEST else x}, key) for key, x in walk.items()
    }
    return Example(name, **texts, given=given, steps=steps, printed=printed, question=question,
                   walk={key: x[:500] for key, x in walk.items()}, order=order)  # fmt: skip


def _only(data: object, allowed: tuple[str, ...], what: str) -> None:
    if not isinstance(data, Mapping):
        raise Misfit(f"{what} must be a table with {', '.join(allowed)}.")
    for key in data:
        if key not in allowed:
            raise Misfit(f"{what} has “{short(str(key))}”, which is none of {', '.join(allowed)}.")


def _text(data: Mapping, key: str, usual: str = "") -> str:
    text = data.get(key, usual)
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise Misfit(f"“{key}” must be a text of at most {LONGEST_TEXT:,} characters.")
    return text.strip()


def _latex(entry: Mapping) -> str:
    """A symbol in LaTeX: short, and nothing that is more than a formula."""
    latex = _text(entry, "latex")
    if len(latex) > LONGEST_SYMBOL or not PLAIN_LATEX.fullmatch(latex) or UNWANTED.search(latex):
        raise Misfit(
            f"latex = “{short(latex)}” is no symbol; up to {LONGEST_SYMBOL} characters of a formula make one."
        )
    return latex


def _came(x: object) -> str:
    """What stands where a text should, as sentences quote it."""
    return f"“{short(x)}”" if isinstance(x, str) else "What is no text"


def _name(name: object) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Misfit(f"{_came(name)} is no name; letters, digits and _ make one, a letter first.")
    return name


def _given(name: str, entry: object) -> Given:
    _name(name)
    if isinstance(entry, int | float | list):
        entry = {"numbers": entry}
    _only(entry, ("numbers", "rows", "columns", "latex", "ours", "says"), name)
    found = _numbers(name, entry.get("numbers"))
    axes = [_axis(name, entry, key) for key in ("rows", "columns")][2 - found.ndim :]
    if found.ndim < 2 and entry.get("rows"):
        raise Misfit(
            f"{name} is {told(found.shape)} and has no rows to name; names of its entries are columns."
        )
    for axis, n in zip(axes, found.shape, strict=True):
        if axis and len(axis) != n:
            raise Misfit(f"{name} is {told(found.shape)}, but {len(axis)} names are given for {n}.")
    latex = _latex(entry) or formula.symbol(name)
    return Given(name, value(found, tuple(axes)), latex, _text(entry, "ours"), _text(entry, "says"))


def _numbers(name: str, given: object) -> np.ndarray:
    """The numbers of a value: one, a list, or a list of lists, each of them finite or −∞."""
    rows = given if isinstance(given, list) else [given]
    cells = [x for row in rows for x in (row if isinstance(row, list) else [row])]
    if not cells or any(isinstance(x, bool) or not isinstance(x, int | float) for x in cells):
        raise Misfit(f"{name} needs numbers: one, a list of them, or a list of rows.")
    if any(not (x == -math.inf or abs(x) <= LARGEST) for x in cells):
        raise Misfit(f"{name} has a number that is too large, or none; the largest is {LARGEST:.0e}.")
    kinds = {isinstance(row, list) for row in rows}
    lengths = {len(row) for row in rows if isinstance(row, list)}
    if len(kinds) > 1 or len(lengths) > 1 or 0 in lengths:
        raise Misfit(f"The rows of {name} must be of the same length.")
    if len(rows) > MOST or max(lengths, default=0) > MOST:
        raise Misfit(f"{name} has more than {MOST} rows or columns.")
    return np.asarray(given, dtype=float)


def _axis(name: str, entry: Mapping, key: str) -> tuple[str, ...]:
    names = entry.get(key, [])
    if not isinstance(names, list) or any(not isinstance(x, str) or len(x) > 40 for x in names):
        raise Misfit(f"{key} of {name} must be a list of short texts.")
    return tuple(names)


def _steps(entries: list, given: tuple[Given, ...]) -> tuple[Step, ...]:
    symbols, steps = {g.name: g.latex for g in given}, []
    if len(entries) > MOST_STEPS:
        raise Misfit(f"{len(entries)} steps are too many; the most is {MOST_STEPS}.")
    for entry in entries:
        _only(entry, ("name", "formula", "latex", "says"), "A step")
        name = _name(entry.get("name"))
        if name in symbols:
            raise Misfit(f"{name} is there twice; every value needs a name of its own.")
        part = formula.read(_text(entry, "formula"), symbols)
        if unknown := [each for each in part.names if each not in symbols]:
            raise Misfit(f"{name} = {part.text} needs {', '.join(unknown)}, which nothing above it gives.")
        latex = _latex(entry) or formula.symbol(name)
        symbols[name] = f"({latex})" if " + " in latex or " - " in latex else latex
        steps.append(Step(name, part, latex, _text(entry, "says")))
    return tuple(steps)


def _printed(entry: object, known: set[str], texts: Mapping[str, str]) -> Printed:
    _only(entry, ("of", "cells", "row", "column", "lecture", "place"), "printed")
    if not _is_one(entry.get("of"), known):
        raise Misfit(f"{_came(entry.get('of'))} is no value of the example, of which numbers could be printed.")
    cells = entry.get("cells")
    rows = cells if isinstance(cells, list) else [cells]
    rows = rows if rows and all(isinstance(row, list) for row in rows) else [rows]
    first = [entry.get(key, 1) for key in ("row", "column")]
    if any(type(i) is not int or not 1 <= i <= MOST_CELLS for i in first):
        raise Misfit("row and column of printed say where its first cell stands, counted from 1.")
    found = []
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            if not isinstance(text, str):
                raise Misfit('A printed number is a text such as "1.40", so that its places are known.')
            if text:
                found.append((first[0] - 1 + i, first[1] - 1 + j, text))
    return Printed(
        entry["of"],
        tuple(found),
        _text(entry, "lecture") or texts["lecture"],
        _text(entry, "place") or texts["place"],
    )


def _is_one(x: object, known: set[str]) -> bool:
    return isinstance(x, str) and x in known


def _question(entry: object, known: set[str]) -> Question:
    _only(entry, ("ask", "candidates", "equals", "says"), "question")
    candidates = entry.get("candidates", [])
    if not isinstance(candidates, list) or not all(
        _is_one(x, known) for x in [*candidates, entry.get("equals")]
    ):
        raise Misfit("candidates and equals of a question are names of values of the example.")
    return Question(_text(entry, "ask"), tuple(candidates), entry["equals"], _text(entry, "says"))
