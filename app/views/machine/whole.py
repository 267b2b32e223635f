"""The whole forward pass as one picture: what stands in it, from the points of the run."""

from collections.abc import Iterator
from dataclasses import replace

from app import compute, state
from app.edits import found
from app.text import say
from app.ui.context import StepContext
from app.ui.frame import light
from app.ui.page import keep
from app.views.machine import cells, inside, recurrent
from app.views.machine.cells import heads, lanes, named, values_of, vectors
from engine.analysis import value_sized
from engine.config import Config
from engine.worked import Check
from engine.worked.derived import check_value_sized, worst

SIDES = ("encoder", "decoder")
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
    shown = stacks(ctx)
    columns = [column | {"stack": i} for i, one in enumerate(shown) for column in _columns(one)]
    points, opened = points_of(columns), inside.header(ctx) if is_open(ctx) else None
    if opened:
        points = list(dict.fromkeys(points + [stage["point"] for stage in opened["stages"]]))
    blocks = [one for one in shown if isinstance(one.config, Config)]
    return {
        "stacks": [_stack(one, ctx) for one in shown],
        "picked": [one.side for one in shown].index(ctx.side),
        "layer": ctx.view.layer,
        "head": ctx.view.head,
        "columns": columns,
        "inside": opened,
        "answers": _answers(shown[-1]),
        "pooled": _pooled(inside.shared(opened["stages"]), blocks) if opened else _pooled(columns, shown),
        "foot": f"{len(points)} points, {points[0]} to {points[-1]}",
        "model": ctx.source,
        "light": light_of(ctx, points, columns) if state.rested(name_of(ctx)) else None,
    }


def stacks(ctx: StepContext) -> list[StepContext]:
    """The contexts of all stacks of the model: one, or encoder and decoder."""
    return [replace(ctx, side=side) for side in (SIDES if ctx.side else ("",))]


def points_of(columns: list[dict]) -> list[str]:
    """All that is shown, each point once."""
    return list(dict.fromkeys(point for c in columns for point in c.get("points", [c["point"]])))


def is_open(ctx: StepContext) -> bool:
    """Is the inside of the picked block shown? A recurrent stack has none, a convolutional one may not."""
    return ctx.view.inside and isinstance(ctx.config, Config) and ctx.config.layers > 0


def name_of(ctx: StepContext) -> str:
    """What the check of this run is called, and of the block that is open."""
    view = ctx.view
    opened = f"{inside.block(ctx)} {view.head} {view.expert}" if is_open(ctx) else ""
    return ctx.id_of(ctx.outcome[0], f"machine {opened} {view.weighted}")


def light_of(ctx: StepContext, points: list[str], columns: list[dict]) -> dict:
    """The self-check of all that is shown: the worst of its tensors, the answers' scores among them, and of
    what stands for several numbers."""
    points = list(dict.fromkeys([*points, ctx.outcome[0]]))
    tensors = [ctx.checked(point) for point in points] + _sized(ctx, points)
    found = light(worst([*tensors, *_in_cells(ctx, columns)]))
    return found | {"text": f"the worst of {len(tensors)} tensors, {found['text']}"}


def _in_cells(ctx: StepContext, columns: list[dict]) -> Iterator[Check]:
    """The checks of what stands for several numbers."""
    for i, one in enumerate(stacks(ctx)):
        yield from cells.checks(one, [column for column in columns if column["stack"] == i])
        if not isinstance(one.config, Config):
            yield from recurrent.checks(one)
    if is_open(ctx):
        yield from inside.checks(ctx)


def _sized(ctx: StepContext, points: list[str]) -> list[Check]:
    """The checks of the weights times the size of the values, where ribbons are as wide as these."""
    if not ctx.view.weighted:
        return []
    runs = [(ctx.trace[p][0], ctx.trace[values_of(p)][0]) for p in points if p.endswith(".pattern")]
    return [check_value_sized(pattern, v, value_sized(pattern, v)) for pattern, v in runs]


def takes_long(ctx: StepContext) -> bool:
    """Does that take seconds?"""
    work = (getattr(c.config, "layers", 1) * c.config.width**2 * len(c.labels) for c in stacks(ctx))
    return sum(work) > SECONDS


def _stack(one: StepContext, ctx: StepContext) -> dict:
    """A stack of blocks has a lane for each token, one of a recurrent model a step."""
    rows, unrolled = lanes(one), not isinstance(one.config, Config)
    return {
        "title": say("machine", f"stack/{one.side}") if one.side else "",
        "unrolled": recurrent.rows(one) if unrolled else None,
        "lanes": rows.names(one.labels),
        "size": rows.size,
        "before": rows.before,
        "token": lit(one, ctx),
        "image": _image(one) if one.config.image else None,
    }


def lit(one: StepContext, ctx: StepContext) -> int:
    """The position that is lit in a stack: the picked one. Beside it, in the decoder its usual one, in the
    encoder the position looked at, or none."""
    if one.side == ctx.side:
        return ctx.view.token
    if one.side == "decoder":
        return one.usual
    return ctx.view.key if ctx.view.key < len(one.labels) else -1


def _image(ctx: StepContext) -> dict:
    """The image that the lanes' patches are cut from, or their cells computed of."""
    id, config = ctx.id_of("image"), ctx.config
    keep(id, ctx.model.prepare.pixels(ctx.trace.ids)[0].cpu().numpy())
    return {
        "src": id,
        "across": config.image // config.patch,
        "leading": config.leading,
        "what": "cell" if config.filters else "patch",
    }


def _columns(ctx: StepContext) -> Iterator[dict]:
    return _blocks(ctx) if isinstance(ctx.config, Config) else recurrent.columns(ctx)


def _blocks(ctx: StepContext) -> Iterator[dict]:
    yield vectors(ctx, ctx.whole("embed.out"), "stream") | named(say("machine", "embedding", ctx.facts))
    for layer in range(ctx.config.layers):
        for kind, name, part, label, adds in PARTS:
            point = ctx.whole(f"blocks.{layer}.{name}")
            if point not in ctx.trace.table:
                continue
            adds = ctx.whole(f"blocks.{layer}.{adds}") if adds else ""
            make = heads if kind == "heads" else vectors
            yield make(ctx, point, kind) | named(part, label, layer, adds) | _off(ctx, point, adds)
    last = ctx.whole("final_norm.out")
    if last in ctx.trace.table and ctx.config.norm != "none":
        yield vectors(ctx, last, "stream") | named("last norm")


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


def _pooled(columns: list[dict], shown: list[StepContext]) -> str:
    """What a cell stands for, where it is for more than one number."""
    each = sorted({column["each"] for column in columns if column.get("each", 1) > 1})
    told = [say("machine", "cells", n=" or ".join(map(str, each)))] if each else []
    gates = any(
        row["middle"] for one in shown if not isinstance(one.config, Config) for row in recurrent.rows(one)
    )
    told += [say("machine", "gates")] * gates
    shared = {"image" if one.config.image else "text": lanes(one).size for one in shown if lanes(one).size > 1}
    rows = (say("machine", f"lanes/{of}", n=size, **shown[0].pieces) for of, size in shared.items())
    return " ".join([*told, *rows])


def _answers(ctx: StepContext) -> list[dict]:
    """For each lane the most probable answers after its (last) token, and what they were before a what-if; for
    all lanes together where there is but one: a class."""
    (point, at), rows = ctx.outcome, lanes(ctx)
    last = tuple(rows.last(i) for i in range(rows.number)) if at else None
    read = (ctx.model.name, ctx.given, point, last, BEST, ctx.edits)
    ids, now = compute.best(*read)
    told = [{"labels": [ctx.answer(i) for i in each]} for each in ids.tolist()]
    for name, shares in (("now", now), *([("then", compute.probable(*read)[0])] if ctx.edits else [])):
        for lane, row in zip(told, shares.tolist(), strict=True):
            lane[name] = [float(f"{share:.6g}") for share in row]  # more digits are not shown
    return told
