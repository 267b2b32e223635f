"""A function of two numbers as contours and as a surface, with ways on it."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.ui.figures.labels import GROUND, WAY, plain

NAMES = ["a", "b", "loss"]
CAMERA = {"eye": {"x": 1.75, "y": 1.75, "z": 1.2}, "center": {"x": 0, "y": 0, "z": -0.12}}


def _way(name: str, points: np.ndarray, heights: np.ndarray) -> dict:
    labels = [f"step {i}, loss {x:.4g}" for i, x in enumerate(heights)]
    return {"name": plain(name), "meta": WAY, "x": points[:, 0].copy(), "y": points[:, 1].copy()} | {
        "mode": "lines+markers",
        "customdata": labels,
    }


def _ground(axis: np.ndarray, heights: np.ndarray) -> dict:
    """heights [b, a]; what is not known is left open."""
    z = [[float(x) if np.isfinite(x) else None for x in row] for row in heights]
    return {"name": "ground", "meta": GROUND, "x": np.array(axis, float), "y": np.array(axis, float), "z": z}


def contours(
    axis: np.ndarray, heights: np.ndarray, ways: Sequence[tuple[str, np.ndarray, np.ndarray]], height: int = 360
) -> go.Figure:
    """From above. A way has a name, points [n, 2] and the height of each; what leaves the square is cut off."""
    traces = [_way(*way) | {"type": "scatter"} for way in ways]
    ground = _ground(axis, heights) | {
        "type": "contour",
        "ncontours": 18,
        "line": {"width": 0.6},
        "opacity": 0.5,
    }
    ends = [float(axis[0]), float(axis[-1])]
    layout = {
        "height": height,
        "margin": {"l": 54, "r": 12, "t": 6, "b": 40},
        "hovermode": "closest",
        "xaxis": {"title": {"text": NAMES[0]}, "range": ends, "showspikes": False},
        "yaxis": {"title": {"text": NAMES[1]}, "range": ends},
        "meta": {"names": NAMES[:2]},
        "uirevision": f"contours {ends}",
    }
    return go.Figure([*traces, ground], layout, _validate=False)


def surface(
    axis: np.ndarray, heights: np.ndarray, ways: Sequence[tuple[str, np.ndarray, np.ndarray]], height: int = 360
) -> go.Figure:
    """In space, to be turned; of a way the points above the square."""
    far, traces = float(np.abs(axis).max()), []
    for name, points, losses in ways:
        inside = (np.abs(points) <= far).all(1) & np.isfinite(losses)
        way = _way(name, points[inside], losses[inside])
        traces.append(way | {"type": "scatter3d", "z": np.array(losses[inside], float)})
    ground = _ground(axis, heights) | {"type": "surface", "opacity": 0.85}
    axes = {f"{d}axis": {"title": {"text": name}} for d, name in zip("xyz", NAMES, strict=True)}
    layout = {
        "height": height,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "hovermode": "closest",
        "scene": axes | {"aspectmode": "cube", "camera": CAMERA},
        "meta": {"names": NAMES},
        "uirevision": "surface",
    }
    return go.Figure([*traces, ground], layout, _validate=False)
