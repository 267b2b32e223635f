"""Operations on each row, on all numbers, and on shapes."""

import math

import numpy as np

from engine.examples.numbers import factor, number
from engine.examples.operations.helpers import TERMS, added, entry_of, no_single, where, whole, worked
from engine.examples.operations.table import OPERATIONS, operation
from engine.examples.value import Value, value
from engine.worked.recipes.terms import ones


def _per_row(function, name: str):
    """A number for each row: of a matrix a column, of a row a single number."""

    def compute(a: Value) -> Value:
        no_single(a, name)
        with np.errstate(all="ignore"):
            found = function(a.numbers)
        return value(found[:, None], (a.names[0], (name,))) if len(a.shape) == 2 else value(found)

    compute.__name__ = name
    return compute


def _row_of(part, at):
    row = at[:1] if part.value.numbers.ndim == 2 else ()
    return row, part.value.numbers[row], part.value.names[-1], where(part, (*row, slice(None)))


def _sum_cell(parts, at):
    _, x, names, source = _row_of(parts[0], at)
    terms, total = ones(names, x), math.fsum(x)
    return worked(
        rf"\sum_i {entry_of(parts[0], 'i')}",
        added([factor(float(t)) for t in x[:TERMS]], len(x), total),
        terms,
        total,
        total,
        source,
    )


def _mean_cell(parts, at):
    _, x, names, source = _row_of(parts[0], at)
    total = math.fsum(x)
    shown = " + ".join(factor(float(t)) for t in x[:TERMS]) + (r" + \ldots" if len(x) > TERMS else "")
    numbers = rf"\frac{{{shown}}}{{{len(x)}}} = \frac{{{number(total)}}}{{{len(x)}}} = {number(total / len(x))}"
    return worked(
        rf"\frac{{1}}{{n}}\sum_i {entry_of(parts[0], 'i')}",
        numbers,
        ones(names, x),
        total,
        total / len(x),
        source,
    )


def _variance_cell(parts, at):
    _, x, names, source = _row_of(parts[0], at)
    mean = math.fsum(x) / len(x)
    squares = [(float(t) - mean) ** 2 for t in x]
    total = math.fsum(squares)
    shown = " + ".join(rf"({number(float(t))} - {factor(mean)})^2" for t in x[:TERMS]) + (
        r" + \ldots" if len(x) > TERMS else ""
    )
    numbers = rf"\frac{{{shown}}}{{{len(x)}}} = \frac{{{number(total)}}}{{{len(x)}}} = {number(total / len(x))}"
    symbols = rf"\frac{{1}}{{n}}\sum_i ({entry_of(parts[0], 'i')} - \mu)^2"
    return worked(symbols, numbers, ones(names, squares), total, total / len(x), source)


def _length_cell(parts, at):
    _, x, names, source = _row_of(parts[0], at)
    squares = [float(t) ** 2 for t in x]
    total = math.fsum(squares)
    numbers = rf"\sqrt{{{number(total)}}} = {number(math.sqrt(total))}"
    return worked(
        rf"\sqrt{{\sum_i {entry_of(parts[0], 'i')}^2}}",
        numbers,
        ones(names, squares),
        total,
        math.sqrt(total),
        source,
    )


def _pick_cell(of, symbols: str):
    def cell(parts, at):
        _, x, names, source = _row_of(parts[0], at)
        result = float(of(x))
        listed = ",\\ ".join(number(float(t)) for t in x[:TERMS]) + (r",\ \ldots" if len(x) > TERMS else "")
        return worked(
            rf"\{symbols}_i {entry_of(parts[0], 'i')}"
            if symbols != "argmax"
            else rf"\mathrm{{argmax}}_i\,{entry_of(parts[0], 'i')}",
            rf"{listed} \;\to\; {number(result)}",
            ones(names, x),
            result,
            result,
            source,
        )

    return cell


def _first_largest(x):
    return x.argmax(-1) + 1.0


for _name, _function, _cell, _says in (
    ("sum", lambda x: x.sum(-1), _sum_cell, "the sum of each row"),
    ("mean", lambda x: x.mean(-1), _mean_cell, "the mean of each row"),
    ("variance", lambda x: x.var(-1), _variance_cell, "the mean squared distance from the mean, of each row"),
    ("norm", lambda x: np.sqrt((x * x).sum(-1)), _length_cell, "the length of each row as a vector"),
    ("max", lambda x: x.max(-1), _pick_cell(np.max, "max"), "the largest number of each row"),
    ("min", lambda x: x.min(-1), _pick_cell(np.min, "min"), "the smallest number of each row"),
    ("argmax", _first_largest, _pick_cell(_first_largest, "argmax"), "where the largest of each row stands"),
):
    _shown = r"\lVert {0} \rVert" if _name == "norm" else rf"\mathrm{{{{{_name}}}}}({{0}})"
    operation(_shown, _says, 1, _cell)(_per_row(_function, _name))


def _total_cell(parts, at):
    x = parts[0].value.numbers.ravel()
    names = parts[0].value.names
    labels = (
        [" ".join((names[0][i], names[1][j])) for i in range(len(names[0])) for j in range(len(names[1]))]
        if len(names) == 2
        else names[0]
        if names
        else ("",)
    )
    total = math.fsum(x)
    return worked(
        rf"\sum {parts[0].latex}",
        added([factor(float(t)) for t in x[:TERMS]], len(x), total),
        ones(labels, x),
        total,
        total,
        parts[0].text,
    )


@operation(r"\sum {0}", "the sum of all numbers", 1, _total_cell)
def total(a: Value) -> Value:
    """The sum of all numbers."""
    return value(a.numbers.sum())


def _count_cell(what: str):
    def cell(parts, at):
        x = float(OPERATIONS[what].compute(parts[0].value).numbers)
        return worked(rf"\text{{{what} of }}{parts[0].latex}", number(x), (), x, x, parts[0].text)

    return cell


@operation(r"d_{{{0}}}", "the number of columns", 1, _count_cell("width"))
def width(a: Value) -> Value:
    """The number of columns; of a row, of its entries."""
    return value(a.grid.shape[1])


@operation(r"n_{{{0}}}", "the number of rows", 1, _count_cell("height"))
def height(a: Value) -> Value:
    """The number of rows."""
    return value(a.grid.shape[0])


@operation(r"\mathrm{{size}}({0})", "how many numbers", 1, _count_cell("size"))
def size(a: Value) -> Value:
    """How many numbers: of a matrix of weights its parameters."""
    return value(a.numbers.size)


def _shape_cell(parts, at):
    x = float(parts[0].value.grid.shape[at[0]])
    what = ("rows", "columns")[at[0]]
    return worked(rf"\text{{{what} of }}{parts[0].latex}", number(x), (), x, x, parts[0].text)


@operation(r"\mathrm{{shape}}({0})", "how many rows and columns", 1, _shape_cell)
def shape(a: Value) -> Value:
    """How many rows, and how many columns."""
    return value(a.grid.shape, (("rows", "columns"),))


def _counted_cell(parts, at):
    return worked(r"0, 1, 2, \ldots", number(float(at[0])), (), float(at[0]), float(at[0]))


@operation(r"(0, \ldots, {0} - 1)", "0, 1, 2, … so many", 1, _counted_cell)
def arange(n: Value) -> Value:
    """0, 1, 2, … so many."""
    return value(np.arange(whole(n, "arange")))
