"""Given numbers as grids to type over, and in the link as By hand has them: x=1,2!W=1,2;3,4"""

from collections.abc import Collection, Mapping

import numpy as np

from app.text import say
from app.ui.labels import escape
from app.ui.page import group, notice
from app.views.by_hand import grids
from engine.examples import Example, changes
from engine.examples.example import Given
from engine.examples.value import Value, told, value

Numbers = dict[str, np.ndarray]


def sheet_of(
    name: str, first: Mapping[str, Value], latex: Mapping[str, str], says: Mapping[str, str]
) -> Example:
    """What can be typed over, as an example of By hand that has no steps."""
    given = tuple(
        Given(each, one, latex.get(each, each), "", says.get(each, "")) for each, one in first.items()
    )
    return Example(name, name, "own", "", "", "", "", given, ())


def read(sheet: Example, text: str) -> tuple[dict[str, Value], list[str]]:
    """All its values, and a sentence for what a link says of them in vain."""
    found, ignored = changes.read(sheet, text)
    values = {one.name: one.value for one in sheet.given}
    for name, one in found.items():
        if one.shape != values[name].shape:
            came, has = told(one.shape), told(values[name].shape)
            ignored.append(say("backprop", "given/shape", name=name, came=came, has=has))
        elif np.isinf(one.numbers).any():
            ignored.append(say("backprop", "given/infinite", name=name))
        else:
            values[name] = one
    return values, ignored


def write(sheet: Example, values: Mapping[str, Value]) -> str:
    return changes.write(sheet, values)


def draw(
    sheet: Example, now: Mapping[str, Value], ignored: list[str], put, computed: Collection[str] = ()
) -> None:
    """A grid each; `put` is called with a name and its new value. computed: what nobody typed, shown short."""
    if ignored:
        notice(say("backprop", "given/ignored") + " " + " ".join(map(escape, ignored)), "warning")
    with group("givens"):
        for one in sheet.with_values(now).given:
            digits = grids.DIGITS if one.name in computed else grids.EXACT
            grids.given(sheet.name, one, True, lambda new, name=one.name: put(name, new), digits)


def values_of(numbers: Mapping[str, np.ndarray]) -> dict[str, Value]:
    return {name: value(each) for name, each in numbers.items()}


def numbers_of(values: Mapping[str, Value]) -> Numbers:
    return {name: one.numbers for name, one in values.items()}
