"""Real runs of the three ways on the same numbers, line by line."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from app.views.train.backprop import given
from app.views.train.backprop.settings import BUGS
from app.views.train.backprop.symbols import latex
from engine.autodiff import (
    NETWORKS,
    Listing,
    Value,
    by_torch,
    line_by_line,
    measured,
    nn_forward,
    planted,
    tape_bwd,
    there_and_back,
)
from engine.autodiff.differences import STEP, tolerance
from engine.autodiff.lines import Ran
from engine.autodiff.tape import Applied, tape
from engine.autodiff.taped import NeuralNetwork
from engine.examples import Example

NETWORK = NETWORKS["network"]
LAYERS = {"alpha": "linear1.weight", "beta": "linear2.weight"}  # as PyTorch calls them
GIVEN = ("x", "y", "alpha", "beta")
Gradients = dict[str, np.ndarray]


@dataclass(frozen=True)
class Run:
    """The code, its lines as they were done, and the gradients, at least of α and β."""

    listings: tuple[Listing, ...]
    lines: list[Ran]
    gradients: Gradients


@dataclass(frozen=True)
class Others:
    """What finite differences measured of every quantity, how far off that may be, and the loss."""

    slopes: Gradients
    allowed: dict[str, float]
    loss: float


@cache
def sheet_of() -> Example:
    first = given.values_of(NETWORK.values())
    return given.sheet_of("backprop ways", first, {name: latex(name) for name in first}, {})


def numbers(text: str) -> given.Numbers:
    return given.numbers_of(given.read(sheet_of(), text)[0])


def others(text: str) -> Others:
    """A ValueError where a number is not finite."""
    done = there_and_back(NETWORK, numbers(text))
    fine, coarse = (measured(NETWORK, done.values, step=step) for step in (STEP, 2 * STEP))
    return Others(fine, {name: tolerance(fine[name], coarse[name], done.loss) for name in fine}, done.loss)


def procedure(text: str, bug: int) -> Run:
    x, y, alpha, beta = (numbers(text)[name] for name in GIVEN)
    backward, source = planted(BUGS[bug - 1] if bug else "")
    listings = (Listing(nn_forward), Listing(backward, source))
    told = []
    with np.errstate(all="ignore"):
        lines = line_by_line(
            lambda: told.append(backward(alpha, beta, nn_forward(x, y, alpha, beta))), listings
        )
    return Run(listings, lines, vars(told[0]))


def taped(text: str) -> Run:
    values = [Value(numbers(text)[name]) for name in GIVEN]
    network, told = NeuralNetwork(), []
    functions = (NeuralNetwork.forward, Applied.apply_fwd, NeuralNetwork.backward, tape_bwd, Applied.apply_bwd)
    listings = tuple(map(Listing, functions))

    def run():
        network.forward(*values)
        told.extend(network.backward())

    tape.modules.clear()
    try:
        lines = line_by_line(run, listings)
    finally:
        tape.modules.clear()
    return Run(listings, lines, dict(zip(("alpha", "beta"), told, strict=True)))


def torched(text: str, rate: float) -> Run:
    """Two steps of SGD; the gradients are those of the first."""
    model, x, y = _model(text)
    listings = (Listing(by_torch.NeuralNetwork.forward), Listing(by_torch.steps_of_sgd))
    lines = line_by_line(lambda: by_torch.steps_of_sgd(model, x, y, rate), listings)
    first = next(one.values["model"] for one in lines if _has_gradients(one))
    return Run(listings, lines, {name: first[layer]["grad"] for name, layer in LAYERS.items()})


def _has_gradients(one: Ran) -> bool:
    return "model" in one.values and one.values["model"]["linear1.weight"]["grad"] is not None


def registered(text: str) -> Run:
    """How a module comes to know its parameters."""
    listings = (Listing(by_torch.NeuralNetwork.__init__),)
    hidden, inputs = numbers(text)["alpha"].shape
    make = lambda: by_torch.NeuralNetwork(inputs, hidden, len(numbers(text)["y"]))  # noqa: E731
    with torch.random.fork_rng(devices=[]):  # the weights that a layer begins with are the same each time
        torch.default_generator.manual_seed(0)
        return Run(listings, line_by_line(make, listings), {})


def called(text: str) -> Run:
    """What linear(x) does beyond linear.forward(x)."""
    model, x, _ = _model(text)
    listings = (Listing(by_torch.called_and_forwarded),)
    return Run(listings, line_by_line(lambda: by_torch.called_and_forwarded(model.linear1, x), listings), {})


def _model(text: str):
    x, y, alpha, beta = (torch.tensor(numbers(text)[name]) for name in GIVEN)
    model = by_torch.NeuralNetwork(len(x), len(alpha), len(y))
    with torch.no_grad():
        model.linear1.weight.copy_(alpha)
        model.linear2.weight.copy_(beta)
    return model, x, y
