"""Vectors and heads as the picture of the whole model draws them: pooled where there are more of them than
cells."""

from collections.abc import Iterator

import numpy as np

from app import compute
from app.ui.context import StepContext
from app.ui.page import keep
from app.views.machine.lanes import Lanes, blocks_of, lanes_of
from engine.worked import Check

CELLS = 16  # of a vector: as many stand for all of its entries


def lanes(ctx: StepContext) -> Lanes:
    """The lanes of the stack of this context."""
    return lanes_of(ctx.config, len(ctx.labels))


def of_entries(count: int) -> Lanes:
    """So many entries of a vector in cells."""
    return Lanes(count, -(-count // CELLS))


def vectors(ctx: StepContext, point: str, kind: str) -> dict:
    """A vector for each lane."""
    found, where = compute.cells(*_vectors(ctx, point))
    id, at, entries = ctx.id_of(point, "cells"), ctx.id_of(point, "places"), _entries(ctx, point)
    keep(id, found[None])
    keep(at, where.transpose(2, 0, 1).astype(np.float32)[-1 if lanes(ctx).size == 1 else 0 :])
    of = {"entries": entries, "each": of_entries(entries).size}
    return {"src": id, "at": at, "point": point, "kind": kind} | of


def _vectors(ctx: StepContext, point: str) -> tuple:
    """What `compute` is asked for a vector for each lane."""
    blocks = blocks_of(lanes(ctx), of_entries(_entries(ctx, point)))
    return ctx.model.name, ctx.given, point, blocks, ctx.edits


def _entries(ctx: StepContext, point: str) -> int:
    """How many entries the vectors of a point have, without computing it."""
    config, axis = ctx.config, ctx.trace.table[point].axes[-1]
    return {"D": config.width, "F": config.mlp_width, "X": config.experts}[axis]


def heads(ctx: StepContext, point: str, kind: str = "heads") -> dict:
    """All heads of a block, [H, T, S]; `seen` is the stack that they look at, by its number; `flow` the widths
    of ribbons, which are the weights or, where there are values, these times their size."""
    *_, ((asking, seen), _), _, _ = _heads(ctx, point)
    id = ctx.id_of(point, f"{asking} {seen}" if max(asking, seen) > 1 else "")
    found = {"src": id, "flow": id, "point": point, "kind": kind}
    for name, sized in _widths(ctx, point):
        found[name] = id + " sized" * sized
        keep(found[name], compute.heads(*_heads(ctx, point, sized))[0])
    return found | {"seen": int(ctx.side == "decoder" and not _looks_across(ctx, point))}


def _widths(ctx: StepContext, point: str) -> list[tuple[str, bool]]:
    """What is kept of weights: the weights, and these times the size of the values."""
    weighted = ctx.view.weighted and values_of(point) in ctx.trace.table
    return [("src", False), ("flow", True)][: 1 + weighted]


def _heads(ctx: StepContext, point: str, sized: bool = False) -> tuple:
    """What `compute` is asked for the heads of a block."""
    seen = ctx.memory if _looks_across(ctx, point) else ctx
    return ctx.model.name, ctx.given, point, blocks_of(lanes(ctx), lanes(seen)), sized, ctx.edits


def _looks_across(ctx: StepContext, point: str) -> bool:
    return ctx.trace.table[point].part == "cross"


def checks(ctx: StepContext, columns: list[dict]) -> Iterator[Check]:
    """Is what stands for several numbers the largest of them? Those of the steps of a recurrent stack apart."""
    for point, kind in {(column["point"], column["kind"]) for column in columns}:
        if kind == "heads":
            for _, sized in _widths(ctx, point):
                yield compute.checked_in_blocks(*_heads(ctx, point, sized))
        elif kind not in ("step", "start"):
            yield compute.checked_cells(*_vectors(ctx, point))


def values_of(point: str) -> str:
    """The values that a pattern weighs."""
    return point.removesuffix("pattern") + "v"


def named(part: str, label: str = "", layer: int | None = None, adds: str = "") -> dict:
    """What a column is called, and what its part adds to the stream."""
    return {"part": part, "label": label, "layer": layer, "adds": adds, "off": []}
