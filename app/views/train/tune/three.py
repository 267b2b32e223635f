"""One toy learned three ways: from labels, without labels, from rewards."""

import numpy as np
import plotly.graph_objects as go

from app.settings import read
from app.shared import shared
from app.text import say
from app.ui.charts import by_itself
from app.ui.figures import graph, series
from app.ui.page import columns, text
from app.ui.source import code
from app.views.train.tune import common
from app.views.train.tune.settings import Tune
from engine.training.evaluate.intervals import wilson
from engine.training.tuning import three

WAYS = ("labels", "none", "rewards")


@shared(50)
def learned(seed: int, labels: int) -> dict[str, three.Learned]:
    """The three ways on the same points; not to be changed."""
    data = three.points(seed)
    return {
        "labels": three.from_labels(data, labels),
        "none": three.without_labels(data, seed),
        "rewards": three.from_rewards(data, seed),
    }


def draw() -> None:
    now = read(Tune)
    data, found = three.points(now.seed), learned(now.seed, now.labels)
    for place, way in zip(columns(1, 1, 1), WAYS, strict=True):
        with place:
            _cloud(way, data, found[way])
            text(_told(way, data, found[way]))
    for place, way in zip(columns(1, 1, 1), WAYS, strict=True):
        with place:
            _curve(way, found[way])
    common.knobs("labels", "seed")
    text(say("tune", "three/says", n=len(data.held_y)))
    code(three.from_labels, three.without_labels, three.from_rewards)


def _told(way: str, data: three.Points, one: three.Learned) -> str:
    right = int((one.guesses == data.held_y).sum())
    low, high = wilson(right, len(data.held_y))
    told = dict(share=right / len(data.held_y), low=low, high=high, n=len(data.held_y), teaching=one.teaching)
    return say("tune", f"three/{way}/told", **told)


def _cloud(way: str, data: three.Points, one: three.Learned) -> None:
    """The held-out points, in the groups that this way gives them; what is wrong stands out."""
    traces = []
    for k in range(three.KINDS):
        here = one.guesses == k
        x, y = data.held_x[here].T
        trace = series(say("tune", "three/group", k="ABC"[k]), x, y)
        wrong = data.held_y[here] != k
        trace = trace.to_plotly_json() | {"mode": "markers"}
        trace["marker"] = {"size": np.where(wrong, 11.0, 7.0), "opacity": np.where(wrong, 1.0, 0.6)}
        trace["marker"]["line"] = {"width": np.where(wrong, 2.0, 0.0)}
        truth = ["ABC"[i] for i in data.held_y[here]]
        trace["customdata"] = [say("tune", "three/point", given="ABC"[k], truth=t) for t in truth]
        traces.append(trace)
    title = say("tune", f"three/{way}")
    figure = graph([_scatter(t) for t in traces], "x", "y", height=260, square=True)
    by_itself(f"three-{way}", title, figure, foot=say("tune", f"three/{way}/gets"))


def _scatter(trace: dict):
    return go.Scatter(trace, _validate=False)


def _curve(way: str, one: three.Learned) -> None:
    title = say("tune", f"three/{way}/curve")
    count = len(one.shares)
    every = 4 if way == "rewards" else 1
    line = series(title, range(every, every * count + 1, every), one.shares)
    figure = graph(
        [line], say("tune", f"three/{way}/axis"), say("tune", "axis/right"), height=190, percent=True
    )
    by_itself(f"curve-{way}", title, figure)
