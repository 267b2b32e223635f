"""LayerNorm (Ba et al. 2016) and RMSNorm (Zhang & Sennrich 2019), step by step.

Each vector is normalized by itself, whatever axes precede its own: [B, T, D], or [B, H, T, E] of heads.
"""

import math

import numpy as np

from engine.worked.recipes.kinds import recipe
from engine.worked.recipes.step_inputs import StepInputs
from engine.worked.recipes.terms import (
    Term,
    average_cell,
    digits_for,
    factor,
    number,
    ones,
    plain,
    products,
    simple_cell,
)


def mean(s: StepInputs):
    """[..., 1], the mean of each vector's numbers."""
    (x,) = s.sources
    return x.mean(-1, keepdims=True), np.abs(x).mean(-1, keepdims=True)


def _mean_cell(s: StepInputs, *at):
    row = s.sources[0][at[:-1]]
    terms = ones([f"number {d}" for d in range(len(row))], row)
    symbols = r"\mu_t = \frac{1}{D}\sum_d x_{t,d}"
    return average_cell(symbols, (s.source_cells(0, *at[1:-1], ":"),), terms, math.fsum(row))


recipe("mean", whole=mean, cell=_mean_cell)


def variance(s: StepInputs):
    """[..., 1], the mean squared deviation from the mean (biased: divided by D, not by D − 1)."""
    x, mean = s.sources
    size = (np.abs(x) + np.abs(mean)) ** 2
    return ((x - mean) ** 2).mean(-1, keepdims=True), size.mean(-1, keepdims=True)


def _variance_cell(s: StepInputs, *at):
    x, mean = s.sources
    symbols = r"\sigma_t^2 = \frac{1}{D}\sum_d (x_{t,d} - \mu_t)^2"
    return average_cell(symbols, s.point.sources, *_squares(x[at[:-1]] - mean[at[:-1]]))


def _squares(row: np.ndarray) -> tuple[tuple[Term, ...], float]:
    return products([f"number {d}" for d in range(len(row))], row, row)


recipe("variance", whole=variance, cell=_variance_cell)


def standardize(s: StepInputs):
    """[..., D], each vector with mean 0 and variance 1."""
    x, mean, var = s.sources
    spread = np.sqrt(var + s.eps)
    return (x - mean) / spread, (np.abs(x) + np.abs(mean)) / spread


def _standardize_cell(s: StepInputs, *at):
    vectors, means, variances = s.sources
    x, mean, var = float(vectors[at]), float(means[at[:-1]][0]), float(variances[at[:-1]][0])
    value = (x - mean) / math.sqrt(var + s.eps)
    n = digits_for(lambda x, mean, var: ((x - mean) / math.sqrt(var + s.eps),), x, mean, var)
    numbers = rf"\frac{{{number(x, n)} - {factor(mean, n)}}}{{\sqrt{{{number(var, n)} + {number(s.eps)}}}}}"
    symbols = r"\hat x_{t,d} = \frac{x_{t,d} - \mu_t}{\sqrt{\sigma_t^2 + \varepsilon}}"
    return simple_cell(symbols, numbers, value, *s.point.sources)


recipe("standardize", whole=standardize, cell=_standardize_cell)


def mean_square(s: StepInputs):
    """[..., 1], the mean of each vector's squared numbers."""
    (x,) = s.sources
    return plain((x**2).mean(-1, keepdims=True))


def _mean_square_cell(s: StepInputs, *at):
    width, d = "Ee" if "E" in s.source_points[0].axes else "Dd"  # of a head, or of the stream
    symbols = rf"\overline{{x_t^2}} = \frac{{1}}{{{width}}}\sum_{d} x_{{t,{d}}}^2"
    return average_cell(symbols, s.point.sources, *_squares(s.sources[0][at[:-1]]))


recipe("mean_square", whole=mean_square, cell=_mean_square_cell)


def divide_by_rms(s: StepInputs):
    """[..., D], each vector over its root mean square."""
    x, square = s.sources
    return plain(x / np.sqrt(square + s.eps))


def _divide_by_rms_cell(s: StepInputs, *at):
    x, square = float(s.sources[0][at]), float(s.sources[1][at[:-1]][0])
    n = digits_for(lambda x, square: (x / math.sqrt(square + s.eps),), x, square)
    numbers = rf"\frac{{{number(x, n)}}}{{\sqrt{{{number(square, n)} + {number(s.eps)}}}}}"
    symbols = r"\hat x_{t,d} = \frac{x_{t,d}}{\sqrt{\overline{x_t^2} + \varepsilon}}"
    return simple_cell(symbols, numbers, x / math.sqrt(square + s.eps), *s.point.sources)


recipe("divide_by_rms", whole=divide_by_rms, cell=_divide_by_rms_cell)


def affine(s: StepInputs):
    """[..., D], each number times its learned gain γ, plus its learned bias β where the norm has one."""
    (x,) = s.sources
    return x * s.weight + s.bias, np.abs(x * s.weight) + np.abs(s.bias)


def _affine_cell(s: StepInputs, *at):
    x, w, c = float(s.sources[0][at]), float(s.weight[at[-1]]), float(s.bias[at[-1]])
    numbers = rf"{factor(w)} \cdot {factor(x)}"
    symbols = r"y_{t,d} = \gamma_d\,\hat x_{t,d}"
    if s.has_bias:
        numbers, symbols = rf"{numbers} + {factor(c)}", rf"{symbols} + \beta_d"
    return simple_cell(symbols, numbers, w * x + c, s.source_cells(0, *at[1:]))


recipe("affine", whole=affine, cell=_affine_cell)
