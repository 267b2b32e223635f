"""Dice whose sides are as wide as they are probable, each laid out as a row."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.ui.figures.bars import row_axis
from app.ui.figures.labels import LETTER, dashes, letters, plain, short, width_of

WIDE = 480  # pixels of a row, about: a side narrower than its word does without


def dice(rows: Sequence[dict], value_name: str, at: float, *, height: int = 180) -> go.Figure:
    """Rows of sides, one after the other from 0 to 1. A row has label, sides [(word, share, note)] and drawn,
    the place of the side that the number `at` falls on; a dashed line is at that number."""
    sides = [(y, i, *side) for y, row in enumerate(rows) for i, side in enumerate(row["sides"])]
    shares = np.array([share for _, _, _, share, _ in sides], float)
    starts = np.concatenate([np.cumsum([0, *(side[1] for side in row["sides"])])[:-1] for row in rows])
    drawn = np.array([i == rows[y]["drawn"] for y, i, *_ in sides])
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": shares,
        "base": starts,
        "y": np.array([y for y, *_ in sides], float),
        "customdata": [plain(f"{rows[y]['label']}: {note}") for y, *_, note in sides],
        "text": [short(word) if LETTER * letters(word) < WIDE * share else "" for *_, word, share, _ in sides],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "constraintext": "none",
        "textangle": 0,
        "marker": {
            "opacity": np.array([0.9 if i % 2 else 0.65 for _, i, *_ in sides]),
            "line": {"width": np.where(drawn, 2.5, 0.0)},
        },
    }
    layout = {
        "height": height,
        "margin": {"l": width_of([row["label"] for row in rows]), "r": 8, "t": 2, "b": 32},
        "bargap": 0.35,
        "hovermode": "closest",
        "xaxis": {
            "title": {"text": plain(value_name)},
            "range": [0, 1],
            "fixedrange": True,
            "showspikes": False,
        },
        "yaxis": row_axis(rows),
        "shapes": [dashes(x0=at, x1=at, y0=0, y1=1, yref="paper")],
        "meta": {"names": ["side", value_name], "percent": True},
    }
    return go.Figure([trace], layout, _validate=False)
