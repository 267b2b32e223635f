"""Vectors and heads as the picture of the whole model draws them: pooled where there are more of them than
cells."""

import numpy as np

from app import compute
from app.ui.context import StepContext
from app.ui.page import keep
from app.views.machine.lanes import Lanes, lanes_of
from engine.analysis import pooled

CELLS = 16  # of a vector: as many stand for all of its entries


def lanes(ctx: StepContext) -> Lanes:
    """The lanes of the stack of this context."""
    return lanes_of(ctx.config, len(ctx.labels))


def cells(values: np.ndarray, rows: Lanes) -> tuple[np.ndarray, np.ndarray, int]:
    """Vectors [T, D] -> cells [T', C], each the entry that is largest in size among those it stands for; where
    that is, [row, column; T', C]; and how many columns a cell stands for."""
    values = values.astype(np.float32)
    each = -(-values.shape[1] // CELLS)
    found, where = pooled(values, (rows.size, each), (rows.before, 0))
    return found, where.transpose(2, 0, 1).astype(np.float32), each


def vectors(ctx: StepContext, point: str, kind: str) -> dict:
    """A vector for each lane."""
    entries, rows = _entries(ctx, point), lanes(ctx)
    each = -(-entries // CELLS)
    read = (ctx.model.name, ctx.given, point, (rows.size, each), (rows.before, 0), ctx.edits)
    found, where = compute.cells(*read)
    id, at = ctx.id_of(point, "cells"), ctx.id_of(point, "places")
    keep(id, found[None])
    keep(at, where.transpose(2, 0, 1).astype(np.float32)[-1 if rows.size == 1 else 0 :])
    return {"src": id, "at": at, "point": point, "kind": kind, "entries": entries, "each": each}


def _entries(ctx: StepContext, point: str) -> int:
    """How many entries the vectors of a point have, without computing it."""
    config, axis = ctx.config, ctx.trace.table[point].axes[-1]
    return {"D": config.width, "F": config.mlp_width, "X": config.experts}[axis]


def heads(ctx: StepContext, point: str, kind: str = "heads") -> dict:
    """All heads of a block, [H, T, S]; `seen` is the stack that they look at, by its number; `flow` the widths
    of ribbons, which are the weights or, where there are values, these times their size."""
    cross = ctx.trace.table[point].part == "cross"
    asking, seen = lanes(ctx), lanes(ctx.memory if cross else ctx)
    id = ctx.id_of(point, f"{asking.size} {seen.size}" if max(asking.size, seen.size) > 1 else "")
    found = {"src": id, "flow": id, "point": point, "kind": kind}
    weighted = ctx.view.weighted and values_of(point) in ctx.trace.table
    for name, sized in (("src", False), ("flow", True))[: 1 + weighted]:
        found[name] = id + " sized" * sized
        read = (ctx.model.name, ctx.given, point, asking.starts, seen.starts, sized, ctx.edits)
        keep(found[name], compute.pooled_weights(*read)[0])
    return found | {"seen": int(ctx.side == "decoder" and not cross)}


def values_of(point: str) -> str:
    """The values that a pattern weighs."""
    return point.removesuffix("pattern") + "v"


def named(part: str, label: str = "", layer: int | None = None, adds: str = "") -> dict:
    """What a column is called, and what its part adds to the stream."""
    return {"part": part, "label": label, "layer": layer, "adds": adds, "off": []}
