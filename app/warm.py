"""Do everything slow once, before the first visitor: imports, the model, a first run."""

import importlib

import engine
from app import catalogue, compute, garbage, shelf
from app.shared import shared
from app.state import PROMPT
from app.ui import figures
from app.views.walk import steps  # noqa: F401  (all that a visit imports)
from engine.examples import names

# Streamlit imports these only for the first visitor, PyTorch the last one (a second) with the first optimizer.
LATE = ("pandas.api.types", "pyarrow.compute", "PIL.Image", "pydoc", "zoneinfo", "torch._dynamo")


@shared()
def warm() -> bool:
    """Load the default model and run it once, and read what lists tell of all others; all of it is for good."""
    for name in LATE:
        importlib.import_module(name)
    figures.bars([{"label": "", "value": 1}], "", "")  # Plotly imports its parts when they are first used
    figures.graph([figures.series("", [1], [1])], "", "")
    try:
        _first_run()
    except RuntimeError as error:
        if not compute.fall_back(error):
            raise
        _first_run()
    catalogue.listed()
    names()
    shelf.models()
    garbage.begin()
    return True


def _first_run() -> None:
    name = engine.shipped()[0]
    trace = compute.trace(name, PROMPT)
    for point in trace.points():
        compute.checked(name, PROMPT, point)
