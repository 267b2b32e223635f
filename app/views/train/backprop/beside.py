"""Gradients of several ways beside each other, a row a number, each with what it is off by."""

from collections.abc import Mapping, Sequence

from app import components
from app.text import say
from app.ui.events import cell
from app.views.by_hand import grids
from app.views.train.backprop import picture
from engine.examples.value import Value, value

DIGITS = 5


def numbers_beside(
    key: str,
    rows: Sequence[str],
    ways: Mapping[str, Mapping[str, float | None]],
    names: Sequence[str],
    allowed: float,
) -> None:
    """A table of single gradients: a row for each name, a column for each way (None: not yet), the largest
    difference from what finite differences measured, and a sign at each number: off by more than `allowed`?
    """
    cells, marks, gaps = [], {}, [0.0]
    measured = ways["differences"]
    for i, name in enumerate(names):
        numbers = [way.get(name) for way in ways.values()]
        known = [x for x in numbers if x is not None and name in measured]
        gap = max((abs(x - measured[name]) for x in known), default=None)
        cells.append([*(_told(x) for x in numbers), _told(gap, 1)])
        gaps.append(gap or 0.0)
        for j, (way, x) in enumerate(zip(ways, numbers, strict=True)):
            if way != "differences" and x is not None and name in measured:
                ok = abs(x - measured[name]) <= allowed
                marks[f"{i},{j}"] = {"ok": ok, "text": say("backprop", f"beside/{'ok' if ok else 'off'}")}
    heads = tuple(say("backprop", f"beside/{way}") for way in (*ways, "difference"))
    table(key, say("backprop", "beside/title"), tuple(rows), heads, cells, marks)
    if marks:
        light(key, max(gaps), allowed)


def light(key: str, gap: float, allowed: float) -> None:
    """A light by itself, with its sentence."""
    one = picture.lit(gap, allowed)
    head = {"say": one["text"], "ok": one["ok"], "name": key, "ask": False, "button": ""}
    components.rest(f"light-{key}", head, lambda name: None)


def table(
    key: str, name: str, rows: tuple, columns: tuple, cells: list[list[str]], marks: dict, **more
) -> None:
    """A grid of texts, which are numbers or say that there is none yet."""
    empty = Value(value([[0.0] * len(columns)] * len(rows)).numbers, (rows, columns))
    head = grids.header(name, "result", empty, cells, printed=marks, **more)
    components.grid(key, head | {"plain": True}, pick=cell(len(rows), len(columns), lambda at: None))


def _told(x: float | None, digits: int = DIGITS) -> str:
    return say("backprop", "graph/notYet") if x is None else grids.written(x, digits)
