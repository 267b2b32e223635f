"""Do everything slow once, before the first visitor: imports, the model, a first run."""

import gc
import importlib
from functools import cache

import engine
from app import compute
from app.state import PROMPT
from app.ui import figures
from app.views.walk import steps  # noqa: F401  (all that a visit imports)

# Streamlit imports these only for the first visitor.
LATE = ("pandas.api.types", "pyarrow.compute", "PIL.Image", "pydoc", "zoneinfo")


@cache
def warm() -> bool:
    """Load the default model and run it once, then freeze the collector.

    Streamlit collects garbage after every run, at a cost that grows with everything ever imported; what is
    frozen here is never looked at again.
    """
    for name in LATE:
        importlib.import_module(name)
    figures.bars([{"label": "", "value": 1}], "", "")  # Plotly imports its parts when they are first used
    figures.graph([figures.series("", [1], [1])], "", "")
    name = engine.shipped()[0]
    trace = compute.trace(name, PROMPT)
    for point in trace.points():
        compute.checked(name, PROMPT, point)
    gc.collect()
    gc.freeze()
    return True
