"""Changed numbers of an example as one short line of text, for a link: Q=1,2;3,4!X=5,6;7,8@2,1

Between `!` stands a value that differs from the file's: its rows, apart by `;`, and after `@` where each row
stood (0: it is new), if they are no longer in their order.
"""

from collections.abc import Mapping

import numpy as np

from engine.examples.example import Example, Given
from engine.examples.value import MOST, Misfit, Value, read_number, short, value

LONGEST = 200_000  # characters


def changed(given: Given, rows: list[list[float]], order: list[int] | None = None) -> Value:
    """A given value with other numbers, and its names as they fit: rows go with `order`, new ones get numbers.

    rows   of a single number or a row: one
    order  where each row stood, counted from 1; 0: it is new
    """
    old = given.value
    if old.numbers.ndim < 2 and len(rows) != 1:
        raise Misfit(f"{given.name} is one row, not {len(rows)}; take away the others.")
    if old.numbers.ndim == 0:
        if len(rows[0]) != 1:
            raise Misfit(f"{given.name} is a single number, not {len(rows[0])}.")
        return value(rows[0][0])
    columns = _kept(old.columns, range(1, len(rows[0]) + 1))
    if old.numbers.ndim == 1:
        return value(rows[0], (columns,))
    places = order or list(range(1, len(rows) + 1))
    if len(places) != len(rows) or len({p for p in places if p}) < sum(map(bool, places)):
        raise Misfit(f"The order of the rows of {given.name} must name each of them once.")
    return value(rows, (_kept(old.rows, places), columns))


def _kept(names: tuple[str, ...], places) -> tuple[str, ...]:
    """The names that stood at some places; where there was none, the next number that is free."""
    found, free = [], 1
    for place in places:
        if 1 <= place <= len(names):
            found.append(names[place - 1])
            continue
        while str(free) in names or str(free) in found:
            free += 1
        found.append(str(free))
    return tuple(found)


def write(example: Example, values: Mapping[str, Value]) -> str:
    """The values that differ from the example's own, as text."""
    parts = []
    for given in example.given:
        now = values.get(given.name, given.value)
        if not np.array_equal(now.numbers, given.value.numbers) or now.names != given.value.names:
            parts.append(f"{given.name}={_rows(now)}{_order(given.value, now)}")
    return "!".join(parts)


def _rows(now: Value) -> str:
    return ";".join(",".join(f"{x:.12g}" for x in row) for row in now.grid.tolist())


def _order(old: Value, now: Value) -> str:
    if now.numbers.ndim < 2 or len(set(old.rows)) < len(old.rows):
        return ""
    places = [old.rows.index(name) + 1 if name in old.rows else 0 for name in now.rows]
    usual = [i + 1 if i < len(old.rows) else 0 for i in range(len(places))]
    return "" if places == usual else "@" + ",".join(map(str, places))


def read(example: Example, text: str) -> tuple[dict[str, Value], list[str]]:
    """The values that a text says, by name, and a sentence for each part that cannot be taken."""
    found, ignored = {}, []
    if len(text) > LONGEST:
        return {}, [f"The changed numbers have {len(text):,} characters; the most is {LONGEST:,}."]
    for part in filter(None, text.split("!")):
        try:
            given, new = _read_one(example, part)
            found[given] = new
        except Misfit as misfit:
            ignored.append(f"given = “{short(part)}”: {misfit}")
    return found, ignored


def _read_one(example: Example, part: str) -> tuple[str, Value]:
    name, _, said = part.partition("=")
    given = next((g for g in example.given if g.name == name), None)
    if given is None:
        raise Misfit(
            f"{example.title} has no “{short(name)}”; it has {', '.join(g.name for g in example.given)}."
        )
    numbers, _, order = said.partition("@")
    rows = [[read_number(cell) for cell in row.split(",")] for row in numbers.split(";")]
    check_size(rows)
    try:
        places = [int(x) for x in order.split(",")] if order else None
    except ValueError:
        raise Misfit(f"“{short(order)}” is no order of rows.") from None
    return name, changed(given, rows, places)


def check_size(rows: list[list[float]]) -> None:
    """A Misfit where rows are of different lengths, or more than are shown."""
    if len({len(row) for row in rows}) > 1:
        raise Misfit("All rows need as many numbers.")
    if not (1 <= len(rows) <= MOST and 1 <= len(rows[0]) <= MOST):
        raise Misfit(f"{len(rows)} × {len(rows[0])} is too large; the most is {MOST} × {MOST}.")
