"""A recurrent stack in the picture of the whole model: a column for each of its steps, in order of time."""

from collections.abc import Iterator

import numpy as np

from app.text import say
from app.ui.context import StepContext
from app.ui.page import keep
from app.views.machine.cells import cells, heads, named
from app.views.machine.lanes import Lanes

GATES = {  # of each cell, between the token and the state
    "rnn": (),
    "gru": ("reset", "update", "candidate"),
    "lstm": ("input", "forget", "candidate", "output", "cell"),
}
SHARES, MIDDLE = ("reset", "update", "input", "forget", "output"), 0.5  # gates: between 0 and 1
LOOKS = ("cross.context", "cross.mixed")  # what comes of the look back at the source, where there is one


def rows(ctx: StepContext) -> list[dict]:
    """What stands in a column, from top to bottom: its name, the middle of its values, if it is handed on."""
    return [
        {
            "name": say("machine", f"row/{name.rpartition('.')[2]}"),
            "middle": MIDDLE * (name in SHARES),
            "carried": name in ctx.stack.cell.carried,
        }
        for name in _rows(ctx)
    ]


def columns(ctx: StepContext) -> Iterator[dict]:
    """The start, where that comes from the encoder; the steps; and the weights of all looks back."""
    if ctx.side == "decoder":
        yield _start(ctx)
    names, positions = _rows(ctx), range(len(ctx.labels))
    points = [[_point(ctx, name, t) for name in names] for t in positions]
    values = np.stack([[_vector(ctx, point, t) for point in points[t]] for t in positions])  # [T, R, D]
    shared = _cells(ctx, "steps", names, values) | {"kind": "step", "entries": ctx.config.width}
    for t in positions:
        yield shared | {"n": t, "point": points[t][-1], "points": points[t]} | named(ctx.labels[t])
    if LOOKS[0] in names:
        yield heads(ctx, ctx.whole("cross.weights")) | named(say("machine", "row/weights"))


def _start(ctx: StepContext) -> dict:
    """What the decoder starts from: all that it is handed over."""
    carried = [name for name in _rows(ctx) if name in ctx.stack.cell.carried]
    points = [ctx.whole(f"start.{name}") for name in carried]
    values = np.stack([[ctx.array(point) for point in points]])
    count = say("machine", "handed", ctx.facts, n=len(carried) * ctx.config.width)
    told = {"kind": "start", "n": 0, "point": points[-1], "points": points, "entries": ctx.config.width}
    return _cells(ctx, "start", carried, values) | told | {"told": count} | named(say("machine", "row/start"))


def _rows(ctx: StepContext) -> list[str]:
    looks = LOOKS if ctx.side == "decoder" and ctx.config.attention != "none" else ()
    return ["token", *GATES[ctx.config.cell], "h", *looks]


def _point(ctx: StepContext, name: str, t: int) -> str:
    return ctx.whole(name if name in ("token", *LOOKS) else f"steps.{t}.{name}")


def _vector(ctx: StepContext, point: str, t: int) -> np.ndarray:
    """A point's vector at a step: a row of those that hold all steps, [T, D]."""
    array = ctx.array(point)
    return array[t] if array.ndim == 2 else array


def _cells(ctx: StepContext, name: str, rows: list[str], values: np.ndarray) -> dict:
    """Vectors [N, R, D] in cells [N, R, C], and which entry each cell shows: the one that is furthest from the
    middle of its row's values."""
    middles = np.array([[MIDDLE * (row in SHARES)] for row in rows], np.float32)
    one = Lanes(len(rows))
    pairs = [cells(matrix - middles, one) for matrix in values]
    at = np.stack([where[-1] for _, where, _ in pairs])
    id, places = (ctx.id_of(ctx.whole(name), variant) for variant in ("cells", "places"))
    keep(id, np.take_along_axis(values, at.astype(int), -1))
    keep(places, at)
    return {"src": id, "at": places, "each": pairs[0][2]}
