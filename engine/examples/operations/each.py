"""Operations that work number by number."""

import math

import numpy as np

from engine.examples.operations.helpers import named, together
from engine.examples.operations.table import OPERATIONS, Operation
from engine.examples.value import Value, value


def _each(name: str, function, latex: str, says: str, parts: int) -> None:
    def compute(*values: Value) -> Value:
        shape = together(*values)
        with np.errstate(all="ignore"):
            return value(function(*(v.numbers for v in values)), named(shape, *values))

    OPERATIONS[name] = Operation(name, (parts, parts), compute, latex, None, says)


def _sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def _gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2)))


for _row in (
    ("add", np.add, "{0} + {1}", "the sum, number by number", 2),
    ("subtract", np.subtract, "{0} - {1}", "the difference, number by number", 2),
    ("multiply", np.multiply, r"{0} \cdot {1}", "the product, number by number", 2),
    ("divide", np.divide, r"\frac{{{0}}}{{{1}}}", "the quotient, number by number", 2),
    ("power", np.power, "{{{0}}}^{{{1}}}", "a power, number by number", 2),
    ("negative", np.negative, "-{0}", "with the other sign", 1),
    ("sqrt", np.sqrt, r"\sqrt{{{0}}}", "the square root", 1),
    ("exp", np.exp, "e^{{{0}}}", "e to the power of each number", 1),
    ("log", np.log, r"\ln({0})", "the natural logarithm", 1),
    ("sin", np.sin, r"\sin({0})", "the sine", 1),
    ("cos", np.cos, r"\cos({0})", "the cosine", 1),
    ("tanh", np.tanh, r"\tanh({0})", "from −1 to 1", 1),
    ("sigmoid", _sigmoid, r"\sigma({0})", "from 0 to 1", 1),
    ("relu", lambda x: np.maximum(x, 0), r"\max(0, {0})", "0 where it is negative", 1),
    ("gelu", _gelu, r"\mathrm{{GELU}}({0})", "the number times the share of a normal distribution below it", 1),
    ("floor", np.floor, r"\lfloor {0} \rfloor", "rounded down", 1),
    ("round", np.round, r"\mathrm{{round}}({0})", "rounded to a whole number", 1),
):
    _each(*_row)
