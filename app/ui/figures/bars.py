"""Horizontal bars, a row each."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.ui.figures.labels import ORIGINAL, dashes, plain, short, width_of


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
    margin = {
        "l": width_of([row["label"] for row in rows]),
        "r": 0 if signed else width_of(notes),
        "t": 2,
        "b": 32,
    }
    layout = {
        "height": size * len(rows) + 34,
        "margin": margin,
        "bargap": 0.28,
        "hovermode": "y",
        "xaxis": _value_axis(value_name, values, percent, top),
        "yaxis": row_axis(rows),
        "meta": {"names": [row_name, value_name], "percent": percent},
    }
    if 0 < cut < len(rows):
        layout["shapes"] = [dashes(x0=0, x1=1, xref="paper", y0=cut - 0.5, y1=cut - 0.5)]
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


def row_axis(rows: Sequence[dict]) -> dict:
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
    label = f"<b>{short(row['label'])}</b>" if row.get("mark") else short(row["label"])
    return _faded(label) if row.get("off") else label


def _faded(text: str) -> str:
    return f'<span style="fill-opacity:0.75">{text}</span>'


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
