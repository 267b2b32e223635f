"""The curves of the runs, all on the axes that they have in the end, so that nothing jumps while they grow."""

from collections.abc import Sequence

import numpy as np

from app.text import say
from app.ui.charts import by_itself
from app.ui.figures import graph, series
from app.ui.page import columns, text
from app.views.train.learn.seen import Run, widest

POINTS = 400  # of a curve


def first(runs: list[Run]) -> None:
    """How well they do."""
    a, b = columns(1, 1)
    with a:
        draw("loss", runs, _losses(runs), _start(runs))
    with b:
        lines = [(run.name, *_accuracy(run)) for run in runs]
        guess = ("guess", [0, widest(runs)], [runs[0].guess] * 2)
        draw("accuracy", runs, [*lines, (say("learn", "guessing"), *guess[1:])], 1.02)


def compared(runs: list[Run]) -> None:
    """What came out of two runs so far, in a sentence for each."""
    for run in runs if len(runs) > 1 else []:
        right = [(one["step"], run.accuracy(one)) for one in run.kept]
        half = next((step for step, share in right if share >= 0.5), None)
        facts = {"half": half is not None}
        text(say("learn", "compared", facts, name=run.name, step=right[-1][0], right=right[-1][1], half=half))


def second(runs: list[Run]) -> None:
    """How they learn."""
    a, b = columns(1, 1)
    with a:
        draw("norms", runs, [line for run in runs for line in _norms(run, len(runs) > 1)])
    with b:
        draw("rate", runs, [(run.name, run.curves["step"], run.curves["rate"]) for run in runs], _highest(runs))


def draw(key: str, runs: list[Run], lines: Sequence[tuple[str, list, list]], top: float | None = None) -> None:
    """One chart; `top`: where its y axis ends, if not at its largest value."""
    shown = [series(name, *_thinned(x, y)) for name, x, y in lines if x]
    if not shown:
        return
    title, end = say("learn", f"curve/{key}"), widest(runs)
    figure = graph(shown, say("learn", "curve/step"), title, height=200, zero=True, percent=key == "accuracy")
    figure.layout["xaxis"]["range"] = [0, end]
    figure.layout["margin"]["l"], figure.layout["margin"]["r"] = 70, 24
    figure.layout["uirevision"] = f"{key} {end}"
    for trace in figure.data:
        trace.mode = "lines" if len(trace.x) > 1 else "markers"
    if top and key != "accuracy":
        figure.layout["yaxis"]["range"] = [0, top]
    last = [f"{name} {_number(y[-1], key)}" for name, _, y in lines if y]
    told = say("learn", "curve/say", {"of": _asked(runs, key)}, last="; ".join(last), n=runs[0].kept[-1]["of"])
    by_itself(key, title, figure, told=told)


def _losses(runs: list[Run]) -> list[tuple[str, list, list]]:
    """Of the batches that are learned from, in the colours that the runs have everywhere; then of examples that
    are held out."""
    learned = [(run.name, run.curves["step"], run.curves["loss"]) for run in runs]
    return learned + [(say("learn", "held", name=run.name), *_held(run)) for run in runs]


def _held(run: Run) -> tuple[list, list]:
    return [one["step"] for one in run.kept], [one["loss"] for one in run.kept]


def _asked(runs: list[Run], key: str) -> str:
    """How many of the held-out examples the newest accuracy is of."""
    if key != "accuracy":
        return ""
    return "some" if runs[0].kept[-1]["of"] < runs[0].held else "all"


def _number(value: float, key: str) -> str:
    return f"{value:.1%}" if key == "accuracy" else f"{value:.3g}"


def _start(runs: list[Run]) -> float:
    """The loss at the start, where all curves of it begin."""
    found = [run.curves["loss"][0] for run in runs if run.curves["loss"]] + [
        run.kept[0]["loss"] for run in runs if run.kept
    ]
    return 1.1 * max(found, default=1.0)


def _highest(runs: list[Run]) -> float:
    return 1.1 * max(max(run.curves["rate"], default=0.0) or run.peak for run in runs)


def _accuracy(run: Run) -> tuple[list, list]:
    return [one["step"] for one in run.kept], [run.accuracy(one) for one in run.kept]


def _norms(run: Run, named: bool) -> list[tuple[str, list, list]]:
    """A line for each part of the model; of two runs only the whole of each."""
    found = np.array(run.curves["norms"], float).reshape(-1, len(run.parts))
    steps = run.curves["step"]
    if named:
        return [(run.name, steps, list(np.sqrt((found**2).sum(1))))]
    return [(part, steps, list(found[:, i])) for i, part in enumerate(run.parts)]


def _thinned(x: list, y: list) -> tuple[list, list]:
    """Not more points than can be seen; means of those that fall together."""
    if len(x) <= POINTS:
        return x, y
    parts = np.array_split(np.arange(len(x)), POINTS)
    xs, ys = np.array(x, float), np.array(y, float)
    return [float(xs[part].mean()) for part in parts], [float(ys[part].mean()) for part in parts]
