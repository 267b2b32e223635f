"""What the three steps show in the same way: charts, tables, arithmetic, a script to take along."""

from collections.abc import Sequence
from pprint import pformat

import plotly.graph_objects as go

from app import components, compute
from app.text import say, written
from app.ui.figures import bars
from app.ui.labels import escape, visible
from app.ui.page import put, text
from engine.training.jobs import KINDS
from engine.worked.recipes.terms import factor, number


def quoted(found: str) -> str:
    """A text that a model wrote, in a table: nothing in it is markup, and a line end is seen."""
    return escape(" ".join(found.replace("\n", " ↵ ").split()))


def changed(settings: dict, given: dict) -> None:
    """Of a run: a sentence where its settings are not those that are set now."""
    if settings != given:
        text(say("rewards", "changed"))


def drawn(events: Sequence[dict], prompt: str) -> None:
    """The text that was drawn last, while nothing else is known."""
    if events and "sample" in events[-1]:
        text(say("rewards", "drawn", text=f"{prompt}{events[-1]['sample']}".replace("\n", " ")))


def signed(x: float, digits: int = 2) -> str:
    return written(x, f".{digits}f")


def spread(found: Sequence[float], digits: int = 2) -> str:
    """A mean with its interval."""
    mean, low, high = found
    return f"{signed(mean, digits)} ({signed(low, digits)} – {signed(high, digits)})"


def box(cell: str, latex: Sequence[str], value: float, shown: float) -> dict:
    """The arithmetic of one number, as `components.worked_arithmetic` shows it."""
    difference = abs(value - shown)
    told = {name: f"{x:.6g}".replace("-", "−") for name, x in {"value": value, "shown": shown}.items()}
    more = {"difference": f"{difference:.1g}" if difference else "0", "who": say("rewards", "who")}
    more |= {"terms": [], "total": "", "sources": [], "set": False, "exact": shown}
    return {"cell": cell, "formulas": [compute.formula(one) for one in latex]} | told | more


def by_hand(key: str, boxes: list[dict]) -> None:
    """The boxes of some numbers, the first unfolded."""
    header = {"boxes": boxes, "open": 0}
    put("worked_arithmetic", f"worked-{key}", header, [one["cell"] for one in boxes])


def of_tokens(
    labels: Sequence[str], values: Sequence[float], name: str, picked: int | None = None
) -> go.Figure:
    """Bars of one number a token."""
    rows = [
        {"label": f"{i} {visible(label)}", "value": x, "mark": i == picked}
        for i, (label, x) in enumerate(zip(labels, values, strict=True))
    ]
    return bars(rows, say("rewards", "token"), name, height=24 * len(rows))


def script(key: str, function: str, given: dict) -> None:
    """Python that gives the same numbers again, as a file."""
    module, _, name = KINDS[function].partition(":")
    lines = [f"from {module} import {name}", "", f"settings = {pformat(given, sort_dicts=False)}"]
    lines += [f"for event in {name}(settings, None):", "    print(event)", ""]
    header = {"acts": [("save", say("rewards", "take"))], "words": {}, "file": f"{key}.py", "most": 0}
    components.sheet(f"take-{key}", header | {"text": "\n".join(lines)})


__all__ = [
    "box",
    "by_hand",
    "changed",
    "drawn",
    "factor",
    "number",
    "of_tokens",
    "quoted",
    "script",
    "signed",
    "spread",
]
