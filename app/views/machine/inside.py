"""What happens inside one block: its points in the order of computation, those of heads for the picked head."""

from collections.abc import Iterator

import numpy as np

from app import state
from app.architecture import CROSS
from app.text import plain, say
from app.ui.context import StepContext
from app.ui.events import Act, numbers
from app.ui.frame import written
from app.ui.page import keep
from app.views.machine.lanes import Lanes, blocks_of, lanes_of
from engine.analysis import pooled
from engine.points import Point
from engine.worked import Check
from engine.worked.derived import check_pooled

CELLS = 64  # of a row: where it has more entries, as many stand for all of them
HIDDEN = {  # the kinds of points that are steps on the way to those that are shown
    "identity",
    "mean",
    "variance",
    "standardize",
    "mean_square",
    "divide_by_rms",
    "attention_mask",
    "highest",
    "sent",
}
SHARES = ("softmax", "shares")  # kinds whose numbers are shares of 1; all others have theirs around 0
ALIKE = ("affine", "scale_scores", "apply_mask", "sum", "activation", "product")  # kinds made cell from cell
KEYS = ("k", "k_norm.out", "k_rot")  # drawn as columns, so that a query's row meets them
OPENS = {  # which step of the walk shows what stands inside a block
    "resid_pre": {"step": "residual"},
    "q": {"step": "qkv", "letter": "q"},
    "k": {"step": "qkv", "letter": "k"},
    "v": {"step": "qkv", "letter": "v"},
    "q_norm.out": {"step": "qkv", "letter": "q_norm"},
    "k_norm.out": {"step": "qkv", "letter": "k_norm"},
    "q_rot": {"step": "qkv", "letter": "q_rot"},
    "k_rot": {"step": "qkv", "letter": "k_rot"},
    "dots": {"step": "scores"},
    "scores": {"step": "scores"},
    "bias": {"step": "scores"},
    "masked": {"step": "mask"},
    "pattern": {"step": "softmax"},
    "z": {"step": "heads"},
    "attn.out": {"step": "heads"},
    "resid_mid": {"step": "residual"},
    "resid_post": {"step": "residual"},
}


def header(ctx: StepContext) -> dict:
    """All that the picture of the picked block's inside needs; the tensors go to the page beside it."""
    view, config = ctx.view, ctx.config
    row = ctx.array(ctx.point("attn.pattern"))[view.head, view.token]
    told = dict(head=view.head, token=ctx.token, best=ctx.names[int(row.argmax())], share=float(row.max()))
    group = view.head // config.group_size if config.group_size > 1 else None
    return {
        "block": block(ctx),
        "head": view.head,
        "group": "" if group is None else say("machine", "inside/group", group=group),
        "stages": [_stage(ctx, point) for point in points(ctx)],
        "say": plain(say("machine", "inside/say", ctx.facts, **told)),
    }


def block(ctx: StepContext) -> str:
    """The picked block's name: "decoder.blocks.1"."""
    return ctx.whole(f"blocks.{ctx.view.layer}")


def points(ctx: StepContext) -> Iterator[str]:
    """Its points that are shown, in the order of computation: of experts those of the picked one."""
    start, experts = f"{block(ctx)}.", (None, _picked_expert(ctx))
    for name, point in ctx.trace.table.items():
        shown = point.kind not in HIDDEN or point.short == "resid_pre"
        if name.startswith(start) and shown and _expert(point) in experts:
            yield name


def _expert(point: Point) -> int | None:
    words = point.part.split(".")
    return int(words[2]) if words[1:2] == ["experts"] else None


def _picked_expert(ctx: StepContext) -> int:
    """The picked expert of a mixture, or the one with the largest share; 0 where there are none."""
    return max(0, ctx.strongest(expert=ctx.point("mlp.shares")).view.expert if ctx.config.experts else 0)


def _stage(ctx: StepContext, name: str) -> dict:
    """One of them: what it is called, what is done there, and its matrix in cells."""
    point, part = ctx.trace.table[name], _part(ctx.trace.table[name])
    values, axes = _matrix(ctx, name)
    root, scale = written(ctx.config.head_width**0.5, 3), written(ctx.config.scale(ctx.view.layer), 3)
    told = ctx.values | dict(root=root, scale=scale, expert=_picked_expert(ctx))
    called, does = say("machine", f"inside/{_called(point)}", ctx.facts, **told).split("\n", 1)
    beside = "square" if axes == "TS" else "above" if _called(point) in (*KEYS, "v") else "row"
    return {
        "point": name,
        "part": part,
        "kind": beside,
        "axes": axes,
        "shape": f"[{', '.join(f'{axis}={n}' for axis, n in zip(axes, values.shape, strict=True))}]",
        "name": called,
        "does": does,
        "scale": "sequential" if point.kind in SHARES else "diverging",
        "from": list(point.sources),
        "alike": point.kind in ALIKE,
    } | _cells(ctx, name, values, axes)


def _called(point: Point) -> str:
    """What a point is called in the texts: its short name, with that of a norm before it."""
    if point.short == "out":
        norm = point.part.rpartition(".")[2]
        inner = norm if norm.endswith("norm") else "expert" if _expert(point) is not None else _part(point)
        return f"{'attn' if inner == CROSS else inner}.out"
    return point.short


def _part(point: Point) -> str:
    """In which part of the block it stands: the sum of the stream stands beside what was added last."""
    after = {"resid_cross": CROSS, "resid_post": "mlp"}
    return point.part.partition(".")[0] or after.get(point.short, "attn")


def _matrix(ctx: StepContext, name: str) -> tuple[np.ndarray, str]:
    """The point's numbers [R, C] and their axes: of the picked head, keys as columns, a masked weight −∞."""
    point, axes = ctx.trace.table[name], ctx.axes(name)
    of = (0, ctx.head_in(name)) if len(axes) == 3 else (0,)
    values = ctx.trace[name][of].cpu().numpy().astype(np.float32)
    if point.kind == "softmax":
        before = ctx.trace[point.sources[0]][of].cpu().numpy()
        values = np.where(np.isneginf(before), np.float32(-np.inf), values)
    return (values.T, axes[:-3:-1]) if _called(point) in KEYS else (values, axes[-2:])


def _cells(ctx: StepContext, name: str, values: np.ndarray, axes: str) -> dict:
    """The matrix for the page, and what its rows and columns are; where there are more tokens or entries than
    cells, each shows the largest in size of those it stands for, and `at` in which row and column that stands
    [2, R, C], or only in which column [1, R, C]."""
    by, id, at = _by(ctx, name, values, axes), ctx.id_of(name, f"inside {ctx.view.head}"), ""
    if max(lanes.size for lanes in by) > 1:
        values, where = pooled(values, *blocks_of(*by))
        at = f"{id} places"
        keep(at, where.transpose(2, 0, 1).astype(np.float32)[-1 if by[0].size == 1 else 0 :], apart=True)
    keep(id, values[None], apart=True)
    return {"src": id, "at": at, "sides": _sides(ctx, name, axes), "each": [lanes.size for lanes in by]}


def _sides(ctx: StepContext, name: str, axes: str) -> list[str]:
    """Whose tokens stand along each axis: those of this stack, those that it looks at, or none."""
    cross = ctx.trace.table[name].part.startswith(CROSS)
    return ["" if axis not in "TS" else "there" if cross and axis == "S" else "own" for axis in axes]


def _by(ctx: StepContext, name: str, values: np.ndarray, axes: str) -> list[Lanes]:
    """How rows and columns of a matrix share its cells."""
    stacks = {"own": lambda: ctx, "there": lambda: ctx.memory}
    pairs = zip(_sides(ctx, name, axes), values.shape, strict=True)
    return [_lanes(stacks[side]()) if side else Lanes(n, -(-n // CELLS)) for side, n in pairs]


def checks(ctx: StepContext) -> Iterator[Check]:
    """Is what stands for several numbers the one that is largest in size?"""
    for name in points(ctx):
        values, axes = _matrix(ctx, name)
        blocks = blocks_of(*_by(ctx, name, values, axes))
        yield check_pooled(values, *blocks, *pooled(values, *blocks))


def shared(stages: list[dict]) -> list[dict]:
    """How many entries of a vector a cell of each stage stands for."""
    return [
        {"each": max(n for n, side in zip(stage["each"], stage["sides"], strict=True) if not side)}
        for stage in stages
        if not all(stage["sides"])
    ]


def _lanes(ctx: StepContext) -> Lanes:
    return lanes_of(ctx.config, len(ctx.labels))


def opens(ctx: StepContext, name: str) -> dict:
    """What the view must have so that the walk shows this point."""
    point, part = ctx.trace.table[name], _part(ctx.trace.table[name])
    called = _called(point)
    if called == "norm.out" and point.part != CROSS:
        return {"step": "layernorm", "norm": part}
    if part == CROSS:
        return {"step": CROSS}
    return OPENS.get(
        called, {"step": "mlp", "expert": _picked_expert(ctx)} if part == "mlp" else {"step": "residual"}
    )


def acts(ctx: StepContext, stages: list[dict], tokens: int, keys: int) -> dict[str, Act]:
    """What the page may report of the inside: cell [token, key] is picked; enter [stage, token, key, entry]
    opens that step of the walk."""
    at = (0, tokens - 1), (-1, keys - 1)

    def enter(where: list[int]) -> None:
        stage, token, key, entry = where
        state.change(token=token, key=key, unit=entry, **opens(ctx, stages[stage]["point"]))

    widest = max(ctx.trace[stage["point"]].shape[-1] for stage in stages)
    return {
        "cell": numbers(*at, act=lambda cell: state.change(token=cell[0], key=cell[1])),
        "enter": numbers((0, len(stages) - 1), *at, (-1, widest - 1), act=enter),
    }
