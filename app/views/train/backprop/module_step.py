"""One module at work: its formula with symbols and with numbers, and what comes out, cell by cell."""

import numpy as np

from app import components
from app.text import say
from app.ui.events import cell
from app.ui.page import text
from app.views.by_hand import grids
from app.views.train.backprop import formulas
from app.views.train.backprop.symbols import latex, plain
from engine.autodiff import Network
from engine.autodiff.networks import Back, Box
from engine.examples.value import Value, told, value


def draw(network: Network, ran, at: int) -> None:
    """Step `at`: 0 what is given, then the modules on the way out, then on the way back."""
    count = len(network.boxes)
    if not at:
        return text(say("backprop", "told/start"))
    if at <= count:
        box = network.boxes[at - 1]
        text(say("backprop", f"does/{type(ran.done.modules[box.name]).__name__}"))
        return _forward(ran, box)
    step: Back = ran.done.steps[at - count - 1]
    text(say("backprop", f"undoes/{type(step.module).__name__}"))
    _back(ran, step)


def _forward(ran, box: Box) -> None:
    module, name = ran.done.modules[box.name], box.name
    symbols, numbers = formulas.forward(module, [latex(each) for each in box.inputs], latex(name))
    _grid(f"out-{name}", plain(name), module.output, f"{latex(name)} = {symbols}", numbers)


def _back(ran, step: Back) -> None:
    """The gradients of a module's inputs, each with its formula; twice the same input: the sum of both."""
    names, output = [latex(each) for each in step.box.inputs], latex(step.box.name)
    jacobian = formulas.jacobian(step.module)
    for place, (name, increment) in enumerate(zip(step.box.inputs, step.increments, strict=True)):
        symbols, numbers = formulas.back(step.module, place, names, output, step.gradient)
        first = step.box.inputs.index(name) == place and _before(ran, step, name) is None
        sign = "=" if first else r"\leftarrow " + f"g_{{{latex(name)}}} + "
        marks, after = _marks(ran, name, step.known[name]) if _last(step, place) else ({}, [])
        shown = step.known[name] if _last(step, place) else increment
        title = say("backprop", "grid/gradient", name=plain(name))
        after = [say("backprop", "grid/adds")] * (not first) + after
        lead = f"g_{{{latex(name)}}} {sign} {symbols}"
        _grid(f"back-{name}-{place}", title, shown, lead, numbers, printed=marks, after=after)
    if jacobian is not None:
        title = say("backprop", "grid/jacobian")
        _grid("jacobian", title, jacobian, rf"\mathrm{{diag}}({output}) - {output}\,{output}^\top", "")


def _last(step: Back, place: int) -> bool:
    """Does this input come only here, or here for the last time in this module?"""
    return step.box.inputs[place] not in step.box.inputs[place + 1 :]


def _before(ran, step: Back, name: str) -> np.ndarray | None:
    """What was known of a gradient before this module went back."""
    at = ran.done.steps.index(step)
    return ran.done.steps[at - 1].known.get(name) if at else None


def _marks(ran, name: str, gradient: np.ndarray) -> tuple[dict, list[str]]:
    """Each number beside what finite differences measured, once the gradient is complete."""
    if not np.array_equal(gradient, ran.done.gradients[name], equal_nan=True):
        return {}, [say("backprop", "grid/partly")]
    if name not in ran.measured:
        return {}, []
    slopes, allowed = np.atleast_2d(ran.measured[name]), ran.allowed[name]
    gaps = np.abs(np.atleast_2d(gradient) - slopes)
    marks = {
        f"{i},{j}": {
            "ok": bool(gap <= allowed),
            "text": say("backprop", "grid/measured", slope=grids.written(float(slopes[i, j]), 6)),
        }
        for (i, j), gap in np.ndenumerate(gaps)
    }
    kind = "ok" if (gaps <= allowed).all() else "off"
    told = [say("backprop", f"grid/{kind}", gap=grids.written(float(gaps.max()), 1))]
    if name in ran.by_torch:
        gap = float(np.abs(gradient - ran.by_torch[name]).max())
        told.append(say("backprop", "grid/torch", gap=grids.written(gap, 1)))
    return marks, told


def _grid(key: str, name: str, numbers: np.ndarray, symbols: str, filled: str, **more) -> None:
    shown = value(numbers)
    more |= {"formula": grids.formula(symbols, name), "shape": told(shown.shape)}
    more |= {"numbers": grids.formula(f"= {filled}", name)} if filled else {}
    cells, full = (_rows(shown, digits) for digits in (grids.DIGITS, grids.EXACT))
    header = grids.header(name, "result", shown, cells, **more)
    components.grid(key, header | {"full": full, "named": [False, False]}, pick=_nothing(shown))


def _rows(shown: Value, digits: int) -> list[list[str]]:
    """As everywhere, but what is no number says so."""
    cells = zip(shown.grid.tolist(), grids.rows_of(shown, digits), strict=True)
    return [["NaN" if x != x else text for x, text in zip(*row, strict=True)] for row in cells]


def _nothing(shown):
    return cell(*shown.grid.shape, lambda at: None)
