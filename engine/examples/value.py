"""A value of an example: a number, a row of numbers or a matrix, with the names of its rows and columns."""

import math
import re
from dataclasses import dataclass

import numpy as np

LARGEST = 1e18  # the size of a number that is typed
MOST = 64  # rows, or columns, of what is given
MOST_CELLS = 20_000  # of what is computed
HUGE = 1e100  # the size of a number that is computed
Names = tuple[tuple[str, ...], ...]
MINUS = str.maketrans({"−": "-", "–": "-", "\u00a0": " "})
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
MASKED = ("-inf", "-infinity", "-∞")


class Misfit(ValueError):
    """What does not fit, as a sentence: what came, what is allowed, what to do."""


@dataclass(frozen=True)
class Value:
    """Numbers in float64 with 0, 1 or 2 axes, and for each axis the names of its entries."""

    numbers: np.ndarray
    names: Names

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns; entries; or nothing for a single number."""
        return self.numbers.shape

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of the rows; a row by itself, and a single number, have one without a name."""
        return self.names[0] if self.numbers.ndim == 2 else ("",)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.names[-1] if self.names else ("",)

    @property
    def grid(self) -> np.ndarray:
        """The numbers as rows and columns, whatever they are."""
        return np.atleast_2d(self.numbers)

    def at(self, row: int, column: int) -> tuple[int, ...]:
        """The index of a cell of `grid` in `numbers`."""
        return (row, column)[2 - self.numbers.ndim :]


def value(numbers, names: Names | None = None) -> Value:
    """Numbers with names, where there are none 1, 2, 3, …; a Misfit where there are too many."""
    array = np.asarray(numbers, dtype=float)
    if array.ndim > 2 or array.size > MOST_CELLS:
        raise Misfit(
            f"{array.size:,} numbers in the shape {told(array.shape)} are too many; at most {MOST_CELLS:,} "
            "in rows and columns are shown. Take fewer rows or columns."
        )
    usual = counted(array.shape)
    names = names if names is not None and len(names) == len(usual) else usual
    fits = (own if len(own) == len(others) else others for own, others in zip(names, usual, strict=True))
    return Value(array, tuple(map(tuple, fits)))


def counted(shape: tuple[int, ...]) -> Names:
    """Names for axes that have none: 1, 2, 3, …"""
    return tuple(tuple(str(i + 1) for i in range(n)) for n in shape)


def told(shape: tuple[int, ...]) -> str:
    """A shape in words: 2 × 3, a row of 4, a single number."""
    if not shape:
        return "a single number"
    return f"a row of {shape[0]}" if len(shape) == 1 else f"{shape[0]} × {shape[1]}"


def read_number(text: str) -> float:
    """A number as it is typed: 3, −0.5, 1e-3, or −∞ (-inf) for a masked score. A Misfit if it is none."""
    typed = text.translate(MINUS).strip()
    if typed.lower() in MASKED:
        return -math.inf
    if not typed:
        raise Misfit("An empty cell is not a number; 0 is one.")
    if not DECIMAL.fullmatch(typed):
        comma = " Write a decimal point, not a comma." if "," in typed else ""
        raise Misfit(
            f"“{short(text)}” is not a number. Digits, a point and a minus make one; -inf is −∞.{comma}"
        )
    number = float(typed)
    if not abs(number) <= LARGEST:
        raise Misfit(f"“{short(text)}” is too large; the largest number here is {LARGEST:.0e}.")
    return number


def short(text: str, most: int = 30) -> str:
    """The beginning of a text, as sentences quote it."""
    return text if len(text) <= most else text[:most] + "…"


def read_cells(rows: list[list[str]]) -> list[list[float]]:
    """Numbers from cells as they are typed; a Misfit with the place of what is no number, or of a short row."""
    _check_lengths(rows)
    return [[_located(cell, i, j) for j, cell in enumerate(row, 1)] for i, row in enumerate(rows, 1)]


def _check_lengths(rows: list[list[str]]) -> None:
    lengths = [len(row) for row in rows]
    odd = next((i for i, n in enumerate(lengths) if n != lengths[0]), None)
    if odd is not None:
        raise Misfit(
            f"Row {odd + 1} has {lengths[odd]} cells and row 1 has {lengths[0]}; all rows need as many."
        )
    if lengths[0] > MOST:
        raise Misfit(f"{lengths[0]:,} columns are too many; the most is {MOST}.")


def _located(cell: str, row: int, column: int) -> float:
    try:
        return read_number(cell)
    except Misfit as misfit:
        raise Misfit(f"Row {row}, column {column}: {misfit}") from None
