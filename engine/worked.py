"""How each number is made: the second route.

For every point of `engine.points`, `engine.recipes` knows the step that makes it from its sources. From
that come the worked arithmetic of any cell (`work`) and the self-check of a whole tensor in float64
(`check`). Nothing there is shared with the forward pass: where both agree, picture and code agree.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from engine.recipes import KINDS
from engine.recipes.scene import Scene, float64
from engine.recipes.terms import Term, Worked
from engine.tap import Edit, known
from engine.trace import Trace

__all__ = ["Check", "Term", "Worked", "check", "work"]

NOISE = 32 * 2.0**-23  # rounding allowed in float32, as a share of the sizes of the terms added


@dataclass(frozen=True)
class Check:
    """How far a tensor is from its second route in the worst cell; `allowed` is float noise there."""

    largest: float
    allowed: float
    ok: bool


def _scene(trace: Trace, point: str) -> Scene:
    return Scene(trace, trace.table[known(point, trace.table)])


def work(trace: Trace, point: str, at: tuple[int, ...]) -> Worked:
    """The arithmetic of one cell of one point; `at` has an index for each axis, the batch included."""
    scene = _scene(trace, point)
    tensor = trace[point]
    if len(at) != tensor.dim() or not all(0 <= i < n for i, n in zip(at, tensor.shape, strict=False)):
        raise IndexError(f"{point} has the shape {list(tensor.shape)}; {tuple(at)} is not a cell of it")
    worked = KINDS[scene.point.kind].cell(scene, *at)
    return replace(worked, point=point, at=tuple(at), shown=float(tensor[tuple(at)]))


def _edited(x: np.ndarray, edit: Edit, axes: str, other: torch.Tensor | None) -> np.ndarray:
    return edit.apply(torch.from_numpy(np.array(x)), axes, other).numpy()


@np.errstate(all="ignore")  # an edit may make numbers that are none: they are compared too
def check(trace: Trace, point: str) -> Check:
    """A whole tensor against its second route, in float64, edits included."""
    scene = _scene(trace, point)
    value, size = KINDS[scene.point.kind].whole(scene)
    for edit in trace.edits:
        if edit.point == point:
            other = trace._others[edit.value][point].double() if edit.op == "copy" else None
            value, scaled = (_edited(x, edit, scene.point.axes, other) for x in (value, size))
            size = np.maximum.reduce([size, np.abs(scaled), np.abs(value)])
    value, shown = value.astype(float), float64(trace[point]).astype(float)
    same = (shown == value) | (np.isnan(shown) & np.isnan(value))
    away = np.where(same, 0, np.nan_to_num(np.abs(shown - value), nan=np.inf))
    allowed = NOISE * np.nan_to_num(size, nan=0, posinf=0) + 1e-12
    worst = np.unravel_index((away / allowed).argmax(), away.shape)
    return Check(float(away[worst]), float(allowed[worst]), bool(away[worst] <= allowed[worst]))
