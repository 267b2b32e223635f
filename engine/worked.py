"""How each number is made: the second route.

For every point of `engine.points`, `engine.recipes` knows the step that makes it from its sources. From
that come the worked arithmetic of any cell (`work`), the self-check of a whole tensor in float64 (`check`),
and the whole run once more, from what was read to the answer (`rerun`, `check_run`). Nothing there is shared
with the forward pass: where both agree, picture and code agree.
"""

from dataclasses import dataclass, replace

import numpy as np

from engine.points import Point
from engine.recipes import KINDS
from engine.recipes.edits import edited
from engine.recipes.scene import Parameters, Scene, Values, float64
from engine.recipes.terms import Term, Worked
from engine.tap import known
from engine.trace import Trace

__all__ = ["Check", "Term", "Worked", "check", "check_run", "compare", "rerun", "work"]

ROUNDING = 2.0**-23  # of one float32 operation, as a share of the sizes of the terms added
NOISE = 32 * ROUNDING  # allowed of one step, which may add hundreds of them
SEEDS, DRIFT = (0, 1), 4  # runs with random rounding, and how often the farthest of them is allowed


@dataclass(frozen=True)
class Check:
    """How far a tensor is from its second route in the worst cell; `allowed` is float noise there."""

    largest: float
    allowed: float
    ok: bool


MISSING = Check(float("inf"), 0.0, False)  # the pass never made the point, or one that it is made from


def work(trace: Trace, point: str, at: tuple[int, ...]) -> Worked:
    """The arithmetic of one cell of one point; `at` has an index for each axis, the batch included."""
    made, tensor = trace.table[known(point, trace.table)], trace[point]
    if len(at) != tensor.dim() or not all(0 <= i < n for i, n in zip(at, tensor.shape, strict=False)):
        raise IndexError(f"{point} has the shape {list(tensor.shape)}; {tuple(at)} is not a cell of it")
    scene = Scene(trace, made, lambda name: float64(trace[name]))
    worked = KINDS[made.kind].cell(scene, *at)
    return replace(worked, point=point, at=tuple(at), shown=float(tensor[tuple(at)]))


def check(trace: Trace, point: str) -> Check:
    """A whole tensor against its second route, in float64, edits included."""
    made = trace.table[known(point, trace.table)]
    if not all(trace.has(name) for name in (point, *made.sources)):
        return MISSING
    return compare(trace[point], *_made(trace, made, lambda name: float64(trace[name])))


def compare(shown, value: np.ndarray, size: np.ndarray) -> Check:
    """Numbers against what they should be; `size` is that of the terms added, so how much rounding may show."""
    with np.errstate(all="ignore"):
        return _check(float64(shown).astype(float), value.astype(float), NOISE * size)


def _check(shown: np.ndarray, value: np.ndarray, allowed: np.ndarray) -> Check:
    if shown.shape != value.shape:
        return MISSING
    same = (shown == value) | (np.isnan(shown) & np.isnan(value))
    away = np.where(same, 0, np.nan_to_num(np.abs(shown - value), nan=np.inf))
    allowed = np.nan_to_num(np.broadcast_to(allowed, away.shape), nan=0, posinf=0) + 1e-12
    worst = np.unravel_index((away / allowed).argmax(), away.shape)
    return Check(float(away[worst]), float(allowed[worst]), bool(away[worst] <= allowed[worst]))


@np.errstate(all="ignore")  # an edit may make numbers that are none: they are compared too
def _made(
    trace: Trace, point: Point, value_of: Values, parameters: Parameters | None = None, other_of=None
) -> tuple[np.ndarray, np.ndarray]:
    """A point from its sources, edits included, and the size of the terms that were added."""
    value, size = KINDS[point.kind].whole(Scene(trace, point, value_of, parameters))
    other_of = other_of or (lambda other, name: float64(other[name]))
    for edit in trace.edits:
        if edit.point == point.name:
            other = other_of(trace._others[edit.value], point.name) if edit.op == "copy" else None
            value, scaled = (edited(x, edit, point.axes, other) for x in (value, size))
            size = np.maximum.reduce([size, np.abs(scaled), np.abs(value)])
    return value, size


# --- the whole run once more -----------------------------------------------------------------------


def rerun(
    trace: Trace, point: str, seed: int | None = None, parameters: Parameters | None = None
) -> np.ndarray:
    """A point by the second route alone: from what was read on, each point from this route's own earlier ones.

    seed: round every number at random by as much as float32 would (Parker 1997); None: float64's own rounding.
    parameters: the weights in float64, where several runs share them.
    """
    random = None if seed is None else np.random.default_rng(seed)
    parameters, values, last = parameters or Parameters(trace.model), {}, _last_uses(trace)
    for name, made in trace.table.items():
        value, size = _made(trace, made, values.__getitem__, parameters, rerun)
        if random is not None and value.dtype != bool:
            value = value + random.uniform(-1, 1, value.shape) * ROUNDING * np.nan_to_num(size, posinf=0)
        if name == known(point, trace.table):
            return value
        values[name] = value
        for used in last.get(name, ()):  # long prompts: what no later point is made from is dropped
            del values[used]
    raise AssertionError(point)


def _last_uses(trace: Trace) -> dict[str, list[str]]:
    """For each point the ones that no later one is made from."""
    user = {source: made.name for made in trace.table.values() for source in made.sources}
    last: dict[str, list[str]] = {}
    for source, name in user.items():
        last.setdefault(name, []).append(source)
    return last


@np.errstate(all="ignore")
def check_run(trace: Trace, point: str) -> Check:
    """The whole run up to a point against `rerun`; allowed is what rounding in float32 explains, measured: how far
    runs that round at random go apart."""
    parameters = Parameters(trace.model)
    value, *others = (rerun(trace, point, seed, parameters) for seed in (None, *SEEDS))
    drift = [np.nanmax(np.abs(other - value), initial=0) for other in others]
    return _check(float64(trace[point]).astype(float), value.astype(float), np.asarray(DRIFT * max(drift)))
