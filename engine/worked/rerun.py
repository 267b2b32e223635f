"""The whole run repeated by the second route alone: from the input to the answer, in float64.

Each point is computed from earlier ones of this route, never from the trace. How far float32 may drift from
them is measured, by further runs in which every number is rounded at random (Monte Carlo arithmetic,
Parker 1997).
"""

import math
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from engine.trace import Trace
from engine.trace.tap import known
from engine.worked.recipes.activations import softmax_rows
from engine.worked.recipes.analysis import chances, penalised
from engine.worked.recipes.step_inputs import NotLearned, Parameters, float64, in_stack, stops
from engine.worked.recipes.terms import Term, Worked, number, share_in_numbers
from engine.worked.steps import MISSING, NOISE, ROUNDING, Check, absent, by_recipe, held_against

SEEDS = (0, 1)  # of the runs with random rounding
LISTED = 6  # terms of a softmax shown one by one
DRIFT = 8  # the drift allowed, as a multiple of the largest one measured


def rerun(
    trace: Trace, point: str, seed: int | None = None, parameters: Parameters | None = None
) -> np.ndarray:
    """A point by the second route alone, in float64.

    seed        of the random rounding of every number by as much as one float32 operation; None: no rounding
    parameters  the weights in float64, if several runs share them
    KeyError if the model has no such point, NotLearned if it lacks weights that it should have.
    """
    known(point, trace.table)
    random = None if seed is None else np.random.default_rng(seed)
    parameters, values, last = parameters or Parameters(trace.model), {}, _last_uses(trace)
    other = partial(rerun, seed=seed)  # the run that a "copy" edit takes from is repeated too
    for name, made in trace.table.items():
        values[name] = _rounded(*by_recipe(trace, made, values.__getitem__, parameters, other), random)
        if name == point:
            break
        for used in last.get(name, ()):  # a long prompt has many points: free what is no longer needed
            values.pop(used, None)
    return values[point]


def check_run(trace: Trace, point: str) -> Check:
    """A point of a trace compared to `rerun`, within the drift that float32 explains."""
    if trace.weights_changed():
        return MISSING
    parameters = Parameters(trace.model)
    try:
        value = rerun(trace, point, None, parameters)
    except NotLearned:
        return MISSING
    drift = _drift(value, lambda seed: rerun(trace, point, seed, parameters))
    return held_against(trace[point], value, np.asarray(drift), absent(trace, point))


def check_lens(trace: Trace, at: int, shown, stack: str = "", ids=None) -> Check:
    """The logit lens (nostalgebraist 2020) compared to the second route.

    It shows the answers if the model stopped before its first block, or after any of its blocks.

    at     the position
    shown  [L + 1], the probabilities of the most probable entries there; or [L + 1, C], those of all classes
    stack  the stack that answers, "decoder" where there are two
    ids    [L + 1], the entries that are said to be the most probable; None: not checked
    """
    parameters = Parameters(trace.model)

    def scores(seed: int | None) -> np.ndarray:
        random = None if seed is None else np.random.default_rng(seed)
        return _scores(trace, stops(trace, stack), at, stack, random, parameters)

    made = scores(None)
    shares = softmax_rows(made)
    value = shares if np.ndim(shown) == 2 else shares.max(-1)
    if ids is not None:  # their own probabilities, and the largest of all
        shown, value = np.stack([shown, shown]), np.stack([value, shares[np.arange(len(shares)), ids]])
    return held_against(shown, value, value * (NOISE + 2 * _drift(made, scores)))


def work_lens(trace: Trace, stop: str, at: int, entry: int, shown: float, stack: str = "") -> Worked:
    """The arithmetic of one probability of the lens: that of an entry, or class, if the model stopped at the
    point `stop` of its residual stream. Its cell is lens[stop, position or class]."""
    (row,), classes = _scores(trace, [stop], at, stack), in_stack(stack, "classes") in trace.table
    cell = (0, stops(trace, stack).index(stop), entry if classes else at)
    return _share(row, entry, "lens", cell, shown, f"{stop}[{0 if classes else at}, :]")


def work_choice(
    trace: Trace, point: str, at: tuple[int, ...], decoding, shown: float, there: Iterable[int] = ()
) -> Worked:
    """The arithmetic of the probability of an entry after repetition penalty (for the entries `there`),
    temperature, top-k, top-p and min-p.

    Its cell is p[at], where `at` is the position (if there are several) and the entry.
    """
    scores, (*place, entry) = float64(trace[point])[(0, *at[:-1])], at
    said = (np.arange(len(scores)) == entry) == (shown > 0)  # top-p does not say which of equal ones it keeps
    kept, temperature = chances(scores, decoding, said, there)[0] > 0, decoding.temperature
    scores = penalised(scores, decoding.repetition_penalty, there)
    row = np.where(kept, scores / (temperature or 1), -np.inf)  # at 0 a single one is kept
    source = f"{point}[{', '.join(map(str, [*place, ':']))}]"
    over = f"/{temperature:g}" if temperature not in (0, 1) else ""
    return _share(row, entry, "p", (0, *at), shown, source, over)


def _share(
    row: np.ndarray, entry: int, point: str, cell: tuple[int, ...], shown: float, source: str, over: str = ""
) -> Worked:
    """The arithmetic of one probability of a row of scores, the largest score subtracted first."""
    exp, most, total = np.exp(row - row.max()), float(row.max()), math.fsum(np.exp(row - row.max()))
    count = int(np.isfinite(row).sum())  # what is cut off has no part in the sum
    best = np.argsort(-exp, kind="stable")[: min(LISTED, count)]
    terms = [Term(f"entry {i}", (float(row[i]),), float(exp[i])) for i in best]
    if count > LISTED:
        terms.append(Term(f"{count - LISTED:,} more", (), total - math.fsum(exp[best])))
    value = float(exp[entry] / total)
    numbers = share_in_numbers(float(row[entry]), most, total)
    symbols = rf"p_i = \frac{{e^{{s_i{over} - m}}}}{{\sum_j e^{{s_j{over} - m}}}},"
    symbols += rf"\ m = \max_j\,s_j{over} = {number(most)}"
    return Worked(point, cell, symbols, numbers, tuple(terms), total, value, shown, (source,))


def _scores(trace: Trace, names: list[str], at: int, stack: str, random=None, parameters=None) -> np.ndarray:
    """Scores [N, V] at one position, or [N, C] of classes, had the last block left each stream in `names`."""
    last, parameters = stops(trace, stack)[-1], parameters or Parameters(trace.model)
    classes = in_stack(stack, "classes")
    streams = [float64(trace[name]) for name in names]
    if classes in trace.table:
        return np.stack([_from(trace, {last: x}, classes, random, parameters)[0] for x in streams])
    rows = np.concatenate([x[:, at : at + 1] for x in streams], 1)  # each position is read on its own
    return _from(trace, {last: rows}, in_stack(stack, "logits"), random, parameters)[0]


@np.errstate(all="ignore")
def _drift(value: np.ndarray, made: Callable[[int], np.ndarray]) -> float:
    """How far float32 may drift from a value; made(seed) is the value computed with random rounding."""
    away = (np.abs(made(seed).astype(float) - value) for seed in SEEDS)
    return DRIFT * max(float(np.nanmax(one, initial=0)) for one in away)


def _from(trace: Trace, values: dict[str, np.ndarray], point: str, random, parameters) -> np.ndarray:
    """A point computed from `values`, to which all points on the way are added, and from none of the trace."""
    if point not in values:
        sources = lambda name: _from(trace, values, name, random, parameters)  # noqa: E731
        # without edits, as the lens is
        made = by_recipe(trace, trace.table[point], sources, parameters, edits=())
        values[point] = _rounded(*made, random)
    return values[point]


def _rounded(value: np.ndarray, size: np.ndarray, random: np.random.Generator | None) -> np.ndarray:
    """Numbers with a random error as large as that of one float32 operation."""
    if random is None or value.dtype == bool:
        return value
    return value + random.uniform(-1, 1, value.shape) * ROUNDING * np.nan_to_num(size, posinf=0)


def _last_uses(trace: Trace) -> dict[str, list[str]]:
    """For each point the sources that no later point needs."""
    taken = {edit.point: edit.value for edit in trace.edits if edit.op == "take"}
    used = {name: (*made.sources, taken.get(name, name)) for name, made in trace.table.items()}
    user = {source: name for name, sources in used.items() for source in sources if source != name}
    last: dict[str, list[str]] = {}
    for source, name in user.items():
        last.setdefault(name, []).append(source)
    return last
