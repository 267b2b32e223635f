"""Bars in parts, one after the other."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.ui.figures.bars import row_axis
from app.ui.figures.labels import PART, dashes, plain, width_of


def stacked(
    rows: Sequence[dict], parts: Sequence[str], value_name: str, *, lines: Sequence[float] = (), bar: int = 30
) -> go.Figure:
    """Horizontal bars in parts. A row has label, values (a number for each of `parts`), note (its text on the
    right) and may have mark (bold); dashed lines stand at `lines`; a bar takes `bar` pixels."""
    values = np.array([row["values"] for row in rows], float)
    places = np.arange(len(rows), dtype=float)
    labels = [plain(row["label"]) for row in rows]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": plain(part),
            "meta": PART,
            "x": values[:, i].copy(),
            "y": places,
            "customdata": labels,
        }
        for i, part in enumerate(parts)
    ]
    totals = values.sum(1)
    top = float(totals.max(initial=1e-12))
    top = max(top, *(x for x in lines if x < 2.5 * top), 0)
    notes = [row["note"] for row in rows]
    layout = {
        "height": bar * len(rows) + 40,
        "margin": {"l": width_of(row["label"] for row in rows), "r": 8, "t": 2, "b": 36},
        "barmode": "stack",
        "bargap": 0.3,
        "hovermode": "closest",
        "xaxis": {
            "title": {"text": plain(value_name)},
            "range": [0, 1.18 * top],
            "fixedrange": True,
            "nticks": 5,
        }
        | {"showspikes": False},
        "yaxis": row_axis(rows),
        "shapes": [dashes(x0=x, x1=x, y0=0, y1=1, yref="paper") for x in lines],
        "annotations": [
            {"x": float(x), "y": i, "text": plain(note), "showarrow": False, "xanchor": "left", "xshift": 4}
            for i, (x, note) in enumerate(zip(totals, notes, strict=True))
        ],
        "meta": {"names": ["row", value_name]},
        "uirevision": f"{value_name} {len(rows)}",
    }
    return go.Figure(traces, layout, _validate=False)
