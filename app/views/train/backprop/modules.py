"""By modules: a graph of boxes, values on the way out, gradients on the way back, gradient descent."""

from functools import cache, partial

import numpy as np

from app import components, settings, state
from app.shared import shared
from app.text import say
from app.ui.controls import choice_of, slider_of_names
from app.ui.labels import escape
from app.ui.page import group, notice, text
from app.ui.source import code
from app.views.train.backprop import descending, given, module_step, picture
from app.views.train.backprop.descent import Descended, descended, read_taken
from app.views.train.backprop.settings import Backprop
from app.views.train.backprop.symbols import latex, plain
from engine.autodiff import NETWORKS, Network, by_torch, descend, measured, tape_bwd, there_and_back
from engine.autodiff.differences import STEP, tolerance
from engine.examples import Example
from engine.examples.value import Misfit, Value


class Run:
    """One pass there and back, and what finite differences and PyTorch say of its gradients: nothing where
    some of its numbers are not finite."""

    def __init__(self, network: Network, values: dict[str, np.ndarray], finite: bool = True):
        self.finite, self.done = finite, there_and_back(network, values, finite)
        self.measured, self.allowed, self.by_torch = {}, {}, {}
        if finite:
            self._compare(network, values)

    def _compare(self, network: Network, values: dict[str, np.ndarray]) -> None:
        self.measured = measured(network, self.done.values)
        coarse = measured(network, self.done.values, step=2 * STEP)
        self.allowed = {
            name: tolerance(fine, coarse[name], self.done.loss) for name, fine in self.measured.items()
        }
        self.by_torch = by_torch.gradients(network, values)

    def light(self, gradients: dict[str, np.ndarray]) -> dict | None:
        """Of these gradients, beside what others say."""
        if not (gradients and self.finite):
            return None
        exact = {name: 1e-9 * max(1.0, float(np.abs(g).max(initial=0))) for name, g in gradients.items()}
        first = picture.worst(gradients, [self.by_torch], exact)
        second = picture.worst(gradients, [self.measured], self.allowed)
        return picture.lit(*max(first, second, key=lambda pair: pair[0] / pair[1]))


@shared(60)
def run(name: str, text: str, taken: str) -> tuple[Descended, Run]:
    """Where the descent has led, and the pass there; where it cannot begin, why, and a pass that shows it."""
    network = NETWORKS[name]
    values = given.numbers_of(given.read(sheet_of(name), text)[0])
    try:
        there = descended(network, values, read_taken(taken)[0])
    except ValueError as error:
        return Descended(values, [], str(error)), Run(network, values, finite=False)
    return there, Run(network, there.values)


@cache
def sheet_of(name: str) -> Example:
    first = given.values_of(NETWORKS[name].values())
    learned = NETWORKS[name].learned
    says = {each: say("backprop", "given/learned") for each in learned}
    return given.sheet_of(f"backprop {name}", first, {each: latex(each) for each in first}, says)


def draw(now: Backprop) -> None:
    names = {name: say("backprop", f"which/{name}") for name in NETWORKS}
    choice_of("graph", say("backprop", "modules/which"), now.graph, names, _take)
    sheet, network = sheet_of(now.graph), NETWORKS[now.graph]
    values, ignored = given.read(sheet, now.numbers)
    ignored = [*ignored, *read_taken(now.taken)[1]]
    there, ran = run(now.graph, now.numbers, now.taken)
    if not ran.finite:
        notice(escape(say("backprop", "modules/infinite", why=there.trouble)), "warning")
    _story(now, network, ran)
    if ran.finite:
        descending.draw(now, network, there)
    values = given.values_of(there.values)
    with group("typed"):
        text(f"#### {say('backprop', 'modules/given')}")
        computed = network.learned if now.taken else ()
        given.draw(sheet, values, ignored, partial(_put, now.graph), computed)
    code(there_and_back, tape_bwd, descend)


def _take(name: str) -> None:
    state.forget("typed backprop")
    settings.change(Backprop, graph=name, numbers="", taken="", module=-1)


def _put(name: str, each: str, new: Value) -> None:
    """A number that is typed: the descent begins again from there."""
    if np.isinf(new.numbers).any():
        raise Misfit(say("backprop", "given/infinite", name=plain(each)))
    now = settings.read(Backprop)
    if now.graph != name:
        return
    values = given.values_of(run(name, now.numbers, now.taken)[0].values)
    settings.change(Backprop, numbers=given.write(sheet_of(name), values | {each: new}), taken="")


# --- the steps ----------------------------------------------------------------------------------------------


def _story(now: Backprop, network: Network, ran: Run) -> None:
    """The slider, the graph as it is then, and what the module at work does with its numbers."""
    count = len(network.boxes)
    names = [say("backprop", "told/given")]
    names += [say("backprop", "modules/out", name=plain(box.name), module=_kind(box)) for box in network.boxes]
    back = reversed(network.boxes)
    names += [say("backprop", "modules/back", name=plain(box.name), module=_kind(box)) for box in back]
    at = min(now.module, len(names) - 1) if now.module >= 0 else count + 2
    go = lambda i: settings.change(Backprop, module=i)  # noqa: E731
    with group("step"):
        slider_of_names("module", say("backprop", "step"), at, names, go, of=now.graph)
    known = ran.done.steps[at - count - 1].known if at > count else {}
    box = network.boxes[at - 1] if at <= count else ran.done.steps[at - count - 1].box
    complete = {name: g for name, g in known.items() if not _partly(network, name, at - count)}
    shown = _shown(network, ran, at, known, complete)
    moving = {(name, box.name) for name in box.inputs} if at else set()
    gone = {(name, step.box.name) for step in ran.done.steps[: max(0, at - count)] for name in step.box.inputs}
    title = say("backprop", "modules/title", name=say("backprop", f"which/{now.graph}"))
    said = say("backprop", "modules/said", step=names[at], known=len(complete), of=len(ran.done.gradients))
    here, step, light = box.name if at else "", (at, len(names) - 1), ran.light(complete)
    header = picture.header(now.graph, title, said, shown, here, moving, gone, step, light)
    components.graph("graph", header, to=go)
    with group("work", border=True):
        module_step.draw(network, ran, at)


def _partly(network: Network, name: str, back: int) -> bool:
    """Do some of the modules that use it still have to go back?"""
    return any(name in box.inputs for box in network.boxes[: len(network.boxes) - back])


def _shown(network: Network, ran: Run, at: int, known: dict, complete: dict) -> dict[str, picture.Shown]:
    found = {}
    made = {box.name: box for box in network.boxes}
    there = {*network.given, *(box.name for box in network.boxes[:at])}
    for name, numbers in ran.done.values.items():
        kind = "box" if name in made else "learned" if name in network.learned else "given"
        inputs = tuple(dict.fromkeys(made[name].inputs)) if name in made else ()
        value = numbers if name in there else None
        shape = str(list(numbers.shape)) if numbers.ndim else ""
        found[name] = picture.Shown(
            plain(name),
            _kind(made[name]) if name in made else "",
            kind,
            inputs,
            value,
            known.get(name),
            name in known and name not in complete,
            shape,
        )
    return found


def _kind(box) -> str:
    return say("backprop", f"module/{type(box.make()).__name__}")
