"""The whole forward pass as one picture: what stands in it, from the points of the run."""

from collections.abc import Iterator

import numpy as np

from app import compute, state
from app.edits import found
from app.text import say
from app.ui.context import StepContext
from app.ui.frame import light
from app.ui.page import keep
from app.views.machine import inside
from app.views.machine.lanes import Lanes, lanes_of
from engine.analysis import value_sized
from engine.worked import Check
from engine.worked.derived import check_value_sized, worst

CELLS = 16  # of a vector: as many stand for all of its entries
BEST = 5  # answers told for each lane
SECONDS = 2e8  # products of each of the matrices in a block: from here on a check waits for a click
PARTS = (  # of a block, in the order of computation: kind of picture, point, part, its name there, what it adds
    ("heads", "attn.pattern", "attention", "heads", "attn.out"),
    ("vector", "attn.out", "attention", "adds", "attn.out"),
    ("heads", "cross.pattern", "cross-attention", "heads", "cross.out"),
    ("vector", "cross.out", "cross-attention", "adds", "cross.out"),
    ("shares", "mlp.shares", "MLP", "experts", "mlp.out"),
    ("vector", "mlp.act", "MLP", "units", "mlp.out"),
    ("vector", "mlp.out", "MLP", "adds", "mlp.out"),
    ("stream", "resid_post", "stream", "", ""),
)


def header(ctx: StepContext) -> dict:
    """All that the picture of the run needs; the tensors go to the page beside it."""
    lanes, columns = lanes_of(ctx.config, len(ctx.labels)), list(_columns(ctx))
    _bring(ctx, columns)
    points = [column["point"] for column in columns]
    opened = inside.header(ctx) if ctx.view.inside else None
    if opened:
        points += [stage["point"] for stage in opened["stages"]]
    return {
        "lanes": lanes.names(ctx.labels),
        "size": lanes.size,
        "before": lanes.before,
        "token": ctx.view.token,
        "layer": ctx.view.layer,
        "head": ctx.view.head,
        "seen": {"own": _seen(ctx)} | ({"there": _seen(ctx.memory)} if ctx.config.memory else {}),
        "columns": columns,
        "block": inside.block(ctx),
        "inside": opened,
        "answers": _answers(ctx, lanes),
        "pooled": _pooled(inside.shared(opened["stages"]) if opened else columns, lanes),
        "foot": f"{len(points)} points, {points[0]} to {points[-1]}",
        "model": ctx.source,
        "light": light_of(ctx, points) if state.rested(name_of(ctx)) else None,
    }


def name_of(ctx: StepContext) -> str:
    """What the check of this run is called, and of the block that is open."""
    view = ctx.view
    opened = f"{inside.block(ctx)} {view.head} {view.expert}" if view.inside else ""
    return ctx.id_of(ctx.outcome[0], f"machine {opened} {view.weighted}")


def light_of(ctx: StepContext, points: list[str]) -> dict:
    """The self-check of all that is shown: the worst of its tensors, the answers' scores among them."""
    points = list(dict.fromkeys([*points, ctx.outcome[0]]))
    checks = [ctx.checked(point) for point in points] + _sized(ctx, points)
    found = light(worst(checks))
    return found | {"text": f"the worst of {len(checks)} tensors, {found['text']}"}


def _sized(ctx: StepContext, points: list[str]) -> list[Check]:
    """The checks of the weights times the size of the values, where ribbons are as wide as these."""
    if not ctx.view.weighted:
        return []
    runs = [(ctx.trace[p][0], ctx.trace[values_of(p)][0]) for p in points if p.endswith(".pattern")]
    return [check_value_sized(pattern, v, value_sized(pattern, v)) for pattern, v in runs]


def takes_long(ctx: StepContext) -> bool:
    """Does that take seconds?"""
    config = ctx.config
    return config.layers * config.width**2 * len(ctx.labels) > SECONDS


def _columns(ctx: StepContext) -> Iterator[dict]:
    yield _vector(ctx, ctx.whole("embed.out"), "stream") | _named("embedding", "")
    for layer in range(ctx.config.layers):
        for kind, name, part, label, adds in PARTS:
            point = ctx.whole(f"blocks.{layer}.{name}")
            if point not in ctx.trace.table:
                continue
            adds = ctx.whole(f"blocks.{layer}.{adds}") if adds else ""
            make = _heads if kind == "heads" else _vector
            yield make(ctx, point, kind) | _named(part, label, layer, adds) | _off(ctx, point, adds)
    last = ctx.whole("final_norm.out")
    if last in ctx.trace.table:
        yield _vector(ctx, last, "stream") | _named("last norm", "")


def _named(part: str, label: str, layer: int | None = None, adds: str = "") -> dict:
    return {"part": part, "label": label, "layer": layer, "adds": adds, "off": []}


def _vector(ctx: StepContext, point: str, kind: str) -> dict:
    """A vector for each lane, each cell the entry that is largest in size among those it stands for."""
    entries, lanes = _entries(ctx, point), lanes_of(ctx.config, len(ctx.labels))
    each = -(-entries // CELLS)
    read = (compute.cells, point, (lanes.size, each), (lanes.before, 0))
    id, at = ctx.id_of(point, "cells"), ctx.id_of(point, "places")
    found = {"src": id, "at": at, "point": point, "kind": kind, "entries": entries, "each": each}
    return found | {"read": read}


def _heads(ctx: StepContext, point: str, kind: str) -> dict:
    """All heads of a block, [H, T, S]."""
    cross = ctx.trace.table[point].part == "cross"
    there = ctx.memory if cross else ctx
    asking, seen = (lanes_of(one.config, len(one.labels)) for one in (ctx, there))
    id = ctx.id_of(point, f"{asking.size} {seen.size}" if max(asking.size, seen.size) > 1 else "")
    flow = id + " sized" * ctx.view.weighted  # the ribbons then have widths of their own
    found = {"src": id, "flow": flow, "point": point, "kind": kind, "seen": "there" if cross else "own"}
    return found | {"read": (compute.weights, point, asking.starts, seen.starts, False)}


def _bring(ctx: StepContext, columns: list[dict]) -> None:
    """The tensors of the columns, to the page: all of them at once, and what ribbons have of their own."""
    wanted = tuple(column.pop("read") for column in columns)
    for column, read, (cells, *where) in zip(columns, wanted, _glance(ctx, wanted), strict=True):
        keep(column["src"], cells if column["kind"] == "heads" else cells[None])
        if where:
            several = read[2][0] > 1  # rows in a lane: which of them is told, too
            keep(column["at"], where[0].transpose(2, 0, 1).astype(np.float32)[0 if several else -1 :])
    if ctx.view.weighted:
        heads = [column for column in columns if column["kind"] == "heads"]
        sized = tuple((*read[:-1], True) for read in wanted if read[0] is compute.weights)
        for column, (flow,) in zip(heads, _glance(ctx, sized), strict=True):
            keep(column["flow"], flow)


def _glance(ctx: StepContext, wanted: tuple[tuple, ...]) -> list[tuple]:
    return compute.glance(ctx.model.name, ctx.given, wanted, ctx.edits)


def _entries(ctx: StepContext, point: str) -> int:
    """How many entries the vectors of a point have, without computing it."""
    config, axis = ctx.config, ctx.trace.table[point].axes[-1]
    return {"D": config.width, "F": config.mlp_width, "X": config.experts}[axis]


def values_of(point: str) -> str:
    """The values that a pattern weighs."""
    return point.removesuffix("pattern") + "v"


def _seen(ctx: StepContext) -> dict:
    """What stands along the other side of a head: the lanes of the stack that is looked at."""
    lanes = lanes_of(ctx.config, len(ctx.labels))
    return {"names": lanes.names(ctx.labels), "size": lanes.size, "before": lanes.before}


def z_of(point: str) -> str:
    """Where a head of this pattern is taken out: what it hands over."""
    return point.rpartition(".")[0] + ".z"


def _off(ctx: StepContext, point: str, adds: str) -> dict:
    """What the what-ifs take out: heads by number, −1 for the part as a whole."""
    out = z_of(point)
    gone = [edit.at[0][1] for edit in ctx.edits if (edit.point, edit.op) == (out, "zero") and _is_head(edit)]
    return {"off": gone + [-1] * bool(adds and found(ctx.edits, adds, "zero"))}


def _is_head(edit) -> bool:
    return [axis for axis, _ in edit.at] == ["H"]


def _pooled(columns: list[dict], lanes: Lanes) -> str:
    """What a cell stands for, where it is for more than one number."""
    each = sorted({column["each"] for column in columns if column.get("each", 1) > 1})
    told = [say("machine", "cells", n=" or ".join(map(str, each)))] if each else []
    return " ".join(told + [say("machine", "lanes", n=lanes.size)] * (lanes.size > 1))


def _answers(ctx: StepContext, lanes: Lanes) -> list[dict]:
    """For each lane the most probable answers after its (last) token, and what they were before a what-if; for
    all lanes together where there is but one: a class, or what the decoder beside this stack writes."""
    point, at = ctx.outcome
    one = not at or ctx.side == "encoder"
    last = tuple(lanes.last(i) for i in range(lanes.number))
    read = (ctx.model.name, ctx.given, point, (at or None) if one else last, BEST, ctx.edits)
    ids, now = compute.best(*read)
    told = [{"labels": [ctx.answer(i) for i in each]} for each in ids.tolist()]
    for name, shares in (("now", now), *([("then", compute.probable(*read)[0])] if ctx.edits else [])):
        for lane, row in zip(told, shares.tolist(), strict=True):
            lane[name] = [float(f"{share:.6g}") for share in row]  # more digits are not shown
    return told
