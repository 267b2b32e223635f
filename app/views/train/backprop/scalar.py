"""Reverse mode on single numbers: an expression as a graph, both versions of the way back, step by step."""

from collections.abc import Callable

import numpy as np

from app import components, compute, settings, state
from app.text import say
from app.ui.controls import choice, select_of, slider_of_names
from app.ui.events import text as text_of
from app.ui.labels import escape
from app.ui.page import columns, group, notice, put, text
from app.ui.source import code
from app.views.train.backprop import given, picture, symbols, told
from app.views.train.backprop.beside import numbers_beside
from app.views.train.backprop.numbered import Numbered, numbered
from app.views.train.backprop.settings import EXPRESSIONS, FIRST, Backprop
from engine.autodiff import backward_by_increments, backward_by_sums, by_torch, graph, names_of, slopes
from engine.autodiff.differences import STEP, tolerance
from engine.examples import Example
from engine.examples.value import Misfit, Value, value

OWN = "own"
TYPED = 10_000  # characters that are taken; an expression that is too long is told, not cut off


def draw(now: Backprop) -> None:
    _choose(now)
    try:
        names = names_of(now.expression)
    except ValueError as error:
        return notice(escape(say("backprop", "scalar/wrong", why=str(error))), "warning")
    sheet = _sheet(names)
    values, ignored = given.read(sheet, now.inputs)
    numbers = tuple(float(values[name].numbers) for name in names)
    typed = lambda: given.draw(sheet, values, ignored, _put)  # noqa: E731
    try:
        done = worked(now.expression, tuple(names), numbers, now.version)
    except ValueError as error:
        notice(escape(say("backprop", "scalar/wrong", why=str(error))), "warning")
        typed()
    else:
        _steps(now, done, typed)
    code(graph, backward_by_sums, backward_by_increments, slopes)


def _sheet(names: list[str]) -> Example:
    """What is given, with numbers to begin with; of a name that is not known, its place."""
    first = {name: value(FIRST.get(name, float(i + 1))) for i, name in enumerate(names)}
    return given.sheet_of("scalar", first, {name: symbols.typed(name) for name in names}, {})


def _put(name: str, new: Value) -> None:
    if np.isinf(new.numbers).any():
        raise Misfit(say("backprop", "given/infinite", name=name))
    now = settings.read(Backprop)
    sheet = _sheet(names_of(now.expression))
    values, _ = given.read(sheet, now.inputs)
    if name in values:
        settings.change(Backprop, inputs=given.write(sheet, values | {name: new}))


def _choose(now: Backprop) -> None:
    names = {name: say("backprop", f"expression/{name}") for name in EXPRESSIONS}
    at = next((name for name, one in EXPRESSIONS.items() if one == now.expression), OWN)
    left, middle, right = columns(2, 2, 2)
    with left:
        shown = names | ({OWN: say("backprop", "expression/own")} if at == OWN else {})
        select_of("expression", say("backprop", "scalar/which"), at, shown, _take)
    with middle:
        header = {
            "type": "text",
            "label": say("backprop", "scalar/expression"),
            "value": now.expression,
            "most": TYPED,
        }
        put("control", "control-expression-typed", header, "expression", change=text_of(TYPED, _type))
    with right:
        versions = {one: say("backprop", f"version/{one}") for one in ("sums", "increments")}
        choice(say("backprop", "scalar/version"), "backprop.version", versions)


def _take(name: str) -> None:
    if name in EXPRESSIONS:
        _type(EXPRESSIONS[name])


def _type(expression: str) -> None:
    """Another expression; names that it has, too, keep their numbers."""
    now = settings.read(Backprop)
    state.forget("typed scalar")
    settings.change(Backprop, expression=expression, inputs=_kept(now.inputs, expression), at=-1)


def _kept(inputs: str, expression: str) -> str:
    try:
        names = names_of(expression)
    except ValueError:
        return inputs
    return "!".join(part for part in inputs.split("!") if part.partition("=")[0] in names)


# --- the run ------------------------------------------------------------------------------------------------


class Worked:
    """Both passes over an expression, what finite differences and PyTorch say of it."""

    def __init__(self, expression: str, names: tuple[str, ...], numbers: tuple[float, ...], version: str):
        given = dict(zip(names, numbers, strict=True))
        self.nodes = graph(expression, **given)
        self.numbered: Numbered = numbered(self.nodes)
        backward = backward_by_sums if version == "sums" else backward_by_increments
        self.version, self.steps = version, backward(self.nodes)
        self.by_torch = by_torch.scalar_gradients(self.nodes)
        y = lambda *moved: graph(expression, **dict(zip(names, moved, strict=True)))[-1].value  # noqa: E731
        self.names, self.measured, self.allowed = names, {}, 0.0
        try:
            fine, coarse = (np.array(slopes(y, *numbers, step=step)) for step in (STEP, 2 * STEP))
            self.measured = dict(zip(names, fine.tolist(), strict=True))
            self.allowed = tolerance(fine, coarse, self.nodes[-1].value)
        except ValueError:  # a step leads to where it has no value
            pass


def worked(expression: str, names: tuple[str, ...], numbers: tuple[float, ...], version: str) -> Worked:
    found = Worked(expression, names, numbers, version)
    if not all(np.isfinite(node.gradient) for node in found.nodes):
        raise ValueError("a gradient here is not finite; take smaller numbers")
    return found


def _steps(now: Backprop, done: Worked, typed: Callable[[], None]) -> None:
    """The slider, the graph as it is then, what the step does, and the gradients beside those of others."""
    story = told.story(done)
    usual = min(len(story) - 1, sum(one.way == "forward" for one in story) + 2)
    at = min(now.at, len(story) - 1) if now.at >= 0 else usual
    go = lambda i: settings.change(Backprop, at=i)  # noqa: E731
    left, right = columns(1, 3)
    with left:
        typed()
    with right:
        slider_of_names("at", say("backprop", "step"), at, [one.name for one in story], go, of=now.expression)
    step = story[at]
    shown = {name: _shown(done, name, step) for name in done.numbered.labels}
    light = picture.lit(*_gap(done, step)) if step.gradients else None
    title = say("backprop", "scalar/title", expression=now.expression)
    known = sum(not partly for _, partly in step.gradients.values())
    gone = {arrow for one in story[: at + 1] if one.way == "back" for arrow in one.moving}
    said = say("backprop", "modules/said", step=step.name, known=known, of=len(done.nodes))
    way = (at, len(story) - 1)
    header = picture.header("scalar", title, said, shown, step.node, step.moving, gone, way, light)
    components.graph("graph", header, to=go)
    left, right = columns(1, 1)
    with left, group("told"):
        text(step.told)
        for i, latex in enumerate(step.formulas):
            components.formula(f"formula-{i}", compute.formula(latex))
    with right:
        _beside(done, step)


def _shown(done: Worked, name: str, step) -> picture.Shown:
    node = next(one for one in done.nodes if one.name == name)
    gradient, partly = step.gradients.get(name, (None, False))
    return picture.Shown(
        done.numbered.labels[name],
        done.numbered.made[name],
        "box" if node.inputs else "given",
        tuple(v.name for v in node.inputs),
        np.array(node.value) if name in step.values else None,
        None if gradient is None else np.array(gradient),
        partly,
    )


def _gap(done: Worked, step) -> tuple[float, float]:
    """How far the gradients that are complete are from PyTorch's and from the measured slopes."""
    complete = {name: g for name, (g, partly) in step.gradients.items() if not partly}
    exact = {name: 1e-9 * max(1.0, abs(g)) for name, g in complete.items()}
    first = picture.worst(complete, [done.by_torch], exact)
    second = picture.worst(complete, [done.measured], dict.fromkeys(done.names, done.allowed))
    return max(first, second, key=lambda pair: pair[0] / pair[1] if pair[1] else 0.0)


def _beside(done: Worked, step) -> None:
    """The gradients of the inputs by the pass, by finite differences, by PyTorch."""
    if not done.names:
        return
    ours = {name: step.gradients.get(name, (None, True)) for name in done.names}
    complete = {name: None if partly else g for name, (g, partly) in ours.items()}
    ways = {"pass": complete, "differences": done.measured, "torch": done.by_torch}
    numbers_beside("beside", [f"dy/d{name}" for name in done.names], ways, done.names, done.allowed)
