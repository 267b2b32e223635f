"""The modules that a transformer's block needs besides: sums, scores and their mask, LayerNorm."""

import numpy as np

from engine.autodiff.modules import Module, matrix


class Add(Module):
    """b = a + c; a vector is added to every row of a matrix, as a bias is."""

    takes = "two vectors or matrices of one shape (or a vector for every row)"

    def _forward(self, a, c):
        return a + c

    def _backward(self, gradient, a, c):
        return summed_to(a, gradient), summed_to(c, gradient)


class Scale(Module):
    """b = factor · a, as in q·k/√d_k."""

    takes = "one vector or matrix"

    def __init__(self, factor: float):
        self.factor = factor

    def _forward(self, a):
        return self.factor * a

    def _backward(self, gradient, a):
        return (self.factor * gradient,)


class Mask(Module):
    """b = a with −∞ above the diagonal: no row looks at a later column."""

    takes = "scores [T, T]"

    def _forward(self, a):
        if a.ndim != 2 or a.shape[0] != a.shape[1]:
            raise ValueError
        return np.where(np.tri(len(a), dtype=bool), a, -np.inf)

    def _backward(self, gradient, a):
        return (np.tril(gradient),)


class MatMul(Module):
    """B = A C, or A Cᵀ where `transposed`, as queries meet keys."""

    takes = "two matrices, as many columns in the first as the product asks for"

    def __init__(self, transposed: bool = False):
        self.transposed = transposed

    def _forward(self, a, c):
        return matrix(a) @ (matrix(c).T if self.transposed else matrix(c))

    def _backward(self, gradient, a, c):
        if self.transposed:
            return gradient @ c, gradient.T @ a
        return gradient @ c.T, a.T @ gradient


class LayerNorm(Module):
    """b = γ (a − mean) / √(variance + ε) + β, each row by itself."""

    takes = "a vector or matrix with rows of d numbers, then γ [d] and β [d]"

    def __init__(self, eps: float = 1e-5):
        self.eps = eps

    def _forward(self, a, gain, bias):
        if gain.shape != a.shape[-1:] or bias.shape != a.shape[-1:]:
            raise ValueError
        self.deviation = np.sqrt(a.var(-1, keepdims=True) + self.eps)
        self.normalised = (a - a.mean(-1, keepdims=True)) / self.deviation
        return gain * self.normalised + bias

    def _backward(self, gradient, a, gain, bias):
        g, n = gradient * gain, self.normalised
        # what moves the mean, and what moves the variance, is taken off
        back = (g - g.mean(-1, keepdims=True) - n * (g * n).mean(-1, keepdims=True)) / self.deviation
        return back, summed_to(gain, gradient * n), summed_to(bias, gradient)


def summed_to(a: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The gradient of something that stood in several places of the output: the sum over these places."""
    extra = gradient.ndim - a.ndim
    repeated = [i + extra for i, n in enumerate(a.shape) if n == 1 and gradient.shape[i + extra] != 1]
    return gradient.sum((*range(extra), *repeated)).reshape(a.shape)
