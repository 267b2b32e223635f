"""How the rate goes: warm-up and cosine, or the root of 2017."""

from app import components, compute
from app.settings import change, read
from app.text import say
from app.ui.charts import by_itself
from app.ui.controls import choice, slider_of
from app.ui.figures import graph, series
from app.ui.page import columns, text
from app.ui.source import code
from app.ui.tables import table
from app.views.train.costs.settings import SCHEDULES, Costs, typed
from app.views.train.costs.shown import heads, scientific
from engine.training.optimizers import cosine, inverse_root

POINTS = 200  # of the curve
WIDTH = 512  # of the Transformer's base model (Vaswani et al. 2017, table 3)


def draw() -> None:
    now = read(Costs)
    choice(say("costs", "of/schedule"), "costs.schedule", {x: say("costs", f"schedule/{x}") for x in SCHEDULES})
    left, right = columns(5, 3)
    with right:
        steps = typed("length", 2, 1e7, whole=True)
        warm_up = 0 if now.schedule == "constant" else typed("warm_up", 0, 1e7, whole=True)
        peak = 1.0 if now.schedule == "inverse root" else typed("peak", 0, 1e9)
        lowest = typed("lowest", 0, 100) / 100 if now.schedule == "cosine" else 0.0
        if warm_up >= steps:
            text(say("costs", "schedule/all warm-up", warm_up=f"{warm_up:,}", steps=f"{steps:,}"))
    at = min(steps - 1, now.moment * (steps - 1) // 1000)

    def rate(step: int) -> float:
        if now.schedule == "cosine":
            return peak * cosine(step, steps, warm_up, lowest)
        return inverse_root(step, warm_up, WIDTH) if now.schedule == "inverse root" else peak

    with left:
        shown = sorted({*(i * (steps - 1) // POINTS for i in range(POINTS + 1)), min(warm_up, steps - 1), at})
        line = series(say("costs", "head/rate"), shown, [rate(step) for step in shown])
        mark = [(at, rate(at), f"{rate(at):.3g}")]
        figure = graph([line], say("costs", "head/step"), say("costs", "head/rate"), marks=mark, zero=True)
        figure.layout.yaxis.tickformat = "~g"
        by_itself("schedule", say("costs", "schedule/picture"), figure)
        told = say("costs", "of/moment")
        slider_of("moment", told, now.moment, 0, 1000, 1, lambda x: change(Costs, moment=int(x)))
    _by_hand(now.schedule, at, steps, warm_up, peak, lowest, rate(at))
    moments = sorted(
        {0, max(0, warm_up - 1), steps // 4, steps // 2, 3 * steps // 4, steps - 1} & set(range(steps))
    )
    table(heads("step", "rate"), [[f"{step:,}", _written(rate(step))] for step in moments], right=0)
    text(say("costs", "schedule/why"))
    code(cosine, inverse_root)


def _by_hand(kind: str, at: int, steps: int, warm_up: int, peak: float, lowest: float, shown: float) -> None:
    """The rate at the step that is shown, with its numbers."""
    if kind == "constant":
        return text(say("costs", "schedule/flat", rate=peak))
    if kind == "inverse root":
        t, w = at + 1, max(1, warm_up)
        latex = rf"{WIDTH}^{{-0.5}} \cdot \min({t}^{{-0.5}}, {t} \cdot {w}^{{-1.5}}) = {_n(shown)}"
    elif at < warm_up:
        latex = rf"{_n(peak)} \cdot \frac{{{at + 1}}}{{{warm_up}}} = {_n(shown)}"
    else:
        inside = rf"\frac{{{at} - {warm_up}}}{{{steps} - {warm_up}}}"
        wave = rf"\frac{{1 + \cos(\pi \cdot {inside})}}{{2}}"
        latex = rf"{_n(peak)} \cdot \left({_n(lowest)} + {_n(1 - lowest)} \cdot {wave}\right) = {_n(shown)}"
    components.formula("formula", compute.formula(latex))


def _written(x: float) -> str:
    return f"{x:.4g}" if x == 0 or abs(x) >= 1e-4 else scientific(x)


def _n(x: float) -> str:
    mantissa, e, power = f"{x:.4g}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(power)}}}" if e else mantissa
