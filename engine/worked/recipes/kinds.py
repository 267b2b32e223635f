"""The kinds of step: each is registered in the file that has its recipe, next to it."""

from collections.abc import Callable
from typing import NamedTuple


class Kind(NamedTuple):
    """How one kind of step is recomputed.

    whole(s)      -> (value, size): the tensor in float64 and, in the same shape, the sum of the absolute values
                     of the terms that were added, which says how much rounding float32 may show
    cell(s, *at)  -> Worked: the arithmetic of one cell, given an index for each axis of the point

    s is a StepInputs.
    """

    whole: Callable
    cell: Callable


KINDS: dict[str, Kind] = {}


def recipe(kind: str, whole: Callable, cell: Callable) -> None:
    """Register a kind of step under the name by which points refer to it; ValueError if the name is taken."""
    if kind in KINDS:
        raise ValueError(f"there are two recipes for the kind {kind!r}")
    KINDS[kind] = Kind(whole, cell)
