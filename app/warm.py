"""Everything slow happens once, before the first visitor: imports, the model, a first run."""

import gc

import streamlit as st

import engine
from app import compute, steps  # noqa: F401  (all that a visit imports)
from app.state import PROMPT


@st.cache_resource(show_spinner=False)
def warm() -> bool:
    """Load the default model and run it once, then freeze the collector.

    Streamlit collects garbage after every run, at a cost that grows with everything ever imported; what is
    frozen here is never looked at again.
    """
    name = engine.shipped()[0]
    trace = compute.trace(name, PROMPT)
    for point in trace.points():
        compute.checked(name, PROMPT, point)
    gc.collect()
    gc.freeze()
    return True
