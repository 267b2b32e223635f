"""The arithmetic of one cell in words and LaTeX: its terms, their sum, its formula with symbols and numbers."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Term:
    """One term of a sum: its value is the product of its factors, or the step's function of them."""

    label: str
    factors: tuple[float, ...]
    value: float


@dataclass(frozen=True)
class Worked:
    """The arithmetic of one cell.

    at       one index for each axis of the point
    symbols  the formula in LaTeX; numbers: the same with this cell's numbers
    terms    of the sum inside the formula, largest first; empty where there is none
    total    their sum
    value    the cell by this route in float64; shown: what the model computed in float32
    sources  the cells it was computed from, as text: "name[…]"
    """

    point: str
    at: tuple[int, ...]
    symbols: str
    numbers: str
    terms: tuple[Term, ...]
    total: float
    value: float
    shown: float
    sources: tuple[str, ...] = ()


def plain(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A tensor's value and size where nothing is added: each number is the only term."""
    return value, np.abs(value)


def number(x: float, digits: int = 4) -> str:
    """A number in LaTeX, to so many significant digits."""
    if math.isinf(x):
        return r"\infty" if x > 0 else r"-\infty"
    mantissa, _, power = f"{x + 0.0:.{digits}g}".partition("e")  # + 0.0: no "-0"
    return rf"{mantissa}\cdot10^{{{int(power)}}}" if power else mantissa


def factor(x: float, digits: int = 4) -> str:
    """A number in LaTeX as one of several that are multiplied or added: in brackets where it is negative."""
    return f"({number(x, digits)})" if x < 0 else number(x, digits)


def digits_for(of: Callable[..., tuple[float, ...]], *given: float) -> int:
    """How many digits of some numbers it takes, four at least, so that whoever works out `of` them as they are
    written gets what is written for it: 1/1.0001, not 1/1, is 0.9999."""
    values = [number(x) for x in of(*given)]

    def right(digits: int) -> bool:
        return [number(x) for x in of(*(float(f"{x:.{digits}g}") for x in given))] == values

    return next(filter(right, range(4, 16)), 16)


def share_in_numbers(score: float, most: float, total: float) -> str:
    """One score of a softmax in numbers, the largest subtracted first; total: the sum of all exponentials."""
    exp = math.exp(score - most)
    n = digits_for(lambda s, m, e, t: (math.exp(s - m) / t, e / t), score, most, exp, total)
    numbers = rf"\frac{{e^{{{number(score, n)} - {factor(most, n)}}}}}{{{number(total, n)}}} = "
    return numbers + rf"\frac{{{number(exp, n)}}}{{{number(total, n)}}} = {number(exp / total)}"


def _shorten(parts: list[str], count: int) -> str:
    rest = rf" + \ldots\,\text{{({count - len(parts)} more)}}" if count > len(parts) else ""
    return " + ".join(parts) + rest


def products(labels, a, b, bias=None) -> tuple[tuple[Term, ...], float]:
    """Terms a·b (and one bias), largest first, and their exact sum."""
    terms = [
        Term(label, (float(x), float(y)), float(x) * float(y)) for label, x, y in zip(labels, a, b, strict=True)
    ]
    if bias is not None:
        terms.append(Term("bias", (float(bias),), float(bias)))
    terms.sort(key=lambda term: -abs(term.value))
    return tuple(terms), math.fsum(term.value for term in terms)


def ones(labels, values) -> tuple[Term, ...]:
    """Terms that are single numbers, largest first."""
    terms = [Term(label, (float(v),), float(v)) for label, v in zip(labels, values, strict=True)]
    return tuple(sorted(terms, key=lambda term: -abs(term.value)))


def product_cell(symbols, sources, labels, a, b, bias=None) -> Worked:
    """A sum of products a·b (and one bias)."""
    terms, total = products(labels, a, b, bias)
    shown = [r" \cdot ".join(map(factor, term.factors)) for term in terms[:3]]
    numbers = f"{_shorten(shown, len(terms))} = {number(total)}"
    return Worked("", (), symbols, numbers, terms, total, total, 0.0, sources)


def average_cell(symbols: str, sources, terms: tuple[Term, ...], total: float) -> Worked:
    """The mean of terms whose sum is `total`."""
    value = total / len(terms)
    n = digits_for(lambda total: (total / len(terms),), total)
    numbers = rf"\frac{{{number(total, n)}}}{{{len(terms)}}} = {number(value)}"
    return Worked("", (), symbols, numbers, terms, total, value, 0.0, sources)


def simple_cell(symbols: str, numbers: str, value: float, *sources: str) -> Worked:
    """A value whose formula has no sum."""
    return Worked("", (), symbols, f"{numbers} = {number(value)}", (), value, value, 0.0, sources)
