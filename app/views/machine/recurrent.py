"""A recurrent stack in the picture of the whole model: a column for each of its steps, in order of time."""

from collections.abc import Iterator

import numpy as np

from app.text import say
from app.ui.context import StepContext
from app.ui.page import keep
from app.views.machine.cells import heads, named, of_entries
from app.views.machine.lanes import Lanes, blocks_of
from engine.analysis import pooled
from engine.worked import Check
from engine.worked.derived import check_pooled, worst

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
    points, values = _steps(ctx)
    shared = _cells(ctx, "steps", _rows(ctx), values) | {"kind": "step", "entries": ctx.config.width}
    for t, name in enumerate(ctx.labels):
        yield shared | {"n": t, "point": points[t][-1], "points": points[t]} | named(name)
    if LOOKS[0] in _rows(ctx):
        yield heads(ctx, ctx.whole("cross.weights")) | named(say("machine", "row/weights"))


def _steps(ctx: StepContext) -> tuple[list[list[str]], np.ndarray]:
    """The points of each step, and their vectors [T, R, D]."""
    positions = range(len(ctx.labels))
    points = [[_point(ctx, name, t) for name in _rows(ctx)] for t in positions]
    return points, np.stack([[_vector(ctx, point, t) for point in points[t]] for t in positions])


def _start(ctx: StepContext) -> dict:
    """What the decoder starts from: all that it is handed over."""
    points, values = _handed(ctx)
    count = say("machine", "handed", ctx.facts, n=len(points) * ctx.config.width)
    told = {"kind": "start", "n": 0, "point": points[-1], "points": points, "entries": ctx.config.width}
    shown = _cells(ctx, "start", _carried(ctx), values)
    return shown | told | {"told": count} | named(say("machine", "row/start"))


def _carried(ctx: StepContext) -> list[str]:
    return [name for name in _rows(ctx) if name in ctx.stack.cell.carried]


def _handed(ctx: StepContext) -> tuple[list[str], np.ndarray]:
    """The points of the start, and their vectors [1, R, D]."""
    points = [ctx.whole(f"start.{name}") for name in _carried(ctx)]
    return points, np.stack([[ctx.array(point) for point in points]])


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
    at = np.stack([where[..., 1] for _, where in _furthest(rows, values)])
    id, places = (ctx.id_of(ctx.whole(name), variant) for variant in ("cells", "places"))
    keep(id, np.take_along_axis(values, at, -1))
    keep(places, at.astype(np.float32))
    return {"src": id, "at": places, "each": of_entries(values.shape[-1]).size}


def _furthest(rows: list[str], values: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each matrix what its cells show, from the middle of its row's values, and where that stands."""
    return [pooled(matrix, *_blocks(matrix)) for matrix in _from_middle(rows, values)]


def _from_middle(rows: list[str], values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32) - np.array([[MIDDLE * (row in SHARES)] for row in rows], np.float32)


def _blocks(matrix: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
    return blocks_of(Lanes(matrix.shape[0]), of_entries(matrix.shape[1]))


def checks(ctx: StepContext) -> Iterator[Check]:
    """Does each cell show the entry that is furthest from the middle of its row's values?"""
    shown = [(_rows(ctx), _steps(ctx)[1])] + [(_carried(ctx), _handed(ctx)[1])] * (ctx.side == "decoder")
    for rows, values in shown:
        pairs = zip(_from_middle(rows, values), _furthest(rows, values), strict=True)
        yield worst(check_pooled(matrix, *_blocks(matrix), *found) for matrix, found in pairs)
