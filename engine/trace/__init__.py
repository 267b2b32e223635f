"""Inspect any number of a run: the tap that names it, the edits that change it, the trace that keeps it."""

from engine.trace.inputs import Inputs
from engine.trace.tap import Edit
from engine.trace.trace import Trace, everything, nothing, run, threads

__all__ = ["Edit", "Inputs", "Trace", "everything", "nothing", "run", "threads"]
