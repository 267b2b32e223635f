"""Operations on matrices: products, softmax, masks, rank."""

import math

import numpy as np

from engine.examples.numbers import factor, number
from engine.examples.operations.helpers import (
    TERMS,
    added,
    brief,
    copied,
    entry_of,
    index,
    matrix,
    no_single,
    room,
    where,
    whole,
    worked,
)
from engine.examples.operations.table import operation
from engine.examples.value import Misfit, Value, told, value
from engine.worked.recipes.terms import ones, products, share_in_numbers


def _product_cell(parts, at):
    a, b = parts
    row = at[: a.value.numbers.ndim - 1]
    column = at[len(row) :]
    x, y = a.value.numbers[row], b.value.numbers[(slice(None), *column)]
    labels = a.value.names[-1] if a.value.names[-1] != _plain(x) else b.value.names[0]
    terms, total = products([f"k = {label}" if label.isdigit() else label for label in labels], x, y)
    shown = [rf"{factor(float(p))} \cdot {factor(float(q))}" for p, q in zip(x, y, strict=True)][:TERMS]
    i, j = [f"{index(row)},"] if row else [""], [f",{index(column)}"] if column else [""]
    symbols = rf"\sum_k {entry_of(a, f'{i[0]}k')}\,{entry_of(b, f'k{j[0]}')}"
    sources = where(a, (*row, slice(None))), where(b, (slice(None), *column))
    return worked(symbols, added(shown, len(x), total), terms, total, total, *sources)


def _plain(entries) -> tuple[str, ...]:
    return tuple(str(i + 1) for i in range(len(entries)))


@operation(
    "{0} {1}", "the matrix product: each row of the first with each column of the second", 2, _product_cell
)
def matmul(a: Value, b: Value) -> Value:
    """Rows of the first times columns of the second, added up."""
    if not a.shape or not b.shape:
        raise Misfit("A matrix product needs two matrices or rows; a single number is multiplied with *.")
    if a.shape[-1] != b.shape[0]:
        raise Misfit(
            f"{told(a.shape)} times {told(b.shape)} does not fit: the first has {a.shape[-1]} columns, the "
            f"second {b.shape[0]} rows, and there must be as many. Add or take away columns or rows."
        )
    room((*a.shape[:-1], *b.shape[1:]))
    with np.errstate(all="ignore"):
        return value(a.numbers @ b.numbers, (*a.names[:-1], *b.names[1:]))


@operation(r"{0}^\top", "rows become columns", 1, lambda parts, at: copied(parts[0], at[::-1]))
def transpose(a: Value) -> Value:
    """Rows become columns."""
    return value(a.numbers.T, a.names[::-1])


def _softmax_cell(parts, at):
    (a,), row = parts, at[:-1]
    x = a.value.numbers[row]
    most = x.max()
    exps = np.exp(x - most)
    total = math.fsum(exps)
    terms = ones(
        [f"e^({brief(s)} − {brief(most)}) for {name}" for s, name in zip(x, a.value.names[-1], strict=True)],
        exps,
    )
    i = f"{index(row)}," if row else ""
    symbols = rf"\frac{{e^{{s_{{{index(at)}}} - \max}}}}{{\sum_k e^{{s_{{{i}k}} - \max}}}},\quad s = {a.latex}"
    numbers = share_in_numbers(float(x[at[-1]]), float(most), total)
    return worked(symbols, numbers, terms, total, float(exps[at[-1]] / total), where(a, (*row, slice(None))))


@operation(r"\mathrm{{softmax}}({0})", "shares that add up to 1, in each row", 1, _softmax_cell)
def softmax(a: Value) -> Value:
    """Of each row: e to the power of each number, divided by their sum."""
    no_single(a, "softmax")
    most = a.numbers.max(-1, keepdims=True)
    with np.errstate(all="ignore"):
        exps = np.exp(a.numbers - most)
        shares = exps / exps.sum(-1, keepdims=True)
    if np.isnan(shares).any():
        raise Misfit(
            "A row has −∞ in all its cells, so its softmax would be 0 divided by 0; at least one score of "
            "every row must be a number."
        )
    return value(shares, a.names)


def _mask_cell(parts, at):
    (a,) = parts
    if at[1] > at[0]:
        return worked(r"-\infty\ \text{as the key comes after the query}", r"-\infty", (), -math.inf, -math.inf)
    return copied(a, at)


@operation(r"\mathrm{{mask}}({0})", "−∞ wherever the column comes after the row", 1, _mask_cell)
def mask(a: Value) -> Value:
    """Scores with −∞ where the key comes after the query."""
    if len(a.shape) != 2:
        raise Misfit(f"A causal mask needs a matrix of scores; this is {told(a.shape)}.")
    return value(np.where(np.triu(np.ones(a.shape, bool), 1), -np.inf, a.numbers), a.names)


def _causal_cell(parts, at):
    x = -math.inf if at[1] > at[0] else 0.0
    return worked(r"-\infty\ \text{where column} > \text{row, else } 0", number(x), (), x, x)


@operation(
    r"\mathrm{{causal}}({0})",
    "the causal mask that is added to scores: 0, and −∞ where the column comes after the row",
    1,
    _causal_cell,
)
def causal(a: Value) -> Value:
    """The mask M that is added: of the shape of a matrix of scores, or n × n."""
    shape = room(a.shape if len(a.shape) == 2 else (whole(a, "causal"),) * 2)
    return value(
        np.where(np.triu(np.ones(shape, bool), 1), -np.inf, 0.0), a.names if len(a.shape) == 2 else None
    )


def _rank_cell(parts, at):
    found = float(rank(parts[0].value).numbers)
    return worked(
        r"\text{rows that are no sum of multiples of others}",
        number(found),
        (),
        found,
        found,
        where(parts[0], (slice(None), slice(None))),
    )


@operation(r"\mathrm{{rank}}({0})", "how many rows are no mixture of the others", 1, _rank_cell)
def rank(a: Value) -> Value:
    """The rank of a matrix: singular values above rounding are counted."""
    if not np.isfinite(matrix(a, "A rank").numbers).all():
        raise Misfit("A rank is defined where every cell of the matrix is a number.")
    return value(int(np.linalg.matrix_rank(a.numbers)))
