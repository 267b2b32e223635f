"""What a lecture printed beside what follows from its own inputs.

A printed number agrees if it is the computed one rounded to as many places as are printed; a number exactly
half way may be rounded either way. Where it is the computed one cut off instead of rounded, that is said, and
it does not agree. A round number of one digit and zeros, such as 100M, may be meant to that digit: it agrees
where the computed one does so rounded, and that is said. 1/4, √3 and 100² are exact. Where only the minus is
missing, the text of the slide may have lost it when it was extracted: nothing is said against the slide.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal, localcontext

from engine.examples.example import Example, names, shipped, values_of
from engine.examples.value import Misfit, short

NUMBER = re.compile(r"([+-]?)(\d*)(\.\d*)?(?:e([+-]?\d{1,2}))?\s*(%|[kKMBT]?)")
EXACT = re.compile(r"√(\d{1,9})|(\d{1,9})/(\d{1,9})|(\d{1,9})²")
ROUND = re.compile(r"[1-9](?:00+|0+[kKMBT])")  # one digit and zeros
UNITS = {"": 0, "%": -2, "k": 3, "K": 3, "M": 6, "B": 9, "T": 12}
LONGEST = 60  # characters of a printed number
CLOSE = 1e-9  # relative: how near to half way counts as half way
SIGNS = str.maketrans({"−": "-", ",": None, "≈": None, "~": None, "∞": "inf"})
AGREES, ROUNDED, CUT, SIGN = "yes", "no", "no: cut off, not rounded", "yes, but for the sign"
COARSE = "yes, rounded to one digit"


@dataclass(frozen=True)
class Row:
    """A printed number, and the one computed for it.

    should   the computed one to the printed places
    verdict  "yes"; "yes, but for the sign"; "yes, rounded to one digit"; "no"; "no: cut off, not rounded"
    """

    example: str
    lecture: str
    place: str
    of: str
    row: int
    column: int
    printed: str
    computed: float
    should: str
    verdict: str

    @property
    def agrees(self) -> bool:
        """Does it follow from the lecture's own inputs?"""
        return self.verdict.startswith("yes")


def compare(printed: str, computed: float) -> tuple[str, str]:
    """(the computed number to as many places as printed, the verdict). A Misfit if `printed` is no number."""
    text = printed.translate(SIGNS).strip()
    if text in ("inf", "+inf", "-inf") or math.isinf(computed):
        same = text not in ("inf", "+inf", "-inf") or float(text) == computed
        same = same and text.endswith("inf") and math.isinf(computed)
        return _plain(computed), AGREES if same else ROUNDED
    exact = _exact(text)
    if exact is not None:
        same = math.isclose(exact, computed, rel_tol=CLOSE)
        return (printed if same else _plain(computed)), AGREES if same else ROUNDED
    wanted, unit, sign = _decimal(text)
    if math.isnan(computed):
        return "no number", ROUNDED
    exact = Decimal(repr(float(computed)))
    with localcontext() as context:
        context.prec = 500
        up, down, cut = (
            exact.quantize(unit, rounding=how) for how in (ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_DOWN)
        )
        half = _half_way(exact, unit)
    near = {up, down, *half}
    should = _written(up, text, "," in printed)
    if wanted in near:
        return should, AGREES
    if not sign and -wanted in near:
        return should, SIGN
    if ROUND.fullmatch(text) and f"{computed:.0e}" == f"{float(wanted):.0e}":
        return should, COARSE
    return should, CUT if wanted == cut else ROUNDED


def _exact(text: str) -> float | None:
    """What √3, 1/4 or 100² is; None where it is written otherwise."""
    found = EXACT.fullmatch(text)
    if not found:
        return None
    root, over, under, square = (float(x or 0) for x in found.groups())
    return math.sqrt(root) if found[1] else square**2 if found[4] else over / under if under else None


def _half_way(exact: Decimal, unit: Decimal) -> set[Decimal]:
    """Both neighbours of a number that is half way between them but for float64's rounding."""
    places = exact / unit
    half = places.to_integral_value(ROUND_DOWN) + Decimal("0.5").copy_sign(places)
    if abs(places - half) > abs(places) * Decimal(CLOSE):
        return set()
    return {(half + side).to_integral_value(ROUND_HALF_UP) * unit for side in (Decimal("-0.5"), Decimal("0.5"))}


def _decimal(text: str) -> tuple[Decimal, Decimal, str]:
    """A printed number, the worth of its last place, and its sign: 1.5B is 1.5e9, to 0.1e9."""
    found = NUMBER.fullmatch(text) if len(text) <= LONGEST else None
    if not found or not (found[2] or (found[3] or ".") != "."):
        raise Misfit(f"“{short(text)}” is not a number as lectures print them, such as 1.40 or 117M.")
    power = int(found[4] or 0) + UNITS[found[5]]
    places = len((found[3] or ".")[1:])
    worth = Decimal(1).scaleb(power - places)
    return Decimal(f"{found[1]}{found[2] or 0}{found[3] or ''}").scaleb(power), worth, found[1]


def _written(x: Decimal, like: str, commas: bool) -> str:
    """A number in the manner of the printed one: as many places, the same unit, a leading zero or none, commas
    between thousands or none."""
    found = NUMBER.fullmatch(like)
    power = int(found[4] or 0) + UNITS[found[5]]
    places = len((found[3] or ".")[1:])
    text = f"{x.scaleb(-power):{',' * commas}.{places}f}"
    if places and not found[2]:
        text = text.replace("0.", ".", 1) if abs(x.scaleb(-power)) < 1 else text
    zero = not text.strip("-0.,")
    text = text.removeprefix("-") if zero else text
    return (text + (f"e{found[4]}" if found[4] else "") + found[5]).replace("-", "−")


def _plain(x: float) -> str:
    return f"{x:.6g}".replace("inf", "∞").replace("-", "−")


def rows_of(example: Example) -> list[Row]:
    """A row for each number that a lecture printed in an example.

    A Misfit where what is printed is no number, or stands where there is no cell.
    """
    values, rows = values_of(example), []
    for printed in example.printed:
        if printed.of not in values:
            raise Misfit(f"{printed.of} could not be computed, so nothing printed can be compared with it.")
        grid = values[printed.of].grid
        for i, j, text in printed.cells:
            if not (i < grid.shape[0] and j < grid.shape[1]):
                raise Misfit(
                    f"{printed.of} has no cell in row {i + 1}, column {j + 1}, where a number is printed."
                )
            computed = float(grid[i, j])
            should, verdict = compare(text, computed)
            rows.append(
                Row(
                    example.name,
                    printed.lecture,
                    printed.place,
                    printed.of,
                    i + 1,
                    j + 1,
                    text,
                    computed,
                    should,
                    verdict,
                )
            )
    return rows


def all_rows(examples: Iterable[str] | None = None) -> list[Row]:
    """A row for each printed number of the shipped examples, or of some of them."""
    return [row for name in (examples or names()) for row in rows_of(shipped(name))]
