"""How far a measured number can be trusted: 95 % intervals."""

import math
from collections.abc import Sequence

import numpy as np

Z = 1.959964  # a normal variable is within so many standard deviations 95 % of the time
DRAWS = 1000

Interval = tuple[float, float]


def wilson(right: int, n: int) -> Interval:
    """Of a share, `right` of `n` (Wilson 1927): it holds where all or none are right, too."""
    share, spread = right / n, Z * Z / n
    half = Z * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    low, high = ((share + spread / 2 + sign * half) / (1 + spread) for sign in (-1, 1))
    return max(0.0, round(low, 9)), min(1.0, round(high, 9))


def bootstrap(values: Sequence[float], weights: Sequence[float] | None = None, seed: int = 0) -> Interval:
    """Of a mean, or of sum(values) / sum(weights): the items drawn again with replacement (Efron 1979)."""
    values = np.asarray(values, dtype=np.float64)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(DRAWS):
        chosen = draw.integers(len(values), size=len(values))
        found.append(values[chosen].sum() / weights[chosen].sum())
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def jackknife(value: float, without: Sequence[float]) -> Interval:
    """Of a number that is no mean, from the same number `without` each of its items in turn (Tukey 1958)."""
    parts = np.asarray(without, dtype=np.float64)
    half = Z * math.sqrt((len(parts) - 1) * parts.var())
    return value - half, value + half
