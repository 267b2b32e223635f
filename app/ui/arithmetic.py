"""The arithmetic of picked cells, a box each, and the whole run recomputed."""

import math
import re
from dataclasses import replace

import torch

from app import components, compute, state
from app.edits import LARGEST, put
from app.text import say
from app.ui.context import StepContext
from app.ui.events import Refused, is_number
from app.ui.frame import clamp, written
from engine.trace.tap import Edit
from engine.worked import Worked, work

SHOWN_TERMS = 6
NUMBERED = re.compile(r"(position|dimension) (\d+)")  # a term that stands in a row or a column
LONG = 64  # tokens from which the whole run is recomputed only on request


def arithmetic(ctx: StepContext, *cells: tuple | Worked, open: int = 0) -> None:
    """Picked cells (a point and where in it) by hand: terms, their sum, the model's own number beside it. Only
    one is unfolded, at first `open`, then that of the heat map in which a cell was picked."""
    boxes = [_box(ctx, cell) if isinstance(cell, Worked) else _by_hand(ctx, *cell) for cell in cells]
    shown = [box for box, _ in boxes]
    components.worked_arithmetic("worked_arithmetic", shown, open, lambda sent: _set(boxes, sent))


def _set(boxes: list[tuple[dict, Edit | None]], sent: object) -> None:
    """Give a cell, by its name, the number that the browser sends."""
    cells = {box["cell"]: edit for box, edit in boxes if edit}
    match sent:
        case [str(cell), x] if cell in cells and is_number(x) and abs(x) <= LARGEST:
            state.edit(lambda edits: put(edits, replace(cells[cell], value=float(x))))
        case _:
            raise Refused("no cell and number")


def _settable(ctx: StepContext, point: str, at: tuple[int, ...]) -> Edit | None:
    """The what-if that sets a cell, if it is a number of a point."""
    if point not in ctx.trace.table or ctx.trace[point].dtype == torch.bool:
        return None
    axes = ctx.trace.table[point].axes[1:]
    return Edit(point, "set", [(axis, i) for axis, i in zip(axes, at, strict=True) if axis != "1"], 0.0)


def _by_hand(ctx: StepContext, point: str, *cell: int) -> dict:
    sizes = ctx.trace[point].shape[1:]
    at = tuple(clamp(i, n) for i, n in zip(cell, sizes, strict=True))
    made, made_at = _made(ctx, point, at)
    return _box(ctx, work(ctx.trace, made, (0, *made_at)), {point: at})


def _box(ctx: StepContext, worked: Worked, picked: dict[str, tuple[int, ...]] | None = None) -> tuple:
    """The arithmetic of a cell, and the what-if that sets it; `picked` names a cell that only copies it."""
    cells = (picked or {}) | {worked.point: worked.at[1:]}
    difference = abs(worked.value - worked.shown) if worked.value != worked.shown else 0.0
    told = "frac" in worked.numbers or not worked.terms  # else the terms below say the same
    settable = _settable(ctx, *next(iter(cells.items())))
    return {
        "cell": " = ".join(f"{name}[{', '.join(map(str, i))}]" for name, i in cells.items()),
        "formulas": [compute.formula(latex) for latex in (worked.symbols, worked.numbers)[: 1 + told]],
        "terms": _terms(ctx, worked),
        "total": written(worked.total),
        "value": written(worked.value),
        "shown": written(worked.shown),
        "who": "shown above" if worked.point == "p" else "this what-if" if ctx.trace.edits else "the model",
        "difference": written(difference, 1),
        "sources": worked.sources,
        "set": settable is not None,
        "exact": worked.shown if math.isfinite(worked.shown) else 0.0,
    }, settable


def _made(ctx: StepContext, point: str, at: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """Where the number in a cell was computed: a point that only copies another has nothing to work out."""
    step = ctx.trace.table[point]
    if not step.sources or point in (edit.point for edit in ctx.trace.edits):
        return point, at
    if step.kind == "identity":
        return _made(ctx, step.sources[0], at)
    return _made(ctx, step.sources[at[0]], at[1:]) if step.kind == "stack" else (point, at)


def _terms(ctx: StepContext, worked: Worked) -> list[tuple[str, str, str, dict]]:
    """The largest terms, each with its factors and its cell, and the sum of the rest."""
    rows = []
    for term in worked.terms[:SHOWN_TERMS]:
        factors = " × ".join(written(x) for x in term.factors) if len(term.factors) > 1 else ""
        name = _name(ctx, worked.point, term.label)
        rows.append((name, factors, written(term.value), _place(ctx, worked, term.label)))
    rest = worked.terms[SHOWN_TERMS:]
    if rest:
        label = rest[0].label if len(rest) == 1 else f"{len(rest):,} more"
        rows.append((label, "", written(sum(term.value for term in rest)), {}))
    return rows


def _place(ctx: StepContext, worked: Worked, label: str) -> dict[str, object]:
    """Where heat maps show what a term is made of: an index for each axis, or the name of a point."""
    if label in ctx.trace.table:
        return {"point": label}
    found = NUMBERED.match(label)
    step = ctx.trace.table.get(worked.point)
    if not found or not step or not step.sources:
        return {}
    axis = "S" if found[1] == "position" else ctx.axes(step.sources[0])[-1]
    own = dict(zip(ctx.axes(worked.point), worked.at[1:], strict=True))
    return {name: i for name, i in own.items() if name in "TN"} | {axis: int(found[2])}


def _name(ctx: StepContext, point: str, label: str) -> str:
    """A term's label with the token's text instead of its position or id."""
    word, _, i = label.partition(" ")
    if word == "entry":
        return ctx.answer(int(i))
    return ctx.positions(point)[int(i)] if word == "position" else label


def whole_run(ctx: StepContext, point: str) -> None:
    """The whole run by the second route alone, from the input to a point. It takes a while, so it waits until
    the visitor rests; for a long text, until a click."""
    name, long = ctx.id_of(point, "whole run"), len(ctx.trace.ids[0]) > LONG
    header = {
        "name": name,
        "ask": not state.rested(name),
        "button": say("walk", "run/go") if long else "",
        "ok": None,
    }
    values, kind = {}, "long" if long else "waits"
    if not header["ask"]:
        check = compute.checked_run(ctx.model.name, ctx.given, point, ctx.trace.edits)
        values, kind = dict(largest=check.largest, allowed=check.allowed), "agrees" if check.ok else "differs"
        header["ok"] = check.ok
    components.rest("rest", header | {"say": say("walk", f"run/{kind}", **values)}, state.rest)
