"""Operations that take parts of matrices, put them together, or in another order."""

import numpy as np

from engine.examples.numbers import factor, number
from engine.examples.operations.helpers import (
    copied,
    entry_of,
    matrix,
    place,
    places_of,
    room,
    span,
    where,
    whole,
    worked,
)
from engine.examples.operations.table import operation
from engine.examples.value import Misfit, Value, told, value


def _row_cell(parts, at):
    return copied(parts[0], (int(parts[1].value.numbers) - 1, *at))


@operation(r"{{{0}}}_{{{1}}}", "one row of a matrix, counted from 1", 2, _row_cell)
def row(a: Value, i: Value) -> Value:
    """One row of a matrix, counted from 1."""
    at = place(i, "Row", matrix(a, "A row").shape[0])
    return value(a.numbers[at], a.names[1:])


def _column_cell(parts, at):
    return copied(parts[0], (*at, int(parts[1].value.numbers) - 1))


@operation(r"{{{0}}}_{{:,{1}}}", "one column of a matrix, counted from 1", 2, _column_cell)
def column(a: Value, i: Value) -> Value:
    """One column of a matrix as a row of numbers, counted from 1."""
    at = place(i, "Column", matrix(a, "A column").shape[1])
    return value(a.numbers[:, at], a.names[:1])


def _columns_cell(parts, at):
    return copied(parts[0], (*at[:-1], at[-1] + int(parts[1].value.numbers) - 1))


@operation(r"{{{0}}}_{{:,{1}\ldots {2}}}", "columns of a matrix, from one to another", 3, _columns_cell)
def columns(a: Value, first: Value, last: Value) -> Value:
    """Columns from one to another, both included, counted from 1: a head's share of a matrix."""
    if not a.shape:
        raise Misfit("Columns are taken of a matrix or a row; this is a single number.")
    i, j = span(first, last, "Column", a.grid.shape[1])
    return value(a.numbers[..., i:j], (*a.names[:-1], a.names[-1][i:j]))


def _rows_cell(parts, at):
    return copied(parts[0], (at[0] + int(parts[1].value.numbers) - 1, at[1]))


@operation(r"{{{0}}}_{{{1}\ldots {2}}}", "rows of a matrix, from one to another", 3, _rows_cell)
def rows(a: Value, first: Value, last: Value) -> Value:
    """Rows from one to another, both included, counted from 1."""
    i, j = span(first, last, "Row", matrix(a, "A range of rows").shape[0])
    return value(a.numbers[i:j], (a.names[0][i:j], a.names[1]))


def _joined_cell(axis: int):
    def cell(parts, at):
        at = list(at)
        for part in parts:
            grid = part.value if axis else Value(part.value.grid, (part.value.rows, part.value.columns))
            n = grid.shape[axis if axis == 0 else -1]
            if at[axis if axis == 0 else -1] < n:
                own = tuple(at)[2 - part.value.numbers.ndim :] if axis == 0 else tuple(at)
                return copied(part, own)
            at[axis if axis == 0 else -1] -= n
        raise IndexError(at)

    return cell


@operation(
    r"\mathrm{{concat}}({0})",
    "side by side: the columns of one after those of the other",
    (2, 16),
    _joined_cell(1),
)
def concat(*parts: Value) -> Value:
    """Side by side: what the heads give, for each word in one row."""
    if len({p.shape[:-1] for p in parts}) > 1 or not all(p.shape for p in parts):
        shapes = ", ".join(told(p.shape) for p in parts)
        raise Misfit(f"{shapes} do not fit side by side; all must have as many rows.")
    names = tuple(name for p in parts for name in p.names[-1])
    return value(np.concatenate([p.numbers for p in parts], -1), (*parts[0].names[:-1], _distinct(names)))


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, or 1, 2, 3, … where one stands for several."""
    return names if len(set(names)) == len(names) else ()


@operation(r"\mathrm{{stack}}({0})", "one below the other", (2, 64), _joined_cell(0))
def stack(*parts: Value) -> Value:
    """One below the other: rows and matrices of the same width."""
    if len({p.grid.shape[1] for p in parts}) > 1:
        shapes = ", ".join(told(p.shape) for p in parts)
        raise Misfit(f"{shapes} do not fit one below the other; all must have as many columns.")
    names = tuple(name or str(i + 1) for i, name in enumerate(n for p in parts for n in p.rows))
    return value(np.vstack([p.grid for p in parts]), (_distinct(names), parts[0].columns))


def _order(a: Value, order: Value) -> list[int]:
    n = matrix(a, "An order of rows").shape[0]
    places = np.atleast_1d(order.numbers)
    if places.ndim > 1 or sorted(places.tolist()) != list(range(1, n + 1)):
        raise Misfit(f"An order of {n} rows has each number from 1 to {n} once.")
    return (places.astype(int) - 1).tolist()


def _reordered_cell(parts, at):
    return copied(parts[0], (_order(parts[0].value, parts[1].value)[at[0]], *at[1:]))


@operation(r"P_{{{1}}}\,{0}", "the rows in another order", 2, _reordered_cell)
def reorder(a: Value, order: Value) -> Value:
    """The rows in another order, a permutation of 1, 2, 3, …"""
    places = _order(a, order)
    return value(a.numbers[places], (tuple(a.names[0][i] for i in places), a.names[1]))


def _looked_up_cell(parts, at):
    return copied(parts[0], (int(np.atleast_1d(parts[1].value.numbers)[at[0]]) - 1, at[1]))


@operation(r"{0}[{1}]", "the rows of a table that are asked for, counted from 1", 2, _looked_up_cell)
def lookup(table: Value, ids: Value) -> Value:
    """Rows of a table by their numbers, counted from 1: an embedding layer."""
    places = places_of(ids, "Row", matrix(table, "A look-up").shape[0])
    room((len(places), table.shape[1]))
    return value(table.numbers[places], (ids.names[0] if ids.shape else (), table.names[1]))


def _outer_cell(parts, at):
    x, y = (float(p.value.numbers[i]) for p, i in zip(parts, at, strict=True))
    return worked(
        " ".join(entry_of(p, str(i + 1)) for p, i in zip(parts, at, strict=True)),
        rf"{factor(x)} \cdot {factor(y)} = {number(x * y)}",
        (),
        x * y,
        x * y,
        *(where(p, (i,)) for p, i in zip(parts, at, strict=True)),
    )


@operation(r"{0} \otimes {1}", "every number of the one with every number of the other", 2, _outer_cell)
def outer(a: Value, b: Value) -> Value:
    """Every number of one row with every number of another."""
    if len(a.shape) != 1 or len(b.shape) != 1:
        raise Misfit(f"An outer product needs two rows of numbers, not {told(a.shape)} and {told(b.shape)}.")
    room((*a.shape, *b.shape))
    return value(np.outer(a.numbers, b.numbers), (a.names[0], b.names[0]))


def _identity_cell(parts, at):
    x = float(at[0] == at[1])
    return worked(r"1\ \text{on the diagonal, else}\ 0", number(x), (), x, x)


@operation(r"I_{{{0}}}", "ones on the diagonal, zeros elsewhere", 1, _identity_cell)
def identity(n: Value) -> Value:
    """The matrix that changes nothing."""
    return value(np.eye(*room((whole(n, "identity"),) * 2)))


def _entry_cell(parts, at):
    return copied(parts[0], (int(parts[1].value.numbers) - 1,))


@operation(r"{{{0}}}_{{{1}}}", "one number of a row, counted from 1", 2, _entry_cell)
def entry(a: Value, i: Value) -> Value:
    """One number of a row, counted from 1."""
    if len(a.shape) != 1:
        raise Misfit(f"An entry is taken of a row; this is {told(a.shape)}.")
    return value(a.numbers[place(i, "Entry", a.shape[0])])
