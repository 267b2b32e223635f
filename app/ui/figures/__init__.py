"""Charts as Plotly figures: pure functions, numbers and labels in, a figure out.

Colours and fonts are left to who draws them (`components/plot.js`), by the page's theme. Plotly reads its texts
as markup, so every label is escaped; equal labels stay apart, because positions on an axis are numbers.
"""

import plotly.io

from app.ui.figures.bars import bars, shares
from app.ui.figures.dice import dice
from app.ui.figures.labels import MARK, ORIGINAL, REST, plain
from app.ui.figures.landscapes import contours, surface
from app.ui.figures.lines import graph, histogram, panels, series
from app.ui.figures.points import dots, space
from app.ui.figures.stacked import stacked

plotly.io.templates.default = None  # 7 KB in every figure

__all__ = [
    "MARK",
    "ORIGINAL",
    "REST",
    "bars",
    "contours",
    "dice",
    "dots",
    "graph",
    "histogram",
    "panels",
    "plain",
    "series",
    "shares",
    "space",
    "stacked",
    "surface",
]
