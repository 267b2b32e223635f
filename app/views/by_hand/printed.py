"""What the lectures print beside what follows from it: every printed number, those that differ first."""

from app import state
from app.text import say
from app.ui.controls import switch_of
from app.ui.labels import escape
from app.ui.page import text
from app.views.by_hand import grids
from engine.examples import all_rows, shipped
from engine.examples.printed import COARSE, CUT, Row

HEADS = ("lecture", "slide", "example", "cell", "printed", "computed", "should")


def draw() -> None:
    rows = all_rows()
    differ = [row for row in rows if not row.agrees]
    text(
        say("by_hand", "printed/count", n=len(rows), wrong=len(differ), examples=len({r.example for r in rows}))
    )
    everything = bool(state.noted("all printed"))
    switch_of(
        "everything", say("by_hand", "printed/everything"), everything, lambda on: state.note("all printed", on)
    )
    text(_table(rows if everything else [row for row in rows if not row.agrees or row.verdict == COARSE]))


def _table(rows: list[Row]) -> str:
    lines = [[say("by_hand", f"printed/head/{head}") for head in HEADS], ["---"] * len(HEADS)]
    for row in rows:
        cells = (row.lecture, row.place, shipped(row.example).title, _cell(row), row.printed.replace("-", "−"))
        computed = grids.written(row.computed, 6)
        lines.append([escape(cell).replace("|", "\\|") for cell in (*cells, computed, _should(row))])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(row: Row) -> str:
    return say("by_hand", "printed/at", name=row.of, row=row.row, column=row.column).replace("\\", "")


def _should(row: Row) -> str:
    """✓, or what it should be."""
    if row.verdict == COARSE:
        return f"✓ {row.should} ({say('by_hand', 'printed/coarse')})"
    if row.agrees:
        return "✓"
    return f"✗ {row.should}" + (f" ({say('by_hand', 'printed/cut off')})" if row.verdict == CUT else "")
