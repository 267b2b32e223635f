"""Charts as Plotly figures: pure functions, numbers and labels in, a figure out.

Colours and fonts are left to who draws them (`components/plot.js`), by the page's theme. Plotly reads its texts
as markup, so every label is escaped; equal labels stay apart, because positions on an axis are numbers.
"""

import html
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import plotly.io

plotly.io.templates.default = None  # 7 KB in every figure

LETTER = 7.3  # pixels of a letter in the labels' font
LONGEST = 24  # letters of a label that are drawn; its table has all of it
ORIGINAL, MARK, REST = "original", "mark", "rest"  # a trace's `meta`: how it is drawn


def plain(text: str) -> str:
    """A text that Plotly shows exactly as it is."""
    return html.escape(text, quote=False).replace("%{", "%&#123;")


def bars(
    rows: Sequence[dict],
    row_name: str,
    value_name: str,
    *,
    height: int = 400,
    cut: int = 0,
    percent: bool = False,
    top: float | None = None,
    original: tuple[str, str, Sequence[float]] | None = None,
) -> go.Figure:
    """Horizontal bars. A row has label and value, and may have note (text instead of the value), off (faded)
    and mark (outlined).

    height    about this many pixels, if all rows fit
    cut       a dashed line after this many rows
    percent   the values are shares of a whole: the axis is 0 to 100%, whatever the largest is
    top       the end of the axis, instead of the largest value
    original  the values before a change: their name, the name of the rows' values, and the values
    """
    values = np.array([row["value"] for row in rows], float)
    notes = [row.get("note") or _told(x, percent) for row, x in zip(rows, values, strict=True)]
    traces = [_bars_with_notes(rows, values, notes)]
    if original:
        before, after, others = original
        first = _bars(rows, np.asarray(others, float)) | {"name": before, "meta": ORIGINAL}
        traces = [first, traces[0] | {"name": after}]
    size, signed = max(13, min(24, height // max(1, len(rows)))), bool((values < 0).any())
    margin = {"l": _width([row["label"] for row in rows]), "r": 0 if signed else _width(notes), "t": 2, "b": 32}
    layout = {
        "height": size * len(rows) + 34,
        "margin": margin,
        "bargap": 0.28,
        "hovermode": "y",
        "xaxis": _value_axis(value_name, values, percent, top),
        "yaxis": _row_axis(rows),
        "meta": {"names": [row_name, value_name], "percent": percent},
    }
    if 0 < cut < len(rows):
        layout["shapes"] = [_dashes(x0=0, x1=1, xref="paper", y0=cut - 0.5, y1=cut - 0.5)]
    return go.Figure(traces, layout, _validate=False)


def _told(value: float, percent: bool) -> str:
    return f"{value:.1%}" if percent else f"{value:.4g}".replace("-", "−")


def _bars(rows: Sequence[dict], values: np.ndarray) -> dict:
    places = np.arange(len(rows), dtype=float)
    labels = [plain(row["label"]) for row in rows]
    return {"type": "bar", "orientation": "h", "x": values, "y": places, "customdata": labels}


def _bars_with_notes(rows: Sequence[dict], values: np.ndarray, notes: Sequence[str]) -> dict:
    marker = {
        "opacity": np.array([0.35 if row.get("off") else 1.0 for row in rows]),
        "line": {"width": np.array([2.0 if row.get("mark") else 0.0 for row in rows])},
    }
    if (values < 0).any():
        marker |= {"color": np.sign(values), "coloraxis": "coloraxis"}
    return _bars(rows, values) | {
        "marker": marker,
        "text": [_faded(note) if row.get("off") else note for row, note in zip(rows, notes, strict=True)],
        "textposition": "outside",
        "constraintext": "none",
        "textangle": 0,
        "cliponaxis": False,
    }


def _row_axis(rows: Sequence[dict]) -> dict:
    """The axis of the bars' labels, the first row on top."""
    return {
        "range": [len(rows) - 0.5, -0.5],
        "tickvals": np.arange(len(rows), dtype=float),
        "ticktext": [_row_label(row) for row in rows],
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
    }


def _row_label(row: dict) -> str:
    label = f"<b>{_short(row['label'])}</b>" if row.get("mark") else _short(row["label"])
    return _faded(label) if row.get("off") else label


def _faded(text: str) -> str:
    return f'<span style="fill-opacity:0.4">{text}</span>'


def _value_axis(name: str, values: np.ndarray, percent: bool, top: float | None) -> dict:
    """The axis of the bars' values: from 0, or symmetric if some are negative."""
    axis = {"title": {"text": plain(name)}, "fixedrange": True, "showspikes": False}
    if percent:
        ticks = {"tickvals": [0, 0.25, 0.5, 0.75, 1], "ticktext": ["0%", "", "50%", "", "100%"]}
        return axis | {"range": [0, 1]} | ticks
    top = top or float(np.abs(values).max(initial=1e-12))
    return axis | {
        "range": [-1.4 * top, 1.4 * top] if (values < 0).any() else [0, top],
        "nticks": 4,
        "tickangle": 0,
    }


def shares(labels: Sequence[str], values: Sequence[float], picked: int | None = None) -> list[dict]:
    """Rows of `bars` for shares of a whole."""
    pairs = enumerate(zip(labels, values, strict=True))
    return [{"label": label, "value": x, "mark": i == picked} for i, (label, x) in pairs]


def series(name: str, x: Sequence, y: Sequence, labels: Sequence[str] = ()) -> go.Scatter:
    """A line; `labels` name its points one by one."""
    trace = {"name": plain(name), "x": np.array(list(x), float), "y": np.array(list(y), float)}
    trace |= {"mode": "lines+markers" if len(trace["x"]) < 30 else "lines"}
    return go.Scatter(
        trace | ({"customdata": [plain(label) for label in labels]} if labels else {}), _validate=False
    )


def dots(
    name: str, x: np.ndarray, y: np.ndarray, labels: Sequence[str], picked: int | None = None, height: int = 300
) -> go.Scatter:
    """Points with their names beside them; a name that would overlap another is left out. `height` is the
    figure's."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    names = [_short(label) for label in labels]
    wide = [LETTER * _letters(label) for label in labels]
    places = _free_places(_pixels(x, 330), _pixels(y, height - 60), wide)
    return go.Scatter(
        {
            "name": plain(name),
            "x": x,
            "y": y,
            "mode": "markers+text",
            "text": [name if place else "" for name, place in zip(names, places, strict=True)],
            "textposition": [place or SPOTS[0] for place in places],
            "cliponaxis": False,
            "customdata": [plain(label) for label in labels],
            "marker": {"size": np.where(np.arange(len(x)) == picked, 14.0, 9.0)},
        },
        _validate=False,
    )


SPOTS = ("top right", "bottom right", "top left", "bottom left")  # of a name, as seen from its dot


def _free_places(x: np.ndarray, y: np.ndarray, wide: Sequence[float]) -> list[str]:
    """For dots at these pixels and names of these widths, a free spot for each in turn; "" if there is none."""
    taken, found = [], []
    for a, b, w in zip(x, y, wide, strict=True):
        boxes = {s: (a + (5 if "right" in s else -5 - w), b + (9 if "top" in s else -9), w) for s in SPOTS}
        free = [spot for spot, box in boxes.items() if not any(_overlap(box, other) for other in taken)]
        found.append(free[0] if free else "")
        taken += [boxes[free[0]]] if free else []
    return found


def _overlap(a: tuple[float, float, float], b: tuple[float, float, float]) -> bool:
    """Do two names (left, middle, width) overlap?"""
    return abs(a[1] - b[1]) < 12 and a[0] < b[0] + b[2] and b[0] < a[0] + a[2]


def _pixels(values: np.ndarray, size: int) -> np.ndarray:
    """Where values are on an axis of `size` pixels."""
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    return (values - low) / max(high - low, 1e-12) * size


def _short(label: str) -> str:
    return plain(label if len(label) <= LONGEST else label[: LONGEST - 1] + "…")


def _letters(text: str) -> int:
    """A text's width in letters: East Asian characters and emoji count as two."""
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text[:LONGEST])


def _width(texts: Sequence[str]) -> float:
    """Pixels for the widest of some texts."""
    return 12 + LETTER * max(map(_letters, texts), default=0)


def _dashes(**ends) -> dict:
    return {"type": "line", "line": {"dash": "dash", "width": 1.5}} | ends


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
    texts = [_short(name) for name in names.values()]
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
        "shapes": [_dashes(x0=at, x1=at, y0=0, y1=1, yref="paper")],
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


def space(
    rest: np.ndarray, points: np.ndarray, labels: tuple[Sequence[str], Sequence[str]], picked: int
) -> go.Figure:
    """Points [N, 3] in three dimensions, to be rotated: `rest` small and grey, the others with their names."""
    others, names = ([plain(label) for label in each] for each in labels)
    sizes = np.where(np.arange(len(points)) == picked, 8.0, 5.0)
    traces = [
        {"type": "scatter3d", "mode": "markers", "meta": REST, "name": "", "customdata": others} | _xyz(rest),
        {
            "type": "scatter3d",
            "mode": "markers+text",
            "customdata": names,
            "text": [_short(label) for label in labels[1]],
        }
        | {"marker": {"size": sizes}}
        | _xyz(points),
    ]
    axes = {axis: {"title": {"text": f"PC {i + 1}"}} for i, axis in enumerate(("xaxis", "yaxis", "zaxis"))}
    layout = {
        "height": 430,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "hovermode": "closest",
    }
    layout |= {
        "scene": axes
        | {
            "aspectmode": "cube",
            "camera": {"eye": {"x": 1.6, "y": 1.6, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.15}},
        },
        "uirevision": "space",
        "meta": {"names": ["PC 1", "PC 2", "PC 3"]},
    }
    return go.Figure(traces, layout, _validate=False)


def _xyz(points: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip("xyz", np.asarray(points, "f4").T, strict=True))
