"""Numbers as the arithmetic of examples writes them, in LaTeX: whole ones in full, others to six digits."""

import math

from engine.worked.recipes.terms import number as to_digits

DIGITS = 6
WHOLE = 1e15  # below this a float64 holds every whole number, and it is written in full


def number(x: float) -> str:
    """A number in LaTeX: 124 439 808, 0.268941, 3.15\\cdot10^{23}, −∞."""
    if math.isfinite(x) and abs(x) < WHOLE and x == int(x):
        return f"{int(x):,}".replace(",", r"\,")
    return to_digits(x, DIGITS)


def factor(x: float) -> str:
    """A number in LaTeX as one of several that are multiplied or added: in brackets where it is negative."""
    return f"({number(x)})" if x < 0 else number(x)
