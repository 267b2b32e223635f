"""The header of `components.graph`: boxes with values and gradients, arrows that say how far both have come."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.text import say
from app.ui.frame import light as light_of
from app.ui.frame import written
from app.views.train.backprop.layout import laid_out
from engine.worked import Check

WORDS = ("value", "gradient", "notYet", "soFar", "out", "back", "kinds", "play", "pause")
HEADS = ("name", "made", "shape", "value", "gradient")


@dataclass(frozen=True)
class Shown:
    """One box: what it is called and made by, its numbers and its gradient (None: not yet)."""

    name: str
    made: str
    kind: str  # given, learned, box
    inputs: tuple[str, ...]
    value: np.ndarray | None
    gradient: np.ndarray | None
    partly: bool = False
    shape: str = ""


def header(
    name: str,
    title: str,
    said: str,
    shown: Mapping[str, Shown],
    now: str,
    moving: Collection[tuple[str, str]],
    gone: Collection[tuple[str, str]],
    step: tuple[int, int],
    light: dict | None,
) -> dict:
    """shown: all boxes in topological order, by key; now: the one at work; moving, gone: the arrows
    (from, to) in use, and those on which a gradient has come back."""
    layout = laid_out({key: one.inputs for key, one in shown.items()})
    places = {key: i for i, key in enumerate(shown)}
    edges = [
        {
            "from": places[v],
            "to": places[u],
            "via": layout.via[v, u],
            "way": "back" if (v, u) in gone else "forward" if shown[u].value is not None else "",
            "now": (v, u) in moving,
        }
        for v, u in layout.via
    ]
    nodes = [_node(one) | {"at": layout.at[key]} for key, one in shown.items()]
    words = {word: say("backprop", f"graph/{word}") for word in WORDS}
    words |= {"heads": [say("backprop", f"graph/head/{head}") for head in HEADS]}
    return {
        "name": name,
        "title": title,
        "aria": title,
        "say": said,
        "foot": "",
        "model": "",
        "light": light,
        "nodes": nodes,
        "edges": edges,
        "columns": layout.columns,
        "rows": layout.rows,
        "now": places.get(now, -1),
        "step": step,
        "plays": True,
        "pickable": False,
        "picked": -1,
        "words": words,
    }


def _node(one: Shown) -> dict:
    drawn = {"name": one.name, "made": one.made, "kind": one.kind, "shape": one.shape, "partly": one.partly}
    return drawn | {"value": numbers_of(one.value), "grad": numbers_of(one.gradient)}


def numbers_of(a: np.ndarray | None) -> list[list[float | str]] | None:
    """Rows for the browser, which has no ∞ and no NaN in its JSON: they are texts."""
    return None if a is None else [[_sent(x) for x in row] for row in np.atleast_2d(a).tolist()]


def _sent(x: float) -> float | str:
    if math.isnan(x):
        return "NaN"
    return x if math.isfinite(x) else "∞" if x > 0 else "−∞"


def lit(gap: float, allowed: float) -> dict:
    """A light: gradients beside what finite differences and PyTorch say."""
    one = light_of(Check(gap, allowed, gap <= allowed))
    kind = "ok" if one["ok"] else "off"
    return one | {"text": say("backprop", f"light/{kind}", gap=written(gap, 1))}


def worst(
    told: Mapping[str, np.ndarray], others: Sequence[Mapping[str, np.ndarray]], allowed: Mapping[str, float]
):
    """The largest gap of all gradients, measured by what is allowed of each, and what is allowed there."""
    found = [
        (float(np.abs(np.asarray(a) - np.asarray(other[name])).max(initial=0.0)), allowed[name])
        for name, a in told.items()
        for other in others
        if name in other
    ]
    return max(found, key=lambda pair: pair[0] / pair[1], default=(0.0, 1.0))
