"""Linear layers, sums, products, and points that copy others."""

import math

import numpy as np

from engine.worked.recipes.kinds import recipe
from engine.worked.recipes.step_inputs import StepInputs
from engine.worked.recipes.terms import Worked, factor, number, ones, plain, product_cell, simple_cell


def mapped(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x [..., in] through a linear layer [out, in] with its bias [out]: its value and size, each [..., out]."""
    return x @ weight.T + bias, np.abs(x) @ np.abs(weight).T + np.abs(bias)


def linear(s: StepInputs):
    """[..., out], x W + b."""
    return mapped(*s.sources, s.weight, s.bias)


def linear_cell(s: StepInputs, *at):
    """One number of x W + b."""
    *row, i = at
    (x,) = s.sources
    return product_cell(
        r"y_{t,i} = \sum_j x_{t,j}\,W_{j,i} + b_i" if s.has_bias else r"y_{t,i} = \sum_j x_{t,j}\,W_{j,i}",
        (s.source_cells(0, *row[1:], ":"), f"weights, column {i}"),
        [f"dimension {j}" for j in range(x.shape[-1])],
        x[tuple(row)],
        s.weight[i],
        s.bias[i] if s.has_bias else None,
    )


recipe("linear", whole=linear, cell=linear_cell)


def add(s: StepInputs):
    """The sum of all sources, in their shape."""
    return sum(s.sources), sum(np.abs(x) for x in s.sources)


def _add_cell(s: StepInputs, *at):
    values = [float(x[at]) for x in s.sources]
    terms, total = ones(s.point.sources, values), math.fsum(values)
    numbers = f"{' + '.join(map(factor, values))} = {number(total)}"
    symbols = " + ".join(f"{letter}_{{t,d}}" for letter in "abc"[: len(values)])
    return Worked("", (), symbols, numbers, terms, total, total, 0.0, s.point.sources)


recipe("sum", whole=add, cell=_add_cell)


def product(s: StepInputs):
    """The elementwise product of two sources: a gated MLP's units, or an LSTM's output gate."""
    a, b = s.sources
    return plain(a * b)


def _product_cell(s: StepInputs, *at):
    a, b = (float(x[at]) for x in s.sources)
    symbols = r"g_{t,f} \cdot u_{t,f}" if "F" in s.point.axes else r"o_d \cdot \tanh(c_{t,d})"  # MLP, LSTM
    return simple_cell(symbols, rf"{factor(a)} \cdot {factor(b)}", a * b, *s.point.sources)


recipe("product", whole=product, cell=_product_cell)


def identity(s: StepInputs):
    """The source itself, under another name."""
    return plain(s.sources[0])


def _identity_cell(s: StepInputs, *at):
    return simple_cell("x_{t,d}", "x", float(s.sources[0][at]), *s.point.sources)


recipe("identity", whole=identity, cell=_identity_cell)
