"""The buttons of gradient descent and the curve of the losses."""

from app import components, settings, state
from app.text import say
from app.ui.controls import button, text_field
from app.ui.figures import graph, series
from app.ui.labels import escape
from app.ui.page import columns, group, notice, text
from app.views.train.backprop.descent import MOST_STEPS, Descended, read_rate, read_taken, rose, write_taken
from app.views.train.backprop.settings import Backprop
from engine.autodiff import Network
from engine.examples.value import Misfit

STRIDES = (1, 10)
LONGEST_RATE = 60  # characters


def draw(now: Backprop, network: Network, there: Descended) -> None:
    with group("descent", border=True):
        left, right = columns(1, 2)
        with left:
            _controls(now, there)
        with right:
            losses = there.losses
            line = series(say("backprop", "descent/loss"), range(len(losses)), losses)
            figure = graph([line], say("backprop", "descent/steps"), "J", height=200, zero=True)
            figure.layout.xaxis.range = (-0.3, max(10, len(losses) - 1) + 0.3)
            title = say("backprop", "descent/title")
            components.plot("losses", {"title": title, "aria": title, "foot": "", "model": ""}, figure)


def _controls(now: Backprop, there: Descended) -> None:
    losses = there.losses
    text(say("backprop", "descent/lead"))
    text_field(say("backprop", "descent/rate"), "backprop.rate", LONGEST_RATE)
    trouble, left = "", MOST_STEPS - (len(losses) - 1)
    try:
        read_rate(now.rate)
    except Misfit as misfit:
        trouble = str(misfit)
    for place, stride in zip(columns(1, 1), STRIDES, strict=True):
        off = bool(trouble or there.trouble) or left < stride
        label = say("backprop", "descent/go", n=stride)
        with place:
            button(f"descend-{stride}", label, lambda n=stride: _step(n), primary=stride == 1, disabled=off)
    again, first = columns(1, 1)
    if now.taken:
        with again:
            button("again", say("backprop", "descent/again"), lambda: settings.change(Backprop, taken=""))
    if now.numbers:
        with first:
            button("first", say("backprop", "descent/first"), _first)
    told = [trouble, there.trouble, say("backprop", "descent/rose") if rose(losses) else ""]
    told += [say("backprop", "descent/most", most=MOST_STEPS)] if left <= 0 else []
    for one in filter(None, told):
        notice(escape(one), "warning")
    kind = "fell" if len(losses) > 1 else "none"
    text(say("backprop", f"descent/{kind}", first=losses[0], last=losses[-1], n=len(losses) - 1))


def _step(count: int) -> None:
    now = settings.read(Backprop)
    try:
        rate = read_rate(now.rate)
    except Misfit:
        return
    settings.change(Backprop, taken=write_taken([*read_taken(now.taken)[0], (rate, count)]))


def _first() -> None:
    state.forget("typed backprop")
    settings.change(Backprop, numbers="", taken="")
