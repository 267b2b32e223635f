"""Finite differences: the slope measured by moving one number a little, with no calculus at all."""

from collections.abc import Callable

import numpy as np

STEP = 1e-5  # central differences are off by about STEP² · f‴/6, and by rounding of about 1e-16 · f / STEP


def slopes(function: Callable[..., float], *inputs, step: float = STEP) -> tuple[np.ndarray, ...]:
    """df/da for every number of every input: (f(a + step) − f(a − step)) / (2 · step), one number at a time."""
    inputs = [np.array(a, dtype=float) for a in inputs]
    return tuple(_slopes(function, inputs, at, step) for at in range(len(inputs)))


def _slopes(function, inputs, at, step) -> np.ndarray:
    slope = np.empty_like(inputs[at])
    for cell in np.ndindex(slope.shape):
        there = inputs[at][cell]
        reach = step * max(1.0, abs(there))  # a small step beside a large number would be rounded away
        above, below = there + reach, there - reach
        inputs[at][cell] = above
        high = function(*inputs)
        inputs[at][cell] = below
        low = function(*inputs)
        inputs[at][cell] = there
        slope[cell] = (float(high) - float(low)) / (above - below)
    return slope


def tolerance(fine: np.ndarray, coarse: np.ndarray, size: float = 1.0) -> float:
    """How far off measured slopes may be: by what a step twice as long changes in them, and by
    rounding numbers of this size."""
    moved = float(np.abs(fine - coarse).max(initial=0.0))
    return 4 * moved + 1e-8 * max(1.0, abs(size), float(np.abs(fine).max(initial=0.0)))


def differences(module, *inputs, gradient=None) -> tuple[float, ...]:
    """How far a module's `backward` is from finite differences: the largest gap for each input.

    gradient  dJ/db that is handed back; J is then its dot product with the output (all ones if not given)
    """
    output = module.forward(*inputs)
    gradient = np.ones_like(output) if gradient is None else np.asarray(gradient, dtype=float)
    told = [np.array(g) for g in module.backward(gradient)]
    measured = slopes(lambda *moved: float((gradient * module.forward(*moved)).sum()), *inputs)
    return tuple(float(np.abs(a - b).max(initial=0.0)) for a, b in zip(told, measured, strict=True))
