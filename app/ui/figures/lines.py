"""Lines and columns on common axes, alone or in panels."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from app.ui.figures.labels import MARK, dashes, plain, short


def series(name: str, x: Sequence, y: Sequence, labels: Sequence[str] = ()) -> go.Scatter:
    """A line; `labels` name its points one by one."""
    trace = {"name": plain(name), "x": np.array(list(x), float), "y": np.array(list(y), float)}
    trace |= {"mode": "lines+markers" if len(trace["x"]) < 30 else "lines"}
    return go.Scatter(
        trace | ({"customdata": [plain(label) for label in labels]} if labels else {}), _validate=False
    )


def histogram(name: str, values: np.ndarray, bins: int = 24) -> go.Bar:
    """The columns of a histogram: how many values lie in each of `bins` equal intervals."""
    counts, edges = np.histogram(values, bins=bins)
    middles, width = (edges[:-1] + edges[1:]) / 2, float(edges[1] - edges[0])
    labels = [f"{a:.4g} to {b:.4g}".replace("-", "−") for a, b in pairwise(edges)]
    trace = {"name": plain(name), "x": middles, "y": counts.astype(float), "width": width, "customdata": labels}
    return go.Bar(trace, _validate=False)


def graph(
    traces: Sequence[go.Scatter | go.Bar],
    x_name: str,
    y_name: str,
    *,
    height: int = 300,
    ticks: Sequence[str] = (),
    marks: Sequence[tuple[float, float, str]] = (),
    zero: bool = False,
    log: bool = False,
    percent: bool = False,
    square: bool = False,
) -> go.Figure:
    """Lines, dots or columns on common axes.

    ticks    labels at 0, 1, 2 … of the x axis, instead of numbers
    marks    points to mark: x, y, label
    zero     the y axis includes 0
    log      the x axis is logarithmic
    percent  y are shares of a whole: the axis is 0 to 100%
    square   the same unit on both axes, 0 in the middle, so that angles are true
    """
    traces = list(traces)
    layout = {
        "height": height,
        "margin": {"l": 54, "r": 12, "t": 6, "b": 40},
        "hovermode": "closest" if square or traces[0].to_plotly_json().get("mode") == "markers+text" else "x",
        "bargap": 0,
        "xaxis": {"title": {"text": plain(x_name)}} | ({"type": "log", "dtick": 1} if log else {}),
        "yaxis": {"title": {"text": plain(y_name)}, "rangemode": "tozero" if zero else "normal", "nticks": 6},
        "meta": {"names": [x_name, y_name], "percent": percent},
        "uirevision": f"{x_name} {y_name} {[len(trace.x) for trace in traces]}",
    }
    if ticks:
        layout["xaxis"] |= _ticks(dict(enumerate(ticks)))
    if percent:
        layout["yaxis"] |= {"range": [0, 1.02], "tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    if square:
        far = 1.1 * max(1e-9, *(float(np.hypot(trace.x, trace.y).max()) for trace in traces))
        layout["xaxis"] |= {"range": [-far, far], "constrain": "domain"}
        layout["yaxis"] |= {"range": [-far, far], "scaleanchor": "x"}
    return go.Figure([*traces, *([_marked(marks, traces)] if marks else [])], layout, _validate=False)


def _ticks(names: dict[float, str]) -> dict:
    """Names at positions of an axis."""
    texts = [short(name) for name in names.values()]
    return {"tickvals": np.array(list(names), float), "ticktext": texts, "tickangle": 0, "zeroline": False}


def _marked(marks: Sequence[tuple[float, float, str]], traces: Sequence) -> go.Scatter:
    """The marked points; their labels are on the side towards the middle."""
    xs, ys = (np.concatenate([getattr(trace, axis) for trace in traces]) for axis in "xy")
    middle, half = (float(each.max() + each.min()) / 2 for each in (xs, ys))
    spots = [f"{'bottom' if y > half else 'top'} {'left' if x > middle else 'right'}" for x, y, _ in marks]
    x, y, words = zip(*marks, strict=True)
    trace = {"meta": MARK, "mode": "markers+text", "x": np.array(x, float), "y": np.array(y, float)}
    words = [plain(word) for word in words]
    return go.Scatter(trace | {"text": words, "textposition": spots, "showlegend": False}, _validate=False)


def panels(
    rows: Sequence[Sequence[go.Scatter]],
    x_name: str,
    names: Sequence[str],
    ticks: dict[float, str],
    at: float,
    height: int,
) -> go.Figure:
    """Curves in panels one below the other, over one logarithmic x axis; hovering reads all of them.

    names are the panels' y axes, ticks the labels of the x axis; a dashed line is at the chosen x.
    """
    gap, count = 0.08, len(rows)
    layout = {
        "height": height,
        "margin": {"l": 54, "r": 12, "t": 6, "b": 40},
        "hovermode": "x",
        "hoversubplots": "axis",
        "xaxis": {"title": {"text": plain(x_name)}, "type": "log", "anchor": f"y{count}"} | _ticks(ticks),
        "shapes": [dashes(x0=at, x1=at, y0=0, y1=1, yref="paper")],
        "meta": {"names": [x_name, names[0]]},
        "uirevision": x_name,
    }
    traces = []
    for i, (row, name) in enumerate(zip(rows, names, strict=True)):
        top = 1 - i / count
        axis = {"title": {"text": plain(name)}, "rangemode": "tozero", "nticks": 5}
        layout["yaxis" + (str(i + 1) if i else "")] = axis | {
            "domain": [top - 1 / count + gap * (i < count - 1), top]
        }
        traces += [trace.to_plotly_json() | {"yaxis": f"y{i + 1}" if i else "y"} for trace in row]
    return go.Figure(traces, layout, _validate=False)
