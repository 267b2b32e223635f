"""How each number is computed, a second time: the second route.

For every point of `engine.points`, `recipes` has the step that computes it from its sources. That gives the
worked arithmetic of any cell (`work`) and the self-check of a whole tensor in float64 (`check`). `rerun`
repeats the whole run; `derived` does it for what pages derive from a trace. None of it is shared with the
forward pass: where the two agree, picture and code agree.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from engine.points.point import Point
from engine.trace import Trace
from engine.trace.tap import Edit, known
from engine.worked.recipes import KINDS
from engine.worked.recipes.edits import edited
from engine.worked.recipes.step_inputs import NotLearned, Parameters, StepInputs, Values, float64
from engine.worked.recipes.terms import Term, Worked

__all__ = ["Check", "Term", "Worked", "by_recipe", "check", "compare", "work"]

ROUNDING = 2.0**-23  # of one float32 operation, relative to the absolute values of the terms added
NOISE = 32 * ROUNDING  # allowed for one step, which may add hundreds of terms


@dataclass(frozen=True)
class Check:
    """How numbers compare to the second route.

    largest  the difference in the worst cell, that is, the largest one relative to what is allowed there
    allowed  how much of it rounding in float32 explains
    ok       whether that is all of it
    note     why it is not, where a difference is not the reason
    """

    largest: float
    allowed: float
    ok: bool
    note: str = ""

    def __repr__(self) -> str:
        light = "green" if self.ok else "red"
        why = self.note or f"off by {self.largest:.2g}, of which rounding explains {self.allowed:.2g}"
        return f"Check({light}: {why})"


# The pass never made the point, or one of its sources, or something has written into the weights since.
MISSING = Check(math.inf, 0.0, False, "there is nothing to compare, or the weights have changed since")


def work(trace: Trace, point: str, at: tuple[int, ...]) -> Worked:
    """The arithmetic of one cell of one point; `at` has an index for each axis, the batch included.

    KeyError if the model has no such point, IndexError if the point has no such cell.
    """
    made, tensor = trace.table[known(point, trace.table)], trace[point]
    if len(at) != tensor.dim() or not all(0 <= i < n for i, n in zip(at, tensor.shape, strict=False)):
        raise IndexError(f"{point} has the shape {list(tensor.shape)}; {tuple(at)} is not a cell of it")
    inputs = StepInputs(trace, made, lambda name: float64(trace[name]))
    worked = KINDS[made.kind].cell(inputs, *at)
    return replace(worked, point=point, at=tuple(at), shown=float(tensor[tuple(at)]))


def check(trace: Trace, point: str) -> Check:
    """A whole tensor compared to the second route in float64, edits included.

    It is red, too, where a number is missing on either side, or is none: NaN or infinite. KeyError if the model
    has no such point.
    """
    made = trace.table[known(point, trace.table)]
    if trace.weights_changed() or not all(trace.has(name) for name in (point, *made.sources)):
        return MISSING
    try:
        value, size = by_recipe(trace, made, lambda name: float64(trace[name]))
    except NotLearned:
        return MISSING
    return held_against(trace[point], value, NOISE * size, absent(trace, point))


def compare(shown, value: np.ndarray, size: np.ndarray) -> Check:
    """Numbers compared to what they should be.

    size: the sum of the absolute values of the terms that were added, which bounds the rounding of float32.
    """
    return held_against(shown, value, NOISE * size)


def absent(trace: Trace, name: str) -> np.ndarray:
    """The cells of a point in which −∞ stands by right: scores that the mask hides, and what an edit has put
    there or into the scores before."""
    point, x = trace.table[name], float64(trace[name])
    by_right = np.full(x.shape, any(edit.point == name and _hides(edit) for edit in trace.edits))
    if point.kind == "apply_mask":
        by_right |= ~float64(trace[point.sources[-1]])
    if point.kind in ("apply_mask", "scale_scores"):
        for source in point.sources:
            by_right |= absent(trace, source)
    return by_right & np.isneginf(x) if x.dtype != bool else np.zeros(x.shape, bool)


def _hides(edit: Edit) -> bool:
    return edit.value == -math.inf or edit.op in ("copy", "take", "mean")


@np.errstate(all="ignore")
def held_against(shown, value: np.ndarray, allowed: np.ndarray, absent: np.ndarray | None = None) -> Check:
    """Numbers compared to what they should be, within `allowed`: one for each cell, or one for all.

    Red where a number is NaN or infinite, but for −∞ on both sides in the cells `absent`; numbers of another
    shape are MISSING.
    """
    shown, value = (np.asarray(x.detach().cpu() if hasattr(x, "cpu") else x, float) for x in (shown, value))
    if shown.shape != value.shape:
        return MISSING
    same = shown == value
    none = ~np.isfinite(shown) | ~np.isfinite(value)
    none &= True if absent is None else ~(same & absent)
    if none.any():
        return Check(math.inf, 0.0, False, f"{int(none.sum()):,} of {none.size:,} numbers are NaN or infinite")
    away = np.where(same, 0, np.nan_to_num(np.abs(shown - value), nan=np.inf))
    allowed = np.nan_to_num(np.broadcast_to(allowed, away.shape), nan=0, posinf=0) + 1e-12
    worst = np.unravel_index((away / allowed).argmax(), away.shape)
    return Check(float(away[worst]), float(allowed[worst]), bool(away[worst] <= allowed[worst]))


@np.errstate(all="ignore")  # an edit may produce infinities and NaN: they are compared too
def by_recipe(
    trace: Trace,
    point: Point,
    value_of: Values,
    parameters: Parameters | None = None,
    other_of=None,
    edits=None,
) -> tuple[np.ndarray, np.ndarray]:
    """A point recomputed from its sources: its value and, in the same shape, the size of its terms.

    value_of    gives the numbers of a source by name
    parameters  the weights in float64, where several steps share them
    other_of    (trace, point) -> the numbers that a "copy" edit takes; None: those of that trace
    edits       those to apply to the value; None: those of the trace
    NotLearned if the model lacks weights that it should have.
    """
    value, size = KINDS[point.kind].whole(StepInputs(trace, point, value_of, parameters))
    for edit in trace.edits if edits is None else edits:
        if edit.point == point.name:
            other = _taken(trace, edit, value_of, other_of or (lambda run, name: float64(run[name])))
            value, scaled = (edited(x, edit, point, other) for x in (value, size))
            size = np.maximum.reduce([size, np.abs(scaled), np.abs(value)])
    return value, size


def _taken(trace: Trace, edit: Edit, value_of: Values, other_of) -> np.ndarray | None:
    """What a "take" edit takes from this run, or a "copy" edit from that of the other prompt: NaN, if that is
    not the run of its prompt."""
    if edit.op == "take":
        return value_of(edit.value)
    if edit.op != "copy":
        return None
    other = trace.other_of(edit)
    told = edit.value if isinstance(edit.value, tuple) and all(isinstance(x, int) for x in edit.value) else None
    same = not other.edits and (told is None or list(told) == other.inputs.ids[0].tolist())
    return other_of(other, edit.point) * (1 if same else np.nan)
