"""Activation functions, each number by itself, and the softmax, each row by itself."""

import math

import numpy as np
import torch

from engine.worked.recipes.kinds import recipe
from engine.worked.recipes.step_inputs import StepInputs
from engine.worked.recipes.terms import Term, Worked, number, plain, share_in_numbers, simple_cell

_FORMULAS = {  # of an activation: its formula, and its name beside the numbers
    "gelu": (r"x\,\Phi(x)", "gelu"),
    "gelu_tanh": (
        r"\tfrac{x}{2}\left(1+\tanh\left(\sqrt{2/\pi}\,(x+0.044715\,x^3)\right)\right)",
        "gelu",
    ),
    "relu": (r"\max(x, 0)", "relu"),
    "silu": (r"\frac{x}{1+e^{-x}}", "silu"),
}


def activate(x: np.ndarray, name: str) -> np.ndarray:
    """An activation by its name at x: gelu and gelu_tanh (Hendrycks & Gimpel 2016), relu or silu."""
    if name == "gelu":  # x · Φ(x), where Φ is the cumulative distribution function of a standard normal
        return x * 0.5 * (1 + torch.erf(torch.as_tensor(x / math.sqrt(2))).numpy())
    if name == "gelu_tanh":
        return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    if name == "relu":
        return np.maximum(x, 0)
    return x / (1 + np.exp(-x))  # silu


def activation(s: StepInputs):
    """The config's activation of each number, in the shape of the source."""
    (x,) = s.sources
    return activate(x, s.config.activation), np.abs(x)


def _activation_cell(s: StepInputs, *at):
    x = s.sources[0][at]
    symbols, name = _FORMULAS[s.config.activation]
    value = float(activate(x, s.config.activation))
    return simple_cell(symbols, rf"\mathrm{{{name}}}({number(float(x))})", value, *s.point.sources)


recipe("activation", whole=activation, cell=_activation_cell)


def tanh(s: StepInputs):
    """The hyperbolic tangent of each number."""
    return plain(np.tanh(s.sources[0]))


def _tanh_cell(s: StepInputs, *at):
    x = float(s.sources[0][at])
    return simple_cell(r"\tanh(x)", rf"\tanh({number(x)})", math.tanh(x), *s.point.sources)


recipe("tanh", whole=tanh, cell=_tanh_cell)


def sigmoid(s: StepInputs):
    """The logistic function of each number."""
    return plain(1 / (1 + np.exp(-s.sources[0])))


def _sigmoid_cell(s: StepInputs, *at):
    x = float(s.sources[0][at])
    value = float(1 / (1 + np.exp(-x)))
    return simple_cell(r"\frac{1}{1+e^{-x}}", rf"\frac{{1}}{{1+e^{{{number(-x)}}}}}", value, *s.point.sources)


recipe("sigmoid", whole=sigmoid, cell=_sigmoid_cell)


def softmax_rows(x: np.ndarray) -> np.ndarray:
    """Each row of scores [..., N] as positive numbers that sum to 1; of a row of −∞ alone, as zeros."""
    top = x.max(-1, keepdims=True)
    exp = np.where(np.isneginf(top), 0, np.exp(x - top))
    return exp / np.where(np.isneginf(top), 1, exp.sum(-1, keepdims=True))


def softmax(s: StepInputs):
    """[..., S], each row of scores as weights that sum to 1."""
    (x,) = s.sources
    value, steps = softmax_rows(x), x - x.max(-1, keepdims=True)
    return value, value * (1 + np.abs(np.where(np.isfinite(steps), steps, 0)))


def _softmax_cell(s: StepInputs, *at):
    *place, k = at
    row = s.sources[0][tuple(place)]
    top = row.max()
    if top == -np.inf:
        return _nothing_seen(s, place)
    exps = np.exp(row - top)
    seen = [i for i in range(len(row)) if row[i] != -np.inf]
    terms = [Term(f"position {i}", (float(row[i]),), float(exps[i])) for i in seen]
    terms.sort(key=lambda term: -term.value)
    total = math.fsum(exps)
    numbers = share_in_numbers(float(row[k]), float(top), total)
    j = "s" if "H" in s.point.axes else "j"  # a recurrent model's s is the decoder's state
    weight = rf"a_{{t,{j}}} = \frac{{e^{{m_{{t,{j}}} - m^*}}}}{{\sum_{{{j}'}} e^{{m_{{t,{j}'}} - m^*}}}}"
    symbols = rf"{weight},\quad m^* = \max_{{{j}'}}\,m_{{t,{j}'}}"
    sources = (s.source_cells(0, *place[1:], ":"),)
    return Worked("", (), symbols, numbers, tuple(terms), total, float(exps[k] / total), 0.0, sources)


def _nothing_seen(s: StepInputs, place) -> Worked:
    """A weight of a row in which all is masked."""
    symbols = r"a_{t,s} = 0\text{ where every score of the row is }{-\infty}"
    sources = (s.source_cells(0, *place[1:], ":"),)
    return Worked("", (), symbols, r"\text{nothing to look at: } 0", (), 0.0, 0.0, 0.0, sources)


recipe("softmax", whole=softmax, cell=_softmax_cell)
