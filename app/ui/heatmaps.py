"""Heat maps of a point's matrix: one head large, or all heads small."""

from collections.abc import Sequence

import numpy as np
import torch

from app import components, state
from app.ui.context import StepContext
from app.ui.frame import clamp, light, origin
from app.ui.page import keep
from engine.worked import Check

WEIGHTS = {"scale": "sequential", "max": 1.0}  # attention weights: shares of 1
# axis -> the field of the view that picks along it; NAMES: what an index along it is called
PICKS = {
    "T": "token",
    "N": "token",
    "S": "key",
    "E": "unit",
    "D": "unit",
    "P": "unit",
    "F": "unit",
    "X": "expert",
    "V": "entry",
}
NAMES = PICKS | {"N": "patch", "S": "looks at", "E": "dimension", "D": "dimension", "P": "value"}
ASKS = ("query ↓", "key →")  # the axes of every heat map of attention
BEFORE = {"N": 1}  # vectors before the first index of an axis


def picture(
    ctx: StepContext,
    point: str,
    title: str,
    *,
    array: np.ndarray | None = None,
    variant: str = "",
    name: str = "",
    plain: bool = False,
    pickable: bool = True,
    remark: str | None = None,
    among: Sequence[str] = (),
    check: Check | None = None,
    **drawn,
) -> None:
    """The matrix of a point as a heat map; click or arrow keys pick a cell.

    array and variant  other numbers instead of the point's own (a what-if), and their name: they
                       are no longer the point, so the frame says what they are instead
    name               tells heat maps of the same point apart, where several models are on a page
    plain              no labels, for a heat map beside others; hovering shows them
    remark             the sentence under the heat map, instead of its picked and its largest number
    check              of those other numbers
    among              points that are summed or compared, including this one: their heat maps share one scale
    drawn              height, scale, max, bands, pick, aria: as the component takes them
    """
    id, values = ctx.id_of(point, variant), shown(ctx, point, array)
    keep(id, values)
    header = {"src": id, "title": title, "aria": title, "say": remark, "scale": "diverging", "height": 380}
    header |= _sides(ctx, point, values.shape, plain) | _told(ctx, point)
    header |= _scale_of(ctx, among) if among else {}
    header |= origin(ctx, point) if array is None else {"foot": variant, "model": ctx.source}
    header |= {"made": [ctx.id_of(source) for source in ctx.sources(point)] if array is None else []}
    header |= {"light": light(check)} if check else {}
    header |= {"pick": None} if remark or not pickable else {}
    header |= {"index": ctx.view.head, "follow": "head"} if len(ctx.axes(point)) == 3 else {}
    pick = (lambda cell: state.change(**_picked(ctx.axes(point), cell))) if pickable else None
    components.matrix(f"matrix-{ctx.trace.table[point].local}-{variant or name}", header | drawn, pick)


def head_grid(ctx: StepContext, name: str, array: np.ndarray, variant: str = "") -> None:
    """All heads of a point of the block, small; the heat map of that point beside them brings the numbers."""
    view, share = ctx.view, ctx.config.group_size
    seen = ctx.positions(ctx.point(name))
    rows = array[:, view.token]
    best = rows.argmax(-1)
    asks = f"{ctx.labels[view.token]} ({view.token})"
    notes = [f"{asks} looks {row[i]:.0%} at {seen[i]} ({i})" for row, i in zip(rows, best, strict=True)]
    header = {
        "src": ctx.id_of(ctx.point(name), variant),
        "head": view.head,
        "names": [f"head {h}" + (f" · kv {h // share}" if share > 1 else "") for h in range(len(array))],
        "notes": notes,
        "scale": "sequential",
        "max": 1.0,
        "aria": f"All heads of block {view.layer}",
    }
    components.head_grid("head_grid", header, lambda h: state.change(head=h))


def _sides(ctx: StepContext, point: str, shape: tuple[int, ...], plain: bool) -> dict:
    """The two axes of a heat map: their names, their labels, and which cell is picked."""
    axes = ctx.axes(point)[-2:]
    sides = list(zip(axes, shape[1:], strict=True))
    rows, columns = (_labels(ctx, point, axis, n) for axis, n in sides)
    picked = [getattr(ctx.view, PICKS[axis]) for axis in axes]
    pick = [clamp(i - BEFORE.get(axis, 0), n) for i, (axis, n) in zip(picked, sides, strict=True)]
    names = [NAMES[axis] for axis in axes]
    return {
        "axes": axes,
        "rows": rows,
        "cols": columns,
        "bare": plain,
        "pick": pick if min(picked) >= 0 else None,
        "rowName": names[0],
        "colName": names[1],
        "titles": ASKS if axes == "TS" else (f"{names[0]} ↓", f"{names[1]} →"),
        "counted": [_counted(ctx, point, axis) for axis in axes],
    }


def _counted(ctx: StepContext, point: str, axis: str) -> bool:
    """Are the labels of an axis tokens of a text, which need their position to be told apart?"""
    seen = ctx.memory if axis == "S" and ctx.trace.table[point].part == "cross" else ctx
    return axis in "TS" and not seen.config.image


def _told(ctx: StepContext, point: str) -> dict:
    """How a cell is read out: as a weight, a score, a permission or a number; and what a masked cell says
    instead of its number."""
    kind, axes = ctx.trace.table[point].kind, ctx.axes(point)
    if ctx.trace[point].dtype == torch.bool:
        return {"told": "mask", "hidden": "masked"}
    if kind == "softmax":
        return {"told": "weight", "hidden": "masked"}
    return {"told": "score" if axes.endswith("TS") else "number", "hidden": "−∞ (masked)"}


def _scale_of(ctx: StepContext, points: Sequence[str]) -> dict:
    """One scale for several heat maps: the largest size in any of them, for each matrix of a stack."""
    sizes = [np.abs(shown(ctx, point)).max((1, 2)) for point in points]
    return {"max": np.maximum.reduce(sizes).tolist(), "shared": len(points)}


def shown(ctx: StepContext, point: str, array: np.ndarray | None = None) -> np.ndarray:
    """The numbers of a point, or others instead, as a stack of matrices [N, R, C]: −∞ where a cell is masked,
    which is drawn hatched: a masked weight is not just a small one."""
    values = ctx.array(point) if array is None else array
    if values.dtype == bool:
        values = np.where(values, 1.0, -np.inf)
    elif ctx.trace.table[point].kind == "softmax":
        values = np.where(np.isneginf(ctx.array(ctx.sources(point)[0])), -np.inf, values)
    values = values.astype(np.float32)
    values = values if len(ctx.axes(point)) == 3 else values[None]
    if ctx.axes(point)[0] == "G":  # repeated for each head that shares it: a heat map follows the picked head
        return np.repeat(values, ctx.config.group_size, 0)
    return values


def _picked(axes: str, cell: list[int]) -> dict:
    return {PICKS[axis]: i + BEFORE.get(axis, 0) for axis, i in zip(axes[-2:], cell, strict=True)}


def _labels(ctx: StepContext, point: str, axis: str, count: int) -> list[str]:
    if axis == "S":
        return ctx.positions(point)
    return ctx.labels[BEFORE.get(axis, 0) :] if axis in "TN" else [str(i) for i in range(count)]
