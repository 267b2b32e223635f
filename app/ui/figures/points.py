"""Points with their names, in the plane and in space."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.ui.figures.labels import LETTER, REST, letters, plain, short


def dots(
    name: str, x: np.ndarray, y: np.ndarray, labels: Sequence[str], picked: int | None = None, height: int = 300
) -> go.Scatter:
    """Points with their names beside them; a name that would overlap another is left out. `height` is the
    figure's."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    names = [short(label) for label in labels]
    wide = [LETTER * letters(label) for label in labels]
    places = _free_places(_pixels(x, 330), _pixels(y, height - 60), wide)
    return go.Scatter(
        {
            "name": plain(name),
            "x": x,
            "y": y,
            "mode": "markers+text",
            "text": [name if place else "" for name, place in zip(names, places, strict=True)],
            "textposition": [place or SPOTS[0] for place in places],
            "cliponaxis": False,
            "customdata": [plain(label) for label in labels],
            "marker": {"size": np.where(np.arange(len(x)) == picked, 14.0, 9.0)},
        },
        _validate=False,
    )


SPOTS = ("top right", "bottom right", "top left", "bottom left")  # of a name, as seen from its dot


def _free_places(x: np.ndarray, y: np.ndarray, wide: Sequence[float]) -> list[str]:
    """For dots at these pixels and names of these widths, a free spot for each in turn; "" if there is none."""
    taken, found = [], []
    for a, b, w in zip(x, y, wide, strict=True):
        boxes = {s: (a + (5 if "right" in s else -5 - w), b + (9 if "top" in s else -9), w) for s in SPOTS}
        free = [spot for spot, box in boxes.items() if not any(_overlap(box, other) for other in taken)]
        found.append(free[0] if free else "")
        taken += [boxes[free[0]]] if free else []
    return found


def _overlap(a: tuple[float, float, float], b: tuple[float, float, float]) -> bool:
    """Do two names (left, middle, width) overlap?"""
    return abs(a[1] - b[1]) < 12 and a[0] < b[0] + b[2] and b[0] < a[0] + a[2]


def _pixels(values: np.ndarray, size: int) -> np.ndarray:
    """Where values are on an axis of `size` pixels."""
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    return (values - low) / max(high - low, 1e-12) * size


def space(
    rest: np.ndarray, points: np.ndarray, labels: tuple[Sequence[str], Sequence[str]], picked: int
) -> go.Figure:
    """Points [N, 3] in three dimensions, to be rotated: `rest` small and grey, the others with their names."""
    others, names = ([plain(label) for label in each] for each in labels)
    sizes = np.where(np.arange(len(points)) == picked, 8.0, 5.0)
    traces = [
        {"type": "scatter3d", "mode": "markers", "meta": REST, "name": "", "customdata": others} | _xyz(rest),
        {
            "type": "scatter3d",
            "mode": "markers+text",
            "customdata": names,
            "text": [short(label) for label in labels[1]],
        }
        | {"marker": {"size": sizes}}
        | _xyz(points),
    ]
    axes = {axis: {"title": {"text": f"PC {i + 1}"}} for i, axis in enumerate(("xaxis", "yaxis", "zaxis"))}
    layout = {
        "height": 430,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "hovermode": "closest",
    }
    layout |= {
        "scene": axes
        | {
            "aspectmode": "cube",
            "camera": {"eye": {"x": 1.6, "y": 1.6, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.15}},
        },
        "uirevision": "space",
        "meta": {"names": ["PC 1", "PC 2", "PC 3"]},
    }
    return go.Figure(traces, layout, _validate=False)


def _xyz(points: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip("xyz", np.asarray(points, "f4").T, strict=True))
