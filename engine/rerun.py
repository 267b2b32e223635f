"""The whole run once more by the second route alone: from what was read to the answer, in float64.

Each point is made from this route's own earlier ones, never from the trace. How far float32 may drift from it
is measured: it is run again with every number rounded at random (Monte Carlo arithmetic, Parker 1997).
"""

import numpy as np

from engine.recipes.scene import Parameters, float64
from engine.tap import known
from engine.trace import Trace
from engine.worked import ROUNDING, Check, by_recipe, held_against

SEEDS = (0, 1)  # of the runs with random rounding
DRIFT = 4  # how often the farthest of them is allowed


def rerun(
    trace: Trace, point: str, seed: int | None = None, parameters: Parameters | None = None
) -> np.ndarray:
    """A point by the second route alone, in float64.

    seed: round every number at random by as much as one operation in float32 would; None: do not.
    parameters: the weights in float64, where several runs share them.
    """
    known(point, trace.table)
    random = None if seed is None else np.random.default_rng(seed)
    parameters, values, last = parameters or Parameters(trace.model), {}, _last_uses(trace)
    for name, made in trace.table.items():
        values[name] = _rounded(*by_recipe(trace, made, values.__getitem__, parameters, rerun), random)
        if name == point:
            break
        for used in last.get(name, ()):  # a long prompt's points are many: what is not needed any more goes
            values.pop(used, None)
    return values[point]


def check_run(trace: Trace, point: str) -> Check:
    """A point of a trace against `rerun`; allowed is the drift that float32 explains."""
    parameters = Parameters(trace.model)
    return _drifted(trace[point], lambda seed: rerun(trace, point, seed, parameters))


def check_lens(trace: Trace, at: int, shown, side: str = "") -> Check:
    """The answers, if the model stopped before its first block or after any, against the second route.

    at     the position
    shown  [L + 1], the probabilities of the most probable entries there; or [L + 1, C], those of all classes
    side   of two stacks the one that answers, as "decoder."
    """
    parameters, classes = Parameters(trace.model), f"{side}classes" in trace.table
    blocks = [name for name in trace.table if name.startswith(f"{side}blocks.")]
    last = [name for name in blocks if name.endswith(".resid_post")][-1]
    stops = [*(name for name in blocks if name.endswith(".resid_pre")), last]

    def shares(seed: int | None) -> np.ndarray:
        random = None if seed is None else np.random.default_rng(seed)
        answer = f"{side}{'classes' if classes else 'logits'}"
        rows = (_from(trace, {last: float64(trace[stop])}, answer, random, parameters)[0] for stop in stops)
        exp = np.stack([np.exp(row - row.max()) for row in (row if classes else row[at] for row in rows)])
        exp /= exp.sum(-1, keepdims=True)
        return exp if classes else exp.max(-1)

    return _drifted(shown, shares)


@np.errstate(all="ignore")
def _drifted(shown, made) -> Check:
    """What is shown against made(None), give or take how far made(seed) is from it."""
    value, *others = (made(seed) for seed in (None, *SEEDS))
    drift = max(float(np.nanmax(np.abs(other - value), initial=0)) for other in others)
    return held_against(shown, value, np.asarray(DRIFT * drift))


def _from(trace: Trace, values: dict[str, np.ndarray], point: str, random, parameters) -> np.ndarray:
    """A point from some that are given, and from no others of the trace; they are added to `values`."""
    if point not in values:
        made = by_recipe(
            trace, trace.table[point], lambda name: _from(trace, values, name, random, parameters), parameters
        )
        values[point] = _rounded(*made, random)
    return values[point]


def _rounded(value: np.ndarray, size: np.ndarray, random: np.random.Generator | None) -> np.ndarray:
    """Numbers with an error as large as that of one operation in float32, drawn at random."""
    if random is None or value.dtype == bool:
        return value
    return value + random.uniform(-1, 1, value.shape) * ROUNDING * np.nan_to_num(size, posinf=0)


def _last_uses(trace: Trace) -> dict[str, list[str]]:
    """For each point those that no later one is made from."""
    user = {source: made.name for made in trace.table.values() for source in made.sources}
    last: dict[str, list[str]] = {}
    for source, name in user.items():
        last.setdefault(name, []).append(source)
    return last
