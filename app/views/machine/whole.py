"""The whole forward pass as one picture: what stands in it, from the points of the run."""

from collections.abc import Iterator

import numpy as np

from app import compute
from app.ui.context import StepContext
from app.ui.frame import light
from app.ui.heatmaps import shown
from app.ui.page import keep
from engine.analysis import pooled
from engine.worked.derived import worst

LANES = 48  # tokens that have a lane of their own; of more, neighbours share one
CELLS = 16  # of a vector: as many stand for all of its entries
BEST = 5  # answers told for each lane
PARTS = (  # of a block, in the order in which it computes: kind of picture, point, name, what takes it out
    ("heads", "attn.pattern", "attention", "attn.z"),
    ("vector", "attn.out", "attention adds", "attn.out"),
    ("heads", "cross.pattern", "cross-attention", "cross.z"),
    ("vector", "cross.out", "cross-attention adds", "cross.out"),
    ("vector", "mlp.act", "MLP units", ""),
    ("vector", "mlp.out", "MLP adds", "mlp.out"),
    ("stream", "resid_post", "stream", ""),
)


def header(ctx: StepContext) -> dict:
    """All that the picture of the run needs; the tensors go to the page beside it."""
    columns = list(_columns(ctx))
    size = -(-len(ctx.labels) // LANES)
    points = [column["point"] for column in columns]
    check = worst(ctx.checked(point) for point in points)
    return {
        "lanes": _lanes(ctx.labels, size),
        "per": size,
        "token": ctx.view.token,
        "layer": ctx.view.layer,
        "head": ctx.view.head,
        "columns": columns,
        "answers": _answers(ctx, size),
        "foot": f"{len(points)} points, {points[0]} to {points[-1]}",
        "model": ctx.source,
        "light": light(check) | {"text": f"{len(points)} tensors, each {light(check)['text']}"},
    }


def _lanes(labels: list[str], size: int) -> list[str]:
    """What each lane is called: its token, or the first of those that share it."""
    return labels if size == 1 else [f"{label} …" for label in labels[::size]]


def _columns(ctx: StepContext) -> Iterator[dict]:
    yield _vector(ctx, ctx.whole("embed.out"), "embedding", "stream")
    for layer in range(ctx.config.layers):
        for kind, name, label, out in PARTS:
            point = ctx.whole(f"blocks.{layer}.{name}")
            if point not in ctx.trace.table:
                continue
            make = _heads if kind == "heads" else _vector
            taken = ctx.whole(f"blocks.{layer}.{out}") if out else ""
            yield make(ctx, point, label, kind) | {"layer": layer, "takes": taken}
    last = ctx.whole("final_norm.out")
    if last in ctx.trace.table:
        yield _vector(ctx, last, "last norm", "stream")


def _vector(ctx: StepContext, point: str, label: str, kind: str) -> dict:
    """A vector for each lane, each cell the entry that is largest in size among those it stands for."""
    values, lanes = ctx.array(point), -(-len(ctx.labels) // LANES)
    cells, where = pooled(values, (lanes, -(-values.shape[1] // CELLS)))
    id = ctx.id_of(point, "pooled")
    keep(id, np.stack([cells, where[..., 1], where[..., 0]]).astype(np.float32))
    base = {"src": id, "point": point, "label": label, "kind": kind, "layer": None, "takes": "", "off": []}
    return base | {"entries": values.shape[1], "per": -(-values.shape[1] // CELLS)} | _off(ctx, point)


def _heads(ctx: StepContext, point: str, label: str, kind: str) -> dict:
    """All heads of a block, [H, T, S]."""
    values = shown(ctx, point)
    rows, columns = (-(-n // LANES) for n in values.shape[1:])
    if rows > 1 or columns > 1:
        values = np.stack([pooled(head, (rows, columns))[0] for head in values])
    id = ctx.id_of(point, "pooled" if max(rows, columns) > 1 else "")
    keep(id, values)
    out = point.rpartition(".")[0] + ".z"
    gone = [dict(edit.at)["H"] for edit in ctx.edits if (edit.point, edit.op) == (out, "zero") and edit.at]
    seen = _lanes(ctx.positions(point), columns)
    return {"src": id, "point": point, "label": label, "kind": kind, "seen": seen, "off": gone}


def _off(ctx: StepContext, point: str) -> dict:
    """Whether a what-if takes the whole part out."""
    return {"off": [0] if any((e.point, e.op, e.at) == (point, "zero", ()) for e in ctx.edits) else []}


def _answers(ctx: StepContext, size: int) -> list[dict]:
    """For each lane the most probable answers after its (last) token, and what they were before a what-if."""
    point = "classes" if "classes" in ctx.trace.table else ctx.whole("logits")
    if point not in ctx.trace.table:
        return []
    after = ctx.trace[point][0].softmax(-1)
    first = compute.trace(ctx.model.name, ctx.given)[point][0].softmax(-1) if ctx.edits else None
    if after.dim() == 1:
        return [_best(ctx, after, first)] * len(_lanes(ctx.labels, size))
    last = [min(i + size, len(after)) - 1 for i in range(0, len(after), size)]
    return [_best(ctx, after[i], None if first is None else first[i]) for i in last]


def _best(ctx: StepContext, after, before) -> dict:
    best = after.topk(min(BEST, len(after))).indices.tolist()
    found = {"labels": [ctx.answer(i) for i in best], "now": [float(after[i]) for i in best]}
    return found | ({} if before is None else {"then": [float(before[i]) for i in best]})
