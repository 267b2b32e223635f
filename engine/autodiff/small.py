"""Small modules, number by number: what LayerNorm is put together from, and a loss for any output."""

import numpy as np

from engine.autodiff.block import summed_to
from engine.autodiff.modules import Module

PAIR = "two vectors or matrices of one shape (or a row, or a column, for all)"


class Subtract(Module):
    """b = a − c."""

    takes = PAIR

    def _forward(self, a, c):
        return a - c

    def _backward(self, gradient, a, c):
        return summed_to(a, gradient), -summed_to(c, gradient)


class Multiply(Module):
    """b = a ⊙ c, number by number."""

    takes = PAIR

    def _forward(self, a, c):
        return a * c

    def _backward(self, gradient, a, c):
        return summed_to(a, gradient * c), summed_to(c, gradient * a)


class Divide(Module):
    """b = a ÷ c, number by number."""

    takes = PAIR

    def _forward(self, a, c):
        return a / c

    def _backward(self, gradient, a, c):
        return summed_to(a, gradient / c), summed_to(c, -gradient * a / c**2)


class Mean(Module):
    """The mean of each row, as a column [N, 1] (of a vector: [1])."""

    takes = "one vector or matrix"

    def _forward(self, a):
        return a.mean(-1, keepdims=True)

    def _backward(self, gradient, a):
        return (np.broadcast_to(gradient / a.shape[-1], a.shape).copy(),)


class Root(Module):
    """b = √(a + ε), number by number."""

    takes = "one vector or matrix"

    def __init__(self, eps: float = 1e-5):
        self.eps = eps

    def _forward(self, a):
        return np.sqrt(a + self.eps)

    def _backward(self, gradient, a):
        return (gradient / (2 * self.output),)


class SquaredError(Module):
    """b = ½ Σ (a − target)², one number for all of a."""

    takes = "the target and what is to equal it, of the same shape"

    def _forward(self, target, a):
        if target.shape != a.shape:
            raise ValueError
        return 0.5 * ((a - target) ** 2).sum()

    def _backward(self, gradient, target, a):
        return gradient * (target - a), gradient * (a - target)
