"""Loss against tokens and against parameters on log axes, with a straight line and how far to trust it."""

import numpy as np

from app import jobs
from app.settings import change, read
from app.shared import shared
from app.text import counted, say
from app.ui import jobs as job_bar
from app.ui.charts import by_itself
from app.ui.controls import choice, number, select_of, slider
from app.ui.figures import dots, graph, series
from app.ui.page import columns, text
from app.ui.source import code
from app.ui.tables import table
from app.views.train.costs.settings import DECODERS, SIGHTS, Costs
from app.views.train.costs.shown import heads
from engine.training.costs import runs
from engine.training.costs.fit import Line, fit
from engine.training.tasks import TASKS

LAYERS = 2
MODEL = "storybook"  # whose checkpoints were measured on held-out books


def draw() -> None:
    names = {sight: say("costs", f"sight/{sight}") for sight in SIGHTS}
    choice(say("costs", "of/sight"), "costs.sight", names)
    {"tokens": _tokens, "parameters": _parameters, "runs": _runs}[read(Costs).sight]()
    code(fit, runs.job)


@shared()
def _held_out() -> tuple[list[int], list[float]]:
    return runs.held_out(MODEL)


@shared()
def _curve(name: str) -> runs.Curve:
    return runs.curve(name)


@shared()
def _finished() -> list[runs.Finished]:
    return runs.finished()


def _on_logs(figure):
    """Both axes logarithmic, with few round ticks."""
    figure.layout.yaxis.update(type="log", rangemode=None, nticks=5, dtick=None)
    return figure


def _law(line: Line | None) -> str:
    """A fitted line in words, and how far it can be trusted."""
    if line is None:
        return say("costs", "fit/none")
    said = dict(slope=line.slope, n=line.n)
    if line.n < 3:
        return say("costs", "fit/two", **said)
    return say("costs", "fit/told", low=line.low, high=line.high, **said)


def _fitted(x, line: Line | None) -> list:
    if line is None:
        return []
    ends = np.geomspace(min(x), max(x), 40)
    return [series(say("costs", "fit"), ends, line.at(ends))]


def _tokens() -> None:
    """Of one training at its checkpoints, and of all decoders by the batch that they had just read."""
    skipped = read(Costs).skipped
    left, right = columns(1, 1)
    with left:
        tokens, bits = _held_out()
        line = fit(tokens[skipped:], bits[skipped:])
        own = series(say("costs", "bits of", model=MODEL), tokens, bits)
        drawn = [own, *_fitted(tokens[skipped:], line)]
        by_itself(
            "tokens",
            say("costs", "tokens/picture", model=MODEL),
            _on_logs(
                graph(drawn, say("costs", "head/tokens"), say("costs", "head/bits"), log=True, height=320)
            ),
        )
        slider(say("costs", "of/skipped"), "costs.skipped", 1)
        text(_law(line) + " " + say("costs", "tokens/trust"))
    with right:
        curves = {name: _curve(name) for name in DECODERS}
        lines = [series(name, curve.tokens, curve.losses) for name, curve in curves.items()]
        figure = graph(lines, say("costs", "head/tokens"), say("costs", "head/loss"), log=True, height=320)
        by_itself("batches", say("costs", "batches/picture"), _on_logs(figure))
        rows = []
        for name, curve in curves.items():
            half = len(curve.tokens) // 10  # what warming up was
            one = fit(curve.tokens[half:], curve.losses[half:])
            ends = f"{one.low:.3f} … {one.high:.3f}".replace("-", "−")
            rows.append([name, f"{one.slope:.3f}".replace("-", "−"), ends, str(one.n)])
        table(heads("model", "slope", "interval", "points"), rows)
        text(say("costs", "batches/trust"))


def _parameters() -> None:
    """The shipped decoders: too near in size for a line, which the interval says."""
    found = _finished()
    n, bits = [one.n for one in found], [one.bits for one in found]
    line = fit(n, bits)
    points = dots(say("costs", "head/bits"), np.array(n), np.array(bits), [one.name for one in found])
    figure = graph(
        [points, *_fitted(n, line)], say("costs", "head/parameters"), say("costs", "head/bits"), height=320
    )
    figure.layout.xaxis.update(type="log", nticks=4)
    by_itself("parameters", say("costs", "parameters/picture"), _on_logs(figure))
    rows = [
        [
            one.name,
            f"{one.n:,}",
            counted(one.tokens),
            f"{one.tokens / one.n:.1f}",
            f"{one.bits:.3f}",
            _interval(one),
        ]
        for one in found
    ]
    table(heads("model", "parameters", "tokens", "ratio", "bits", "interval"), rows)
    text(_law(line) + " " + say("costs", "parameters/trust"))


def _interval(one: runs.Finished) -> str:
    return f"{one.low:.3f} … {one.high:.3f}"


def _scores(event: dict) -> tuple[str, str]:
    return f"{event['loss']:.4f}", f"{event['exact']:.1%}"


def _runs() -> None:
    """Small models of several widths on one task, trained here."""
    now = read(Costs)
    a, b, c = columns(2, 1, 1)
    with a:
        names = {task: task for task in TASKS}
        select_of("task", say("costs", "of/task"), now.task, names, lambda x: change(Costs, task=x))
    with b:
        number(say("costs", "of/run_steps"), "costs.run_steps")
    with c:
        number(say("costs", "of/dice"), "costs.dice")
    asked = dict(task=now.task, widths=list(runs.WIDTHS), layers=LAYERS, steps=now.run_steps, seed=now.dice)
    one = job_bar.bar("scaling", asked, say("costs", "runs/go"), _how_far)
    if one is None or not one.events:
        return text(say("costs", "runs/before", widths=", ".join(map(str, runs.WIDTHS)), steps=now.run_steps))
    if one.settings != asked:
        text(say("costs", "landscape/changed"))
    events = list(one.events)
    last = list({event["width"]: event for event in events}.values())
    _sizes([event for event in last if event["done"]], one)
    _learning(events)
    rows = [
        [f"{e['width']}", f"{e['parameters']:,}", f"{e['step']:,}", counted(e["tokens"]), *_scores(e)]
        for e in last
    ]
    table(heads("width", "parameters", "step", "tokens", "held out", "exact"), rows, right=0)


def _how_far(one: jobs.Running) -> str:
    event = one.events[-1]
    return say("costs", "runs/far", width=event["width"], step=event["step"], steps=event["steps"])


def _sizes(done: list[dict], one: jobs.Running) -> None:
    """Loss and accuracy of the finished runs against their size."""
    if len(done) < 2:
        return text(say("costs", "runs/few"))
    n, loss = [e["parameters"] for e in done], [e["loss"] for e in done]
    line = fit(n, loss)
    left, right = columns(1, 1)
    with left:
        drawn = [series(say("costs", "head/held out"), n, loss), *_fitted(n, line)]
        figure = graph(drawn, say("costs", "head/parameters"), say("costs", "head/held out"), log=True)
        by_itself("sizes", say("costs", "runs/loss", task=one.settings["task"]), _on_logs(figure))
        text(_law(line))
    with right:
        exact = [series(say("costs", "head/exact"), n, [e["exact"] for e in done])]
        figure = graph(
            exact, say("costs", "head/parameters"), say("costs", "head/exact"), log=True, percent=True
        )
        by_itself("accuracy", say("costs", "runs/accuracy", task=one.settings["task"]), figure)


def _learning(events: list[dict]) -> None:
    """The loss of every run while it learns."""
    widths = dict.fromkeys(event["width"] for event in events)
    lines = []
    for width in widths:
        own = [event for event in events if event["width"] == width]
        lines.append(
            series(
                say("costs", "runs/width", width=width), [e["tokens"] for e in own], [e["loss"] for e in own]
            )
        )
    figure = graph(lines, say("costs", "head/tokens"), say("costs", "head/held out"), log=True, height=260)
    by_itself("learning", say("costs", "runs/learning"), _on_logs(figure))
