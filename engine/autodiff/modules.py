"""The modules: each can go forward, keeping what it will need, and backward, by the chain rule (lecture 004).

`forward(*inputs)` gives the output b; `backward(gradient)` takes dJ/db and gives a tuple with dJ/da for each
input a, in the order of the inputs. Where a vector is expected, a matrix is read as one vector a row.
"""

import numpy as np

from engine.autodiff.tape import Applied


class Module(Applied):
    """One differentiable function b = f(a, …); a subclass says how it goes forward and backward."""

    inputs: tuple[np.ndarray, ...] | None = None
    output: np.ndarray | None = None

    def forward(self, *inputs) -> np.ndarray:
        """The output for these inputs; both are kept for the way back. ValueError where shapes do not fit."""
        self.inputs = tuple(np.asarray(a, dtype=float) for a in inputs)
        try:
            self.output = np.asarray(self._forward(*self.inputs))
        except (ValueError, TypeError) as error:
            shapes = " and ".join(str(list(a.shape)) for a in self.inputs) or "nothing"
            raise ValueError(f"{self} takes {self.takes}; it was given {shapes}") from error
        return self.output

    def backward(self, gradient=1.0) -> tuple[np.ndarray, ...]:
        """The gradient of each input, from the gradient of the output; RuntimeError before `forward`."""
        if self.inputs is None:
            raise RuntimeError(f"{self} has no gradient yet: it has to go forward before it goes backward")
        gradient = np.asarray(gradient, dtype=float)
        if gradient.shape != self.output.shape:
            came, has = list(gradient.shape), list(self.output.shape)
            raise ValueError(f"the gradient of an output has its shape, {has}; {self} was given {came}")
        return self._backward(gradient, *self.inputs)

    def __str__(self) -> str:
        return type(self).__name__


class Linear(Module):
    """b = ω a, for a [A] and ω [B, A]."""

    takes = "a vector [A] (or one a row, [N, A]) and weights [B, A]"

    def _forward(self, a, weights):
        return a @ matrix(weights).T

    def _backward(self, gradient, a, weights):
        return gradient @ weights, np.atleast_2d(gradient).T @ np.atleast_2d(a)


class Sigmoid(Module):
    """b = 1 / (1 + exp(−a)), number by number."""

    takes = "one vector or matrix"

    def _forward(self, a):
        return 0.5 * (1 + np.tanh(a / 2))  # the same number, and no overflow for large −a

    def _backward(self, gradient, a):
        return (gradient * self.output * (1 - self.output),)


class Softmax(Module):
    """b = exp(a) / Σ exp(a), each row by itself."""

    takes = "one vector or matrix"

    def _forward(self, a):
        powers = np.exp(a - a.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)

    def _backward(self, gradient, a):
        # gᵀ(diag(b) − b bᵀ), without writing the matrix out
        b = self.output
        return (b * (gradient - (gradient * b).sum(-1, keepdims=True)),)


class CrossEntropy(Module):
    """b = −goldᵀ log predicted; one number for each row."""

    takes = "the gold distribution and the predicted one, of the same shape"

    def _forward(self, gold, predicted):
        if gold.shape != predicted.shape:
            raise ValueError
        return -(gold * np.where(gold == 0, 0.0, _log(predicted))).sum(-1)

    def _backward(self, gradient, gold, predicted):
        gradient = gradient[..., None]
        with np.errstate(divide="ignore"):
            slope = np.where(gold == 0, 0.0, gold / predicted)
        return -gradient * _log(predicted), -gradient * slope


def matrix(a: np.ndarray) -> np.ndarray:
    """The same, if it has rows and columns; else a ValueError."""
    if a.ndim != 2:
        raise ValueError
    return a


def _log(a: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(a)
