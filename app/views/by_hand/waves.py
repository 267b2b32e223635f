"""Positions as waves: three layouts of sines and cosines, for any width and any position."""

from app import state
from app.text import say
from app.ui.charts import by_itself
from app.ui.controls import choice, number
from app.ui.figures import graph, series
from app.ui.page import columns, text
from app.ui.source import code
from app.views.by_hand import grids
from engine.examples.operations import OPERATIONS, WAVES, frequency
from engine.examples.value import MOST_CELLS, value

LINES = 6  # entries drawn as waves: as many as there are colours
TABLE = (8, 16)  # rows and columns of the table


def draw() -> None:
    view = state.current()
    choice(say("by_hand", "waves/layouts"), "layout", {name: say("by_hand", f"waves/{name}") for name in WAVES})
    a, b = columns(1, 1)
    with a:
        number(say("by_hand", "waves/width"), "wide")
    with b:
        number(say("by_hand", "waves/positions"), "positions")
    d = max(2, view.wide - view.wide % 2)
    if d != view.wide:
        text(say("by_hand", "waves/even", d=d))
    _drawn(view.layout, d, view.positions)
    code(frequency)


def _drawn(layout: str, d: int, positions: int) -> None:
    shown = _entries(d)
    count = max(2, min(positions, MOST_CELLS // d))
    table = OPERATIONS[layout].compute(value(list(range(count))), value(d)).numbers
    lines = [series(say("by_hand", "waves/entry", i=i), range(len(table)), table[:, i]) for i in shown]
    title = say("by_hand", "waves/picture", d=d)
    figure = graph(lines, say("by_hand", "waves/position"), say("by_hand", "waves/value"), height=340)
    by_itself("waves", title, figure)
    text(say("by_hand", "waves/table"))
    part = table[: TABLE[0], : TABLE[1]]
    names = tuple(tuple(map(str, range(n))) for n in part.shape)
    grids.plain("table", say("by_hand", "waves/positions"), value(part, names))


def _entries(d: int) -> list[int]:
    """Which entries are drawn: spread over all of them."""
    if d <= LINES:
        return list(range(d))
    return sorted({round(i * (d - 1) / (LINES - 1)) for i in range(LINES)})
