"""Curves over the number of examples, with their intervals, from the events of a job."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from app.shared import shared
from app.text import say
from app.ui.charts import by_itself
from app.ui.figures import graph, plain
from engine.training.jobs import Event
from engine.training.tuning.data import Labelled, baselines, entailment, interval, reviews

SETS = {"reviews": reviews, "entailment": entailment}
APART = 0.018  # of a power of ten: how far points of different lines stand apart


@dataclass(frozen=True)
class Point:
    """The share that is right with so many examples, its interval, and of how much that is said."""

    count: int
    share: float
    low: float
    high: float
    held: int
    draws: int

    @property
    def told(self) -> str:
        return say(
            "tune", "point", share=self.share, low=self.low, high=self.high, held=self.held, draws=self.draws
        )

    def beside(self, other: "Point") -> str:
        """Is it "above" another, "below" it, or do their intervals overlap: the "same"?"""
        return "above" if self.low > other.high else "below" if self.high < other.low else "same"


@shared(2000, run=False)
def point(count: int, right: bytes, draws: int, of: str) -> Point:
    """A point from who was right, draw by draw; `of` is the set that groups the examples, if there is one."""
    each = np.frombuffer(right, np.uint8).reshape(draws, -1)
    groups = SETS[of]().groups() if of else None
    return Point(count, float(each.mean()), *interval(each, groups), each.shape[1], draws)


def points(events: Sequence[Event], way: str, of: str = "") -> list[Point]:
    """All points of a way so far, by the number of examples."""
    found: dict[int, list[np.ndarray]] = {}
    for event in events:
        if event.get("kind") == "point" and event["way"] == way:
            found.setdefault(event["count"], []).append(event["right"])
    return [point(count, np.stack(each).tobytes(), len(each), of) for count, each in sorted(found.items())]


@shared(20, run=False)
def rules(of: str, counts: tuple[int, ...], draws: int) -> dict[str, list[Point]]:
    """The baselines, learned from the same examples."""
    one: Labelled = SETS[of]()
    found: dict[str, list[Point]] = {}
    for count in counts:
        each = [baselines(one, one.drawn(count, draw)) for draw in range(draws)]
        for name in each[0]:
            right = np.stack([rule[name] for rule in each]).astype(np.uint8)
            found.setdefault(name, []).append(point(count, right.tobytes(), draws, of))
    return found


def simple(of: str, counts: Sequence[int], draws: int) -> str:
    """What the rules that read no word say, at the most examples, in a sentence."""
    found = rules(of, tuple(counts), draws)
    told = {name: found[name][-1].told for name in ("length", "commonest")}
    return say("tune", "rules", **told)


def line(
    name: str, of: Sequence[Point], i: int = 0, *, error: bool = False, bars: bool = True, nothing: float = 0.5
) -> go.Scatter:
    """A line through points with their intervals; error: of what is wrong; i sets lines apart.
    nothing: where no examples at all have their place on a logarithmic axis."""
    value = [1 - one.share if error else one.share for one in of]
    low, high = ([one.high - one.share for one in of], [one.share - one.low for one in of])
    up, down = (high, low) if error else (low, high)
    x = [(one.count or nothing) * 10 ** (APART * i) for one in of]
    trace = {
        "name": plain(name),
        "x": np.array(x, float),
        "y": np.array(value, float),
        "mode": "lines+markers" if bars else "lines",
        "customdata": [plain(say("tune", "point/name", n=one.count, told=one.told)) for one in of],
    }
    if bars:
        sizes = {"array": np.array(up, float), "arrayminus": np.array(down, float)}
        trace["error_y"] = {"type": "data", "symmetric": False, "thickness": 1.2, "width": 3} | sizes
    return go.Scatter(trace, _validate=False)


def over_examples(
    key: str,
    title: str,
    lines: Sequence[go.Scatter],
    counts: Sequence[int],
    y_name: str,
    *,
    x_name: str = "",
    foot: str = "",
    light: dict | None = None,
    least: float | None = None,
    most: float = 1.0,
    percent: bool = True,
    height: int = 330,
    model: str = "",
    nothing: float = 0.5,
) -> None:
    """A chart over the number of examples, on a logarithmic axis."""
    x_name = x_name or say("tune", "axis/examples")
    figure = graph(lines, x_name, y_name, height=height, log=True, percent=percent, zero=not percent)
    places = np.array([n or nothing for n in counts], float)
    figure.layout.xaxis.update(
        tickvals=places,
        ticktext=[str(n) for n in counts],
        range=[float(np.log10(places[0])) - 0.1, float(np.log10(places[-1])) + 0.2],
    )
    if percent and least is not None:
        figure.layout.yaxis.update(range=[least, most + 0.02], tickvals=np.arange(least, most + 0.01, 0.1))
    by_itself(key, title, figure, foot=foot, model=model, light=light)


def last_step(events: Sequence[Event]) -> str:
    """How far a job is, a sentence."""
    steps = [event for event in events[-12:] if event.get("kind") in ("step", "pre")]
    done = sum(event.get("kind") == "point" for event in events)
    if not steps or events[-1].get("kind") not in ("step", "pre"):
        return say("tune", "job/points", n=done)
    now = steps[-1]
    if now["kind"] == "pre":
        return say("tune", "job/pre", step=now["step"], steps=now["steps"], loss=now["loss"])
    told = dict(way=say("tune", f"way/{now['way']}"), n=now["count"], draw=now["draw"] + 1)
    return say("tune", "job/step", step=now["step"], steps=now["steps"], loss=now["loss"], done=done, **told)
