"""What operations have in common: shapes that fit, places counted from 1, and how a cell is written."""

import math

import numpy as np

from engine.examples.numbers import number
from engine.examples.value import MOST_CELLS, Misfit, Value, told
from engine.worked.recipes.terms import Worked

TERMS = 4  # written out in a formula; the table has all


def together(*values: Value) -> tuple[int, ...]:
    """The shape of several values taken number by number; a Misfit where they do not fit."""
    try:
        shape = np.broadcast_shapes(*(v.shape for v in values))
    except ValueError:
        shapes = " and ".join(told(v.shape) for v in values)
        raise Misfit(
            f"{shapes} do not fit together number by number; equal shapes do, a single number, a row as long "
            "as the matrix is wide, or a column as tall. Add or take away rows or columns."
        ) from None
    return room(shape)


def room(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a result, before it is computed; a Misfit where it is too large."""
    if math.prod(shape) > MOST_CELLS:
        raise Misfit(f"{told(shape)} is too large; at most {MOST_CELLS:,} numbers are shown. Take fewer rows.")
    return shape


def named(shape: tuple[int, ...], *values: Value) -> tuple:
    """Names for each axis of a result: of the first of these that has as many."""
    names = []
    for axis in range(-len(shape), 0):
        fits = [v.names[axis] for v in values if len(v.shape) >= -axis and v.shape[axis] == shape[axis]]
        names.append(fits[0] if fits else ())
    return tuple(names)


def index(at: tuple[int, ...]) -> str:
    """A cell's index in LaTeX, counted from 1."""
    return ",".join(str(i + 1) for i in at)


def where(part, at: tuple) -> str:
    """A source as text: Q[reza, :]."""
    names = [part.value.names[axis][i] if isinstance(i, int) else ":" for axis, i in enumerate(at)]
    simple = not part.operation or part.operation.name == "transpose"
    text = part.text if simple else f"({part.text})"
    return f"{text}[{', '.join(names)}]" if names else part.text


def added(parts: list[str], count: int, total: float) -> str:
    """The first parts of a sum of `count` in LaTeX, and what it comes to."""
    rest = rf" + \ldots\,\text{{({count - len(parts)} more)}}" if count > len(parts) else ""
    return f"{' + '.join(parts)}{rest} = {number(total)}"


def worked(symbols, numbers, terms, total, result, *sources) -> Worked:
    """A cell worked out, of no point of a model."""
    return Worked("", (), symbols, numbers, tuple(terms), total, result, 0.0, sources)


def copied(part, at: tuple, symbols: str = "") -> Worked:
    """A cell that only stands elsewhere."""
    x = float(part.value.numbers[at])
    return worked(symbols or entry_of(part, index(at)), number(x), (), x, x, where(part, at))


def entry_of(part, index: str) -> str:
    """An entry of a part in LaTeX."""
    simple = not part.operation or part.operation.name == "transpose"
    return rf"{{{part.latex}}}_{{{index}}}" if simple else rf"({part.latex})_{{{index}}}"


def brief(x: float) -> str:
    """A number as text, to four digits."""
    return f"{x:.4g}".replace("-", "−").replace("inf", "∞")


def no_single(a: Value, name: str) -> None:
    """A Misfit where a value has no rows, or empty ones."""
    if not a.shape:
        raise Misfit(f"{name} works on rows; a single number is none.")
    if not a.shape[-1]:
        raise Misfit(f"{name} needs at least one number in a row.")


def whole(a: Value, name: str) -> int:
    """A whole number from 1 to 4096; a Misfit where it is none."""
    if a.shape or not 1 <= a.numbers <= 4096 or a.numbers != int(a.numbers):
        raise Misfit(f"{name} needs a whole number from 1 to 4096.")
    return int(a.numbers)


def places_of(a: Value, name: str, last: int) -> np.ndarray:
    """Places counted from 1, as indices; a Misfit where one is not from 1 to `last`, whatever it is."""
    x = np.atleast_1d(a.numbers)
    if x.ndim > 1:
        raise Misfit(f"{name}s are asked for by a row of whole numbers, not by {told(a.shape)}.")
    there = np.isfinite(x) & (np.floor(x) == x) & (x >= 1) & (x <= last)
    if not there.all():
        raise Misfit(f"{name} {brief(float(x[~there][0]))} is not there; they are counted from 1 to {last}.")
    return x.astype(int) - 1


def place(a: Value, name: str, last: int) -> int:
    """One place counted from 1, as an index; a Misfit where it is not there."""
    if a.shape:
        raise Misfit(f"{name} is asked for by one whole number, not by {told(a.shape)}.")
    return int(places_of(a, name, last)[0])


def span(first: Value, last: Value, name: str, end: int) -> tuple[int, int]:
    """Where places from one to another begin and end."""
    i, j = place(first, name, end), place(last, name, end)
    if j < i:
        raise Misfit(f"{name}s {i + 1} to {j + 1} are none; the first comes before the last.")
    return i, j + 1


def matrix(a: Value, name: str) -> Value:
    """The value; a Misfit where it is no matrix."""
    if len(a.shape) != 2:
        raise Misfit(f"{name} is taken of a matrix; this is {told(a.shape)}.")
    return a
