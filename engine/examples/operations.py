"""The operations that an example's steps are made of: what each computes, and the arithmetic of one cell.

Each is an `Operation` in OPERATIONS, by its name in formulas. Some work number by number; the others say in
`cell` which terms a cell is made of. Shapes that do not fit are a `Misfit` with a sentence. Rows are what
softmax, mean, variance, sum and the like work on, one by one, as in attention and LayerNorm.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.examples.numbers import factor, number
from engine.examples.value import MOST_CELLS, Misfit, Value, told, value
from engine.worked.recipes.terms import Worked, ones, products, share_in_numbers

Cell = Callable[..., Worked]  # (parts, at): the arithmetic of the cell `at`; a part has latex, text and value
TERMS = 4  # written out in a formula; the table has all


@dataclass(frozen=True)
class Operation:
    """name     in formulas
    parts       how many it takes, at least and at most
    compute     what it gives for its parts' values
    latex       its formula; {0}, {1} stand for the parts
    cell        the arithmetic of one cell; None: number by number, by `latex`
    says        what it does, in a few words
    """

    name: str
    parts: tuple[int, int]
    compute: Callable[..., Value]
    latex: str
    cell: Cell | None
    says: str


OPERATIONS: dict[str, Operation] = {}


def operation(latex: str, says: str, parts: int | tuple[int, int] = 1, cell: Cell | None = None):
    """Put a function into the table under its name, without a trailing underscore."""
    least, most = (parts, parts) if isinstance(parts, int) else parts

    def put(compute):
        name = compute.__name__.rstrip("_")
        OPERATIONS[name] = Operation(name, (least, most), compute, latex, cell, says)
        return compute

    return put


# --- number by number ------------------------------------------------------------------------------


def _together(*values: Value) -> tuple[int, ...]:
    """The shape of several values taken number by number; a Misfit where they do not fit."""
    try:
        shape = np.broadcast_shapes(*(v.shape for v in values))
    except ValueError:
        shapes = " and ".join(told(v.shape) for v in values)
        raise Misfit(
            f"{shapes} do not fit together number by number; equal shapes do, a single number, a row as long "
            "as the matrix is wide, or a column as tall. Add or take away rows or columns."
        ) from None
    return _room(shape)


def _room(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a result, before it is computed; a Misfit where it is too large."""
    if math.prod(shape) > MOST_CELLS:
        raise Misfit(f"{told(shape)} is too large; at most {MOST_CELLS:,} numbers are shown. Take fewer rows.")
    return shape


def _named(shape: tuple[int, ...], *values: Value) -> tuple:
    """Names for each axis of a result: of the first of these that has as many."""
    names = []
    for axis in range(-len(shape), 0):
        fits = [v.names[axis] for v in values if len(v.shape) >= -axis and v.shape[axis] == shape[axis]]
        names.append(fits[0] if fits else ())
    return tuple(names)


def _each(name: str, function, latex: str, says: str, parts: int) -> None:
    def compute(*values: Value) -> Value:
        shape = _together(*values)
        with np.errstate(all="ignore"):
            return value(function(*(v.numbers for v in values)), _named(shape, *values))

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


# --- of matrices -----------------------------------------------------------------------------------


def _index(at: tuple[int, ...]) -> str:
    """A cell's index in LaTeX, counted from 1."""
    return ",".join(str(i + 1) for i in at)


def _where(part, at: tuple) -> str:
    """A source as text: Q[reza, :]."""
    names = [part.value.names[axis][i] if isinstance(i, int) else ":" for axis, i in enumerate(at)]
    simple = not part.operation or part.operation.name == "transpose"
    text = part.text if simple else f"({part.text})"
    return f"{text}[{', '.join(names)}]" if names else part.text


def _sum(parts: list[str], count: int, total: float) -> str:
    rest = rf" + \ldots\,\text{{({count - len(parts)} more)}}" if count > len(parts) else ""
    return f"{' + '.join(parts)}{rest} = {number(total)}"


def _worked(symbols, numbers, terms, total, result, *sources) -> Worked:
    return Worked("", (), symbols, numbers, tuple(terms), total, result, 0.0, sources)


def _copied(part, at: tuple, symbols: str = "") -> Worked:
    """A cell that only stands elsewhere."""
    x = float(part.value.numbers[at])
    return _worked(symbols or _entry(part, _index(at)), number(x), (), x, x, _where(part, at))


def _product_cell(parts, at):
    a, b = parts
    row = at[: a.value.numbers.ndim - 1]
    column = at[len(row) :]
    x, y = a.value.numbers[row], b.value.numbers[(slice(None), *column)]
    labels = a.value.names[-1] if a.value.names[-1] != _plain(x) else b.value.names[0]
    terms, total = products([f"k = {label}" if label.isdigit() else label for label in labels], x, y)
    shown = [rf"{factor(float(p))} \cdot {factor(float(q))}" for p, q in zip(x, y, strict=True)][:TERMS]
    i, j = [f"{_index(row)},"] if row else [""], [f",{_index(column)}"] if column else [""]
    symbols = rf"\sum_k {_entry(a, f'{i[0]}k')}\,{_entry(b, f'k{j[0]}')}"
    sources = _where(a, (*row, slice(None))), _where(b, (slice(None), *column))
    return _worked(symbols, _sum(shown, len(x), total), terms, total, total, *sources)


def _plain(entries) -> tuple[str, ...]:
    return tuple(str(i + 1) for i in range(len(entries)))


def _entry(part, index: str) -> str:
    """An entry of a part in LaTeX."""
    simple = not part.operation or part.operation.name == "transpose"
    return rf"{{{part.latex}}}_{{{index}}}" if simple else rf"({part.latex})_{{{index}}}"


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
    _room((*a.shape[:-1], *b.shape[1:]))
    with np.errstate(all="ignore"):
        return value(a.numbers @ b.numbers, (*a.names[:-1], *b.names[1:]))


@operation(r"{0}^\top", "rows become columns", 1, lambda parts, at: _copied(parts[0], at[::-1]))
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
        [f"e^({_short(s)} − {_short(most)}) for {name}" for s, name in zip(x, a.value.names[-1], strict=True)],
        exps,
    )
    i = f"{_index(row)}," if row else ""
    symbols = rf"\frac{{e^{{s_{{{_index(at)}}} - \max}}}}{{\sum_k e^{{s_{{{i}k}} - \max}}}},\quad s = {a.latex}"
    numbers = share_in_numbers(float(x[at[-1]]), float(most), total)
    return _worked(symbols, numbers, terms, total, float(exps[at[-1]] / total), _where(a, (*row, slice(None))))


def _short(x: float) -> str:
    return f"{x:.4g}".replace("-", "−").replace("inf", "∞")


@operation(r"\mathrm{{softmax}}({0})", "shares that add up to 1, in each row", 1, _softmax_cell)
def softmax(a: Value) -> Value:
    """Of each row: e to the power of each number, divided by their sum."""
    _no_single(a, "softmax")
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


def _no_single(a: Value, name: str) -> None:
    if not a.shape:
        raise Misfit(f"{name} works on rows; a single number is none.")
    if not a.shape[-1]:
        raise Misfit(f"{name} needs at least one number in a row.")


def _mask_cell(parts, at):
    (a,) = parts
    if at[1] > at[0]:
        return _worked(
            r"-\infty\ \text{as the key comes after the query}", r"-\infty", (), -math.inf, -math.inf
        )
    return _copied(a, at)


@operation(r"\mathrm{{mask}}({0})", "−∞ wherever the column comes after the row", 1, _mask_cell)
def mask(a: Value) -> Value:
    """Scores with −∞ where the key comes after the query."""
    if len(a.shape) != 2:
        raise Misfit(f"A causal mask needs a matrix of scores; this is {told(a.shape)}.")
    return value(np.where(np.triu(np.ones(a.shape, bool), 1), -np.inf, a.numbers), a.names)


def _causal_cell(parts, at):
    x = -math.inf if at[1] > at[0] else 0.0
    return _worked(r"-\infty\ \text{where column} > \text{row, else } 0", number(x), (), x, x)


@operation(
    r"\mathrm{{causal}}({0})",
    "the causal mask that is added to scores: 0, and −∞ where the column comes after the row",
    1,
    _causal_cell,
)
def causal(a: Value) -> Value:
    """The mask M that is added: of the shape of a matrix of scores, or n × n."""
    shape = _room(a.shape if len(a.shape) == 2 else (_whole(a, "causal"),) * 2)
    return value(
        np.where(np.triu(np.ones(shape, bool), 1), -np.inf, 0.0), a.names if len(a.shape) == 2 else None
    )


def _whole(a: Value, name: str) -> int:
    if a.shape or not 1 <= a.numbers <= 4096 or a.numbers != int(a.numbers):
        raise Misfit(f"{name} needs a whole number from 1 to 4096.")
    return int(a.numbers)


# --- of each row -----------------------------------------------------------------------------------


def _per_row(function, name: str):
    """A number for each row: of a matrix a column, of a row a single number."""

    def compute(a: Value) -> Value:
        _no_single(a, name)
        with np.errstate(all="ignore"):
            found = function(a.numbers)
        return value(found[:, None], (a.names[0], (name,))) if len(a.shape) == 2 else value(found)

    compute.__name__ = name
    return compute


def _row_of(part, at):
    row = at[:1] if part.value.numbers.ndim == 2 else ()
    return row, part.value.numbers[row], part.value.names[-1], _where(part, (*row, slice(None)))


def _sum_cell(parts, at):
    _, x, names, source = _row_of(parts[0], at)
    terms, total = ones(names, x), math.fsum(x)
    return _worked(
        rf"\sum_i {_entry(parts[0], 'i')}",
        _sum([factor(float(t)) for t in x[:TERMS]], len(x), total),
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
    return _worked(
        rf"\frac{{1}}{{n}}\sum_i {_entry(parts[0], 'i')}",
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
    symbols = rf"\frac{{1}}{{n}}\sum_i ({_entry(parts[0], 'i')} - \mu)^2"
    return _worked(symbols, numbers, ones(names, squares), total, total / len(x), source)


def _length_cell(parts, at):
    _, x, names, source = _row_of(parts[0], at)
    squares = [float(t) ** 2 for t in x]
    total = math.fsum(squares)
    numbers = rf"\sqrt{{{number(total)}}} = {number(math.sqrt(total))}"
    return _worked(
        rf"\sqrt{{\sum_i {_entry(parts[0], 'i')}^2}}",
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
        return _worked(
            rf"\{symbols}_i {_entry(parts[0], 'i')}"
            if symbols != "argmax"
            else rf"\mathrm{{argmax}}_i\,{_entry(parts[0], 'i')}",
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
    return _worked(
        rf"\sum {parts[0].latex}",
        _sum([factor(float(t)) for t in x[:TERMS]], len(x), total),
        ones(labels, x),
        total,
        total,
        parts[0].text,
    )


@operation(r"\sum {0}", "the sum of all numbers", 1, _total_cell)
def total(a: Value) -> Value:
    """The sum of all numbers."""
    return value(a.numbers.sum())


# --- of shapes ---------------------------------------------------------------------------------------


def _count_cell(what: str):
    def cell(parts, at):
        x = float(OPERATIONS[what].compute(parts[0].value).numbers)
        return _worked(rf"\text{{{what} of }}{parts[0].latex}", number(x), (), x, x, parts[0].text)

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
    return _worked(rf"\text{{{what} of }}{parts[0].latex}", number(x), (), x, x, parts[0].text)


@operation(r"\mathrm{{shape}}({0})", "how many rows and columns", 1, _shape_cell)
def shape(a: Value) -> Value:
    """How many rows, and how many columns."""
    return value(a.grid.shape, (("rows", "columns"),))


# --- parts of matrices -------------------------------------------------------------------------------


def _places(a: Value, name: str, last: int) -> np.ndarray:
    """Places counted from 1, as indices; a Misfit where one is not from 1 to `last`, whatever it is."""
    x = np.atleast_1d(a.numbers)
    if x.ndim > 1:
        raise Misfit(f"{name}s are asked for by a row of whole numbers, not by {told(a.shape)}.")
    there = np.isfinite(x) & (np.floor(x) == x) & (x >= 1) & (x <= last)
    if not there.all():
        raise Misfit(f"{name} {_short(float(x[~there][0]))} is not there; they are counted from 1 to {last}.")
    return x.astype(int) - 1


def _place(a: Value, name: str, last: int) -> int:
    if a.shape:
        raise Misfit(f"{name} is asked for by one whole number, not by {told(a.shape)}.")
    return int(_places(a, name, last)[0])


def _range(first: Value, last: Value, name: str, end: int) -> tuple[int, int]:
    """Where places from one to another begin and end."""
    i, j = _place(first, name, end), _place(last, name, end)
    if j < i:
        raise Misfit(f"{name}s {i + 1} to {j + 1} are none; the first comes before the last.")
    return i, j + 1


def _matrix(a: Value, name: str) -> Value:
    if len(a.shape) != 2:
        raise Misfit(f"{name} is taken of a matrix; this is {told(a.shape)}.")
    return a


def _row_cell(parts, at):
    return _copied(parts[0], (int(parts[1].value.numbers) - 1, *at))


@operation(r"{{{0}}}_{{{1}}}", "one row of a matrix, counted from 1", 2, _row_cell)
def row(a: Value, i: Value) -> Value:
    """One row of a matrix, counted from 1."""
    at = _place(i, "Row", _matrix(a, "A row").shape[0])
    return value(a.numbers[at], a.names[1:])


def _column_cell(parts, at):
    return _copied(parts[0], (*at, int(parts[1].value.numbers) - 1))


@operation(r"{{{0}}}_{{:,{1}}}", "one column of a matrix, counted from 1", 2, _column_cell)
def column(a: Value, i: Value) -> Value:
    """One column of a matrix as a row of numbers, counted from 1."""
    at = _place(i, "Column", _matrix(a, "A column").shape[1])
    return value(a.numbers[:, at], a.names[:1])


def _columns_cell(parts, at):
    return _copied(parts[0], (*at[:-1], at[-1] + int(parts[1].value.numbers) - 1))


@operation(r"{{{0}}}_{{:,{1}\ldots {2}}}", "columns of a matrix, from one to another", 3, _columns_cell)
def columns(a: Value, first: Value, last: Value) -> Value:
    """Columns from one to another, both included, counted from 1: a head's share of a matrix."""
    if not a.shape:
        raise Misfit("Columns are taken of a matrix or a row; this is a single number.")
    i, j = _range(first, last, "Column", a.grid.shape[1])
    return value(a.numbers[..., i:j], (*a.names[:-1], a.names[-1][i:j]))


def _rows_cell(parts, at):
    return _copied(parts[0], (at[0] + int(parts[1].value.numbers) - 1, at[1]))


@operation(r"{{{0}}}_{{{1}\ldots {2}}}", "rows of a matrix, from one to another", 3, _rows_cell)
def rows(a: Value, first: Value, last: Value) -> Value:
    """Rows from one to another, both included, counted from 1."""
    i, j = _range(first, last, "Row", _matrix(a, "A range of rows").shape[0])
    return value(a.numbers[i:j], (a.names[0][i:j], a.names[1]))


def _joined_cell(axis: int):
    def cell(parts, at):
        at = list(at)
        for part in parts:
            grid = part.value if axis else Value(part.value.grid, (part.value.rows, part.value.columns))
            n = grid.shape[axis if axis == 0 else -1]
            if at[axis if axis == 0 else -1] < n:
                own = tuple(at)[2 - part.value.numbers.ndim :] if axis == 0 else tuple(at)
                return _copied(part, own)
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
    n = _matrix(a, "An order of rows").shape[0]
    places = np.atleast_1d(order.numbers)
    if places.ndim > 1 or sorted(places.tolist()) != list(range(1, n + 1)):
        raise Misfit(f"An order of {n} rows has each number from 1 to {n} once.")
    return (places.astype(int) - 1).tolist()


def _reordered_cell(parts, at):
    return _copied(parts[0], (_order(parts[0].value, parts[1].value)[at[0]], *at[1:]))


@operation(r"P_{{{1}}}\,{0}", "the rows in another order", 2, _reordered_cell)
def reorder(a: Value, order: Value) -> Value:
    """The rows in another order, a permutation of 1, 2, 3, …"""
    places = _order(a, order)
    return value(a.numbers[places], (tuple(a.names[0][i] for i in places), a.names[1]))


def _looked_up_cell(parts, at):
    return _copied(parts[0], (int(np.atleast_1d(parts[1].value.numbers)[at[0]]) - 1, at[1]))


@operation(r"{0}[{1}]", "the rows of a table that are asked for, counted from 1", 2, _looked_up_cell)
def lookup(table: Value, ids: Value) -> Value:
    """Rows of a table by their numbers, counted from 1: an embedding layer."""
    places = _places(ids, "Row", _matrix(table, "A look-up").shape[0])
    _room((len(places), table.shape[1]))
    return value(table.numbers[places], (ids.names[0] if ids.shape else (), table.names[1]))


def _outer_cell(parts, at):
    x, y = (float(p.value.numbers[i]) for p, i in zip(parts, at, strict=True))
    return _worked(
        " ".join(_entry(p, str(i + 1)) for p, i in zip(parts, at, strict=True)),
        rf"{factor(x)} \cdot {factor(y)} = {number(x * y)}",
        (),
        x * y,
        x * y,
        *(_where(p, (i,)) for p, i in zip(parts, at, strict=True)),
    )


@operation(r"{0} \otimes {1}", "every number of the one with every number of the other", 2, _outer_cell)
def outer(a: Value, b: Value) -> Value:
    """Every number of one row with every number of another."""
    if len(a.shape) != 1 or len(b.shape) != 1:
        raise Misfit(f"An outer product needs two rows of numbers, not {told(a.shape)} and {told(b.shape)}.")
    _room((*a.shape, *b.shape))
    return value(np.outer(a.numbers, b.numbers), (a.names[0], b.names[0]))


def _identity_cell(parts, at):
    x = float(at[0] == at[1])
    return _worked(r"1\ \text{on the diagonal, else}\ 0", number(x), (), x, x)


@operation(r"I_{{{0}}}", "ones on the diagonal, zeros elsewhere", 1, _identity_cell)
def identity(n: Value) -> Value:
    """The matrix that changes nothing."""
    return value(np.eye(*_room((_whole(n, "identity"),) * 2)))


# --- positions ---------------------------------------------------------------------------------------


def frequency(i: int, d: int, halves: bool) -> float:
    """By how much a wave turns from one position to the next: of pair i of d/2.

    halves  10000^(−i/(d/2−1)), as Tensor2Tensor had it; else 10000^(−2i/d), as the paper of 2017 has it
    """
    return 10000.0 ** (-i / max(d // 2 - 1, 1)) if halves else 10000.0 ** (-2 * i / d)


def _wave(t: float, j: int, d: int, layout: str) -> tuple[str, float, float]:
    """Entry j of a position: sin or cos, its frequency, its value."""
    pair, cosine = (j // 2, j % 2) if layout == "interleaved" else (j % (d // 2), j >= d // 2)
    w = frequency(pair, d, layout == "t2t")
    return ("cos" if cosine else "sin"), w, (math.cos if cosine else math.sin)(t * w)


def _table(positions: np.ndarray, d: int, layout: str) -> np.ndarray:
    """All entries of all positions at once."""
    pairs = np.array([frequency(i, d, layout == "t2t") for i in range(d // 2)])
    with np.errstate(all="ignore"):
        sines, cosines = np.sin(np.outer(positions, pairs)), np.cos(np.outer(positions, pairs))
    if layout == "interleaved":
        return np.stack([sines, cosines], -1).reshape(len(positions), d)
    return np.concatenate([sines, cosines], -1)


def _waves(name: str, layout: str, says: str) -> None:
    def positions_of(a: Value) -> list[float]:
        return list(a.numbers) if a.shape else [float(t) for t in range(_whole(a, name))]

    def compute(positions: Value, d: Value) -> Value:
        n = _whole(d, f"{name}'s width d")
        if n % 2:
            raise Misfit(f"{name} needs an even width d, as every sine has its cosine; {n} is odd.")
        if len(positions.shape) == 2:
            raise Misfit(f"Positions are a row of numbers or how many there are, not {told(positions.shape)}.")
        at = positions_of(positions)
        _room((len(at), n))
        return value(_table(np.asarray(at), n, layout), (tuple(f"{t:g}" for t in at), ()))

    def cell(parts, at):
        d, t = int(parts[1].value.numbers), float(positions_of(parts[0].value)[at[0]])
        wave, w, x = _wave(t, at[1], d, layout)
        power = r"10000^{-i/(d/2-1)}" if layout == "t2t" else r"10000^{-2i/d}"
        return _worked(
            rf"\{wave}(t \cdot {power})", rf"\{wave}({number(t)} \cdot {number(w)}) = {number(x)}", (), x, x
        )

    latex = r"\mathrm{{" + name.replace("_", r"\_") + r"}}({0}, {1})"
    OPERATIONS[name] = Operation(name, (2, 2), compute, latex, cell, says)


WAVES = {  # by their names in formulas: the layout, and what it is
    "sinusoid": ("interleaved", "positions as sines and cosines in turn (2017)"),
    "sinusoid_halves": ("halves", "the same frequencies, all sines first"),
    "sinusoid_t2t": ("t2t", "all sines first, frequencies 10000^(−i/(d/2−1))"),
}
for _name, _wanted in WAVES.items():
    _waves(_name, *_wanted)
