"""One step of skip-gram with negative sampling by hand, in float64 (Mikolov et al. 2013, equation 4)."""

import numpy as np

from engine.worked.recipes.step_inputs import float64
from engine.worked.steps import Check, compare


def by_hand(v, u, pairs, negatives, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Both tables [V, D] after a step on the pairs [N, 2], each with its negatives [N, K]; every gradient is
    taken where the step began, and those of one word add up."""
    v, u = float64(v), float64(u)
    new_v, new_u = v.copy(), u.copy()
    for (centre, neighbour), drawn in zip(np.asarray(pairs), np.asarray(negatives), strict=True):
        for word, is_there in ((neighbour, 1.0), *((n, 0.0) for n in drawn)):
            probability = 1 / (1 + np.exp(-sum(v[centre] * u[word])))
            error = is_there - probability  # −d loss / d (v · u)
            new_v[centre] += rate * error * u[word]
            new_u[word] += rate * error * v[centre]
    return new_v, new_u


def check_step(v, u, pairs, negatives, rate: float, shown) -> Check:
    """Both tables after a step, `shown`, as they should be from those before it."""
    made = np.stack(by_hand(v, u, pairs, negatives, rate))
    size = np.abs(np.stack([float64(v), float64(u)])) + np.abs(made) + 1
    return compare(np.stack([float64(table) for table in shown]), made, size)
