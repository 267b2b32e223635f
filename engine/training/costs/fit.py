"""A power law through points: y = c · x^slope is a straight line on log axes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class Line:
    """log y = log c + slope · log x, by least squares; the slope's 95% interval, if the points scatter around
    the line independently; how many points it is of. Infinite where two points leave nothing to judge by."""

    c: float
    slope: float
    low: float
    high: float
    n: int

    def at(self, x: Sequence[float]) -> np.ndarray:
        """y on the line."""
        return self.c * np.asarray(x, float) ** self.slope


def fit(x: Sequence[float], y: Sequence[float]) -> Line | None:
    """The line through points with positive coordinates; None of fewer than two different x."""
    x, y = np.log(np.asarray(x, float)), np.log(np.asarray(y, float))
    n = len(x)
    if n < 2 or np.ptp(x) < 1e-9:
        return None
    away = x - x.mean()
    slope = float(away @ y / (away @ away))
    rest = y - y.mean() - slope * away
    error = math.sqrt(float(rest @ rest) / (n - 2) / float(away @ away)) if n > 2 else math.inf
    half = student(n - 2) * error if n > 2 else math.inf
    return Line(math.exp(float(y.mean() - slope * x.mean())), slope, slope - half, slope + half, n)


@cache
def student(freedom: int) -> float:
    """How many standard errors Student's t stays within 95% of the time, at so many degrees of freedom.

    Its density (1 + t²/ν)^−(ν+1)/2 is summed up over t = √ν · tan θ, where it is cos^(ν−1) θ.
    """
    theta = np.linspace(0, np.pi / 2, 200_001)
    density = np.cos(theta) ** (freedom - 1)
    share = np.cumsum((density[1:] + density[:-1]) / 2)
    at = int(np.searchsorted(share / share[-1], 0.95))
    return math.sqrt(freedom) * math.tan(float(theta[at + 1]))
