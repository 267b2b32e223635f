"""An edit applied by the second route: numpy and the edit's plain fields, the masks by their own rules."""

import numpy as np

from engine.tap import Edit

MASKS = {  # which of T positions may look at which, t asking and s looked at
    "causal": lambda t, s, n: s <= t,
    "none": lambda t, s, n: (s == s) & (t == t),
    "window": lambda t, s, n: (s <= t) & (s > t - max(n, 1)),
    "prefix": lambda t, s, n: (s <= t) | ((t < n) & (s < n)),
    "padding": lambda t, s, n: ((s <= t) & (s >= n)) | (s == t),
    "filled": lambda t, s, n: (s < max(s.size - n, 1)) & (t == t),
}


def edited(x: np.ndarray, edit: Edit, axes: str, other: np.ndarray | None = None) -> np.ndarray:
    """`x`, whose axes are the letters of `axes`, after one edit; `other` is what a copy takes from."""
    if edit.op == "mask":
        return np.broadcast_to(_mask(edit, x.shape[-1]), x.shape)
    where, changed = _where(edit, axes), np.array(x)
    if edit.op == "mean":
        new = np.broadcast_to(x.mean(_positions(axes), keepdims=True), x.shape)[where]
    elif edit.op == "copy":
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


def _mask(edit: Edit, T: int) -> np.ndarray:
    if ".cross." in edit.point:  # between two texts only "none" has a meaning
        return np.ones(1, bool)
    kind, n = edit.value
    return MASKS[kind](np.arange(T)[:, None], np.arange(T)[None, :], n)
