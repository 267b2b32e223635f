"""What was measured of models that differ in their positions alone: beyond their training's length, and words
reversed."""

import numpy as np

from app.text import say
from app.ui.charts import by_itself
from app.ui.figures import bars, graph, series
from app.ui.figures.labels import dashes
from app.ui.page import columns, text
from engine.training.data.orders import BEYOND, LEARNED
from engine.training.evaluate.orders import REVERSED


def losses(scores: dict[str, dict], trained: int) -> None:
    """Bits by position, on and beyond what training had."""
    curves = {kind: one["by position"] for kind, one in scores.items() if "by position" in one}
    if not curves:
        return
    longest = max(curves.values(), key=lambda curve: len(curve["bits"]))
    size = longest["size"]
    lines = [_line(say("positions", f"{kind}/name"), size, one["bits"]) for kind, one in curves.items()]
    counted = _line(say("positions", "loss/3-gram"), size, longest["3-gram"])
    counted.line = {"dash": "dot"}
    lines.append(counted)
    figure = graph(lines, say("positions", "loss/x"), say("positions", "loss/y"), height=320)
    figure.layout.shapes = [dashes(x0=trained, x1=trained, y0=0, y1=1, yref="paper")]
    told = dict(count=longest["count"] // size, size=size, trained=trained)
    left, right = columns(7, 4)
    with left:
        by_itself("placed-loss", say("positions", "loss/title"), figure, foot="scores.json")
    with right:
        text(say("positions", "loss/why", {"learned": "learned" in curves}, **told))


def _line(name: str, size: int, values: list[float]):
    spans = [(i * size + 1, (i + 1) * size) for i in range(len(values))]
    labels = [say("positions", "loss/bin", first=a, last=b) for a, b in spans]
    return series(name, [(a + b) / 2 for a, b in spans], values, labels)


def reversing(scores: dict[str, dict]) -> None:
    """How many held-out words each reverses, with what can be had without order."""
    spans = {f"{some[0]} to {some[-1]}" for some in (LEARNED, BEYOND)}
    found = {
        of: {kind: row for kind, one in scores.items() if (row := _row(one, f"{REVERSED}, {of} letters"))}
        for of in sorted(spans)
    }
    if not all(found.values()):
        return
    for place, (of, rows) in zip(columns(1, 1), found.items(), strict=True):
        with place:
            _bars(of, rows)
    counts = [next(iter(rows.values()))["count"] for rows in found.values()]
    text(say("positions", "reversed/why", n=counts[0], beyond=counts[1]))


def _row(scores: dict, name: str) -> dict | None:
    return next((row for row in scores.get("rows", []) if row["name"] == name), None)


def _bars(of: str, rows: dict[str, dict]) -> None:
    first = next(iter(rows.values()))
    labels = [say("positions", f"{kind}/name") for kind in rows]
    told = [(row["values"][0], row["intervals"][0]) for row in rows.values()]
    told += [(first["chance"], None), (first["values"][2], None)]
    labels += [say("positions", "reversed/chance"), say("positions", "reversed/copying")]
    each = zip(labels, told, strict=True)
    # the share stands beside the name: over the bar's end the interval is drawn
    drawn = [{"label": f"{label} {_share(x, ends)}", "value": x, "note": " "} for label, (x, ends) in each]
    figure = bars(drawn, "model", say("positions", "reversed/value"), height=200, percent=True)
    ends = np.array([ends or (x, x) for x, ends in told], float)
    values = np.array([x for x, _ in told], float)
    sizes = {"array": ends[:, 1] - values, "arrayminus": values - ends[:, 0]}
    figure.data[0].error_x = {"type": "data", "symmetric": False, "thickness": 1.2, "width": 3} | sizes
    title = say("positions", "reversed/title", of=of)
    by_itself(f"placed-reversed-{of.replace(' ', '-')}", title, figure, foot="scores.json")


def _share(value: float, ends: list[float] | None) -> str:
    around = f" ({ends[0]:.0%}–{ends[1]:.0%})".replace("%–", "–") if ends else ""
    return f"{value:.0%}{around}"
