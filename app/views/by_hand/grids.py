"""An example's values as grids: those given to type over, results with their arithmetic, cells to fill in."""

import math
import re
from collections.abc import Callable, Mapping

import numpy as np

from app import components, compute, state
from app.text import plain as unescaped
from app.text import say
from app.ui.events import Act, Refused, cell, flag
from engine.examples import Misfit, changes
from engine.examples.exam import near
from engine.examples.example import Done, Given
from engine.examples.formula import Part, in_numbers
from engine.examples.printed import CUT, Row
from engine.examples.value import MOST, Value, read_cells, read_number, short, told
from engine.worked import Worked

DIGITS = 4
EXACT = 12  # digits of a number that was typed
TYPED = 400_000  # characters of a grid that the browser sends
TERMS = 12
PLAIN = {"formula": "", "numbers": "", "says": None, "shape": "", "ours": "", "printed": {}, "picked": None}
PLAIN |= {"verdicts": {}, "bad": [], "trouble": "", "after": [], "acts": [], "full": [], "most": MOST}
PLAIN |= {"plain": False}  # without the picture beside it
FIXED = {"rows": False, "columns": False, "drag": False}
WORDS = (
    "drag",
    "move",
    "lessRows",
    "moreRows",
    "lessColumns",
    "moreColumns",
    "large",
    "fixed",
    "right",
    "wrong",
)


def header(name: str, mode: str, value: Value, cells: list[list[str]], **more) -> dict:
    """What `components.grid` draws; `more` fills the rest."""
    named = [any(value.rows), any(value.columns)]
    words = {word: say("by_hand", f"grid/{word}", most=MOST) for word in WORDS}
    made = {"name": name, "aria": say("by_hand", "grid/aria", name=name, shape=told(value.shape)), "mode": mode}
    made |= {
        "rows": value.rows,
        "cols": value.columns,
        "named": named,
        "cells": cells,
        "can": FIXED,
        "words": words,
    }
    return PLAIN | made | more


def formula(latex: str, otherwise: str) -> str:
    """A formula as MathML; what cannot be set, as a name."""
    try:
        return compute.formula(latex)
    except Exception:  # latex2mathml's own errors, where a file's symbol is no LaTeX
        return compute.formula(rf"\text{{{''.join(c for c in otherwise if c.isalnum() or c in ' .')}}}")


def written(x: float, digits: int = DIGITS) -> str:
    """A number as a cell shows it: whole ones in full."""
    if math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    whole = x == int(x) and abs(x) < 1e15
    return (f"{int(x):,}".replace(",", "\u2009") if whole else f"{x:.{digits}g}").replace("-", "−")


def rows_of(value: Value, digits: int = DIGITS) -> list[list[str]]:
    return [[written(x, digits) for x in row] for row in value.grid.tolist()]


def key_of(example: str, name: str) -> str:
    """Where the session keeps what was typed into a grid of an example."""
    return f"typed {example} {name}"


# --- given -------------------------------------------------------------------------------------------


def given(
    example: str, one: Given, fixed: bool, act: Callable[[Value | None], None], digits: int = EXACT
) -> None:
    """A value to be changed: `act` is called with the new one, and may refuse it with a Misfit. What is refused
    stays as it was typed, with a sentence. digits: fewer are shown of numbers that were computed, and a cell
    that is left as it was keeps all of them; only where `fixed`."""
    now, key = one.value, key_of(example, one.name)
    typed, trouble = state.noted(key, (None, ""))
    full, cells = ([[to_type(x, n) for x in row] for row in now.grid.tolist()] for n in (EXACT, digits))
    fits = typed and len(typed) == len(cells) and {len(row) for row in typed} == {len(cells[0])}
    shown = typed if fits else cells
    can = {"rows": now.numbers.ndim == 2, "columns": now.numbers.ndim > 0, "drag": now.numbers.ndim == 2}
    can = FIXED if fixed else can | {"drag": can["drag"] and len(now.rows) > 1}
    more = {"formula": formula(one.latex, one.name), "shape": told(now.shape) if now.shape else "", "can": can}
    more |= {"full": full}
    more |= {"says": compute.marked(one.says) if one.says else None}
    more |= {"ours": unescaped(say("by_hand", "ours", why=one.ours)) if one.ours else ""}
    more |= {"trouble": trouble, "bad": _bad(shown) if trouble else []}

    def change(order: list[int], text: str) -> None:
        rows = [row.split("\t") for row in text.split("\n")]
        if digits < EXACT:
            rows = [
                [x if typed == shown else typed for typed, shown, x in zip(*three, strict=False)]
                for three in zip(rows, cells, full, strict=False)
            ]
        try:
            numbers = read_cells(rows)
            changes.check_size(numbers)
            act(changes.changed(one, numbers, order))
        except Misfit as misfit:
            return state.note(key, (rows, str(misfit)))
        state.forget(key)

    components.grid(f"given-{one.name}", header(one.name, "given", now, shown, **more), change=typed_in(change))


def to_type(x: float, digits: int) -> str:
    """A number as it stands in a cell that can be typed over."""
    return f"{x:.{digits}g}".replace("-", "−").replace("inf", "∞")


def _bad(rows: list[list[str]]) -> list[list[int]]:
    """The cells in which no number stands."""
    found = []
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            try:
                read_number(text)
            except Misfit:
                found.append([i, j])
    return found


def typed_in(act: Callable[[list[int], str], None]) -> Act:
    """What a grid sends when it was typed into: [where each row stood, the cells apart by tab and line]."""

    def take(value: object) -> None:
        match value:
            case [list(order), str(text)] if len(text) <= TYPED and len(order) <= MOST:
                if all(type(i) is int and 0 <= i <= MOST for i in order):
                    return act(order, text)
        raise Refused("no rows of a grid")

    return take


# --- results -----------------------------------------------------------------------------------------


def result(done: Done, printed: list[Row], covered: bool, shown: bool, act: Callable, reveal: Callable) -> None:
    """A step: its symbols, its numbers, its result, and what the lecture printed.

    covered  the result is to be predicted first
    shown    the numbers of the formula may be shown
    act      called with the [row, column] that is picked
    reveal   called where a covered result is wanted
    """
    step, part = done.step, done.part
    more = {"formula": formula(equation(step), step.name)}
    more |= {
        "says": compute.marked(step.says) if step.says else None,
        "shape": told(part.value.shape) if part.value.shape else "",
    }
    if shown and part.operation and (latex := in_numbers(part)):
        more |= {"numbers": formula(f"= {latex}", step.name)}
    if covered:
        return _covered(step.name, part, more, reveal)
    more |= {"printed": marks(printed), "after": told_of(printed, part.value), "full": rows_of(part.value, 12)}
    more |= {"picked": picked(step.name)}
    head = header(step.name, "result", part.value, rows_of(part.value), **more)
    size = part.value.grid.shape
    components.grid(f"step-{step.name}", head, pick=cell(*size, act))


def equation(step) -> str:
    """A step's symbol and its formula, or only one of them where both are the same."""
    bare = [re.sub(r"[\s{}]|\\[,!;]", "", latex) for latex in (step.latex, step.formula.latex)]
    return step.latex if bare[0] == bare[1] else f"{step.latex} = {step.formula.latex}"


def picked(name: str) -> list[int] | None:
    found = re.fullmatch(r"(\w+)\.([0-9]{1,5})\.([0-9]{1,5})", state.current().cell)
    return [int(found[2]) - 1, int(found[3]) - 1] if found and found[1] == name else None


def _covered(name: str, part: Part, more: dict, reveal: Callable) -> None:
    """A result to be filled in: what was typed is held against it."""
    key = f"guess {state.current().example} {name}"
    size = part.value.grid.shape
    typed = state.noted(key)
    if not typed or (len(typed), len(typed[0])) != size:
        typed = [[""] * size[1] for _ in range(size[0])]
    verdicts = verdicts_of(typed, lambda i, j, text: near(text, float(part.value.grid[i, j])))
    right = sum(verdicts.values())
    after = [say("by_hand", "predict/count", right=right, of=part.value.numbers.size)] if verdicts else []
    after += no_number(typed)
    more |= {"verdicts": verdicts, "acts": [("reveal", say("by_hand", "predict/reveal"))], "after": after}
    head = header(name, "guess", part.value, typed, **more)

    def change(order: list[int], text: str) -> None:
        state.note(key, [[short(cell, 60) for cell in row.split("\t")] for row in text.split("\n")])

    acts = dict(change=typed_in(change), reveal=flag(lambda on: reveal()))
    components.grid(f"step-{name}", head, **acts)


def no_number(typed: list[list[str]]) -> list[str]:
    """Why the first of what was typed that is no number is none, a sentence; else nothing."""
    for text in (text for row in typed for text in row if text.strip()):
        try:
            read_number(text)
        except Misfit as misfit:
            return [str(misfit)]
    return []


def verdicts_of(typed: list[list[str]], right: Callable[[int, int, str], bool]) -> dict[str, bool]:
    """Which of the cells that were filled in are right."""
    cells = ((i, j, text) for i, row in enumerate(typed) for j, text in enumerate(row) if text.strip())
    return {f"{i},{j}": right(i, j, text) for i, j, text in cells}


def plain(key: str, name: str, value: Value, latex: str = "", **more) -> None:
    """A value that is only shown."""
    more = {"formula": formula(latex, name)} | more if latex else more
    head = header(name, "result", value, rows_of(value), **more)
    components.grid(key, head, pick=cell(*value.grid.shape, lambda at: None))


# --- printed -----------------------------------------------------------------------------------------


def marks(printed: list[Row]) -> Mapping[str, dict]:
    """A sign for each cell that a lecture printed."""
    return {f"{row.row - 1},{row.column - 1}": {"ok": row.agrees, "text": told_row(row)} for row in printed}


def told_row(row: Row) -> str:
    kind = "agrees" if row.agrees else "differs"
    return say("by_hand", f"printed/{kind}", printed=row.printed, should=row.should)


def told_of(printed: list[Row], value: Value) -> list[str]:
    """What the lecture printed beside what was computed, in sentences, a line each."""
    if not printed:
        return []
    wrong = [row for row in printed if not row.agrees]
    where = say("by_hand", "printed/where", lecture=printed[0].lecture, place=printed[0].place)
    if not wrong:
        return [say("by_hand", "printed/all", n=len(printed), where=where)]
    lead = say("by_hand", "printed/some", n=len(printed), wrong=len(wrong), where=where)
    alike: dict[tuple, list[Row]] = {}
    for row in wrong:
        alike.setdefault((row.printed, row.should, row.verdict), []).append(row)
    return [lead, *(_told_wrong(rows, value) for rows in alike.values())]


def _told_wrong(rows: list[Row], value: Value) -> str:
    """A printed number that does not follow, and the cell, or how many cells, where it stands."""
    row = rows[0]
    at = [value.rows[row.row - 1], value.columns[row.column - 1]]
    cell = ", ".join(filter(None, at)) if len(rows) == 1 else say("by_hand", "printed/cells", n=len(rows))
    kind = "cut" if row.verdict == CUT else "cell"
    printed = row.printed.replace("-", "−")
    return say(
        "by_hand", f"printed/{kind}", cell=f"{cell}: " if cell else "", printed=printed, should=row.should
    )


# --- arithmetic --------------------------------------------------------------------------------------


def arithmetic(name: str, part: Part, at: tuple[int, ...], worked: Worked) -> None:
    """The box of a cell's arithmetic, as in the Walk."""
    names = [part.value.names[axis][i] for axis, i in enumerate(at)]
    rows = [(term.label, _factors(term), written(term.value, 6), {}) for term in worked.terms[:TERMS]]
    if rest := worked.terms[TERMS:]:
        rows.append(
            (say("by_hand", "terms/rest", n=len(rest)), "", written(math.fsum(t.value for t in rest), 6), {})
        )
    difference = 0.0 if worked.value == worked.shown else abs(worked.value - worked.shown)
    box = {
        "cell": f"{name}[{', '.join(names)}]" if names else name,
        "formulas": [formula(latex, name) for latex in (worked.symbols, worked.numbers)],
        "terms": rows,
        "total": written(worked.total, 6),
        "value": written(worked.value, 6),
        "shown": written(worked.shown, 6),
        "who": say("by_hand", "terms/who"),
        "difference": "0" if np.isnan(difference) else written(difference, 1),
        "sources": worked.sources,
        "set": False,
        "exact": 0.0,
    }
    components.worked_arithmetic(f"arithmetic-{name}", [box], 0, _refused)


def _factors(term) -> str:
    return " × ".join(written(x, 6) for x in term.factors) if len(term.factors) > 1 else ""


def _refused(sent: object) -> None:
    raise Refused("these cells follow from what is given")
