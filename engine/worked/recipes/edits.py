"""An edit applied by the second route: numpy and the edit's plain fields, the masks by their own rules."""

import numpy as np

from engine.points.point import Point
from engine.trace.tap import Edit

MASKS = {  # which position t may look at which position s
    "causal": lambda t, s, n: s <= t,
    "none": lambda t, s, n: (s == s) & (t == t),
    "window": lambda t, s, n: (s <= t) & (s > t - max(n, 1)),
    "prefix": lambda t, s, n: (s <= t) | ((t < n) & (s < n)),
    "padding": lambda t, s, n: ((s <= t) & (s >= n)) | (s == t),
    "filled": lambda t, s, n: (s < max(s.size - n, 1)) & (t == t),
}


def edited(x: np.ndarray, edit: Edit, point: Point, other: np.ndarray | None = None) -> np.ndarray:
    """`x`, the numbers of `point`, after one edit; `other` holds those that "copy" and "take" take."""
    if edit.op == "mask":
        return np.broadcast_to(_mask(edit, point, x.shape[-1]), x.shape)
    where, changed = _where(edit, point.axes), np.array(x)
    if edit.op == "mean":
        new = np.broadcast_to(x.mean(_positions(point.axes), keepdims=True), x.shape)[where]
    elif edit.op in ("copy", "take"):
        new = other[where]
    else:
        new = {
            "zero": lambda: 0,
            "set": lambda: edit.value,
            "add": lambda: x[where] + edit.value,
            "scale": lambda: x[where] * edit.value,
        }[edit.op]()
    changed[where] = new
    return changed


def _where(edit: Edit, axes: str) -> tuple:
    at = dict(edit.at)
    return tuple(at.get(axis, slice(None)) for axis in axes)


def _positions(axes: str) -> int:
    return axes.index("T") if "T" in axes else axes.index("S")


def _mask(edit: Edit, point: Point, T: int) -> np.ndarray:
    if point.part == "cross":  # between two texts only "none" has a meaning
        return np.ones(1, bool)
    kind, n = edit.value
    return MASKS[kind](np.arange(T)[:, None], np.arange(T)[None, :], n)
