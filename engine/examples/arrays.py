"""More operations of steps: one entry of a row, counting up, the rank of a matrix."""

import numpy as np

from engine.examples.numbers import number
from engine.examples.operations import _copied, _matrix, _place, _where, _whole, _worked, operation
from engine.examples.value import Misfit, Value, told, value


def _entry_cell(parts, at):
    return _copied(parts[0], (int(parts[1].value.numbers) - 1,))


@operation(r"{{{0}}}_{{{1}}}", "one number of a row, counted from 1", 2, _entry_cell)
def entry(a: Value, i: Value) -> Value:
    """One number of a row, counted from 1."""
    if len(a.shape) != 1:
        raise Misfit(f"An entry is taken of a row; this is {told(a.shape)}.")
    return value(a.numbers[_place(i, "Entry", a.shape[0])])


def _counted_cell(parts, at):
    return _worked(r"0, 1, 2, \ldots", number(float(at[0])), (), float(at[0]), float(at[0]))


@operation(r"(0, \ldots, {0} - 1)", "0, 1, 2, … so many", 1, _counted_cell)
def arange(n: Value) -> Value:
    """0, 1, 2, … so many."""
    return value(np.arange(_whole(n, "arange")))


def _rank_cell(parts, at):
    found = float(rank(parts[0].value).numbers)
    return _worked(
        r"\text{rows that are no sum of multiples of others}",
        number(found),
        (),
        found,
        found,
        _where(parts[0], (slice(None), slice(None))),
    )


@operation(r"\mathrm{{rank}}({0})", "how many rows are no mixture of the others", 1, _rank_cell)
def rank(a: Value) -> Value:
    """The rank of a matrix: singular values above rounding are counted."""
    if not np.isfinite(_matrix(a, "A rank").numbers).all():
        raise Misfit("A rank is defined where every cell of the matrix is a number.")
    return value(int(np.linalg.matrix_rank(a.numbers)))
