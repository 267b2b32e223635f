"""Graphs of modules: what goes in, the boxes in their order, one pass there and back with all its numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.autodiff.block import Add, Mask, MatMul, Scale
from engine.autodiff.differences import STEP, slopes
from engine.autodiff.modules import CrossEntropy, Linear, Module, Sigmoid, Softmax
from engine.autodiff.small import Divide, Mean, Multiply, Root, SquaredError, Subtract
from engine.autodiff.tape import Value, tape, tape_bwd

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Box:
    """One module: what its output is called, and the names of what goes in."""

    name: str
    make: Callable[[], Module]
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """What is given, by name, with numbers to begin with; what of it is learned; the boxes, the loss last."""

    given: Mapping[str, list]
    learned: tuple[str, ...]
    boxes: tuple[Box, ...]

    def values(self) -> dict[str, np.ndarray]:
        """The numbers to begin with, as new arrays."""
        return {name: np.array(numbers, dtype=float) for name, numbers in self.given.items()}


@dataclass(frozen=True)
class Back:
    """One module on the way back: its output's gradient, its inputs', and all that is known after it."""

    box: Box
    module: Module
    gradient: np.ndarray
    increments: tuple[np.ndarray, ...]
    known: dict[str, np.ndarray]


@dataclass(frozen=True)
class Pass:
    """There and back: every quantity, its gradient dJ/d(it), and the steps of the way back."""

    values: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]
    modules: dict[str, Module]
    steps: list[Back]

    @property
    def loss(self) -> float:
        """The last of the values."""
        return float(list(self.values.values())[-1])


def there_and_back(network: Network, values: Values, finite: bool = True) -> Pass:
    """Forward on the tape, then backward. A ValueError where shapes do not fit and, unless told
    otherwise, where a number is not finite."""
    applied = {name: Value(values[name]) for name in network.given}
    tape.modules.clear()
    try:
        with np.errstate(all="ignore"):
            for box in network.boxes:
                applied[box.name] = box.make().apply_fwd(*(applied[name] for name in box.inputs))
            if finite:
                _check(network, {name: one.out_tensor for name, one in applied.items()}, "value")
            tape_bwd()
    finally:
        tape.modules.clear()
    if finite:
        _check(network, {name: one.out_gradient for name, one in applied.items()}, "gradient")
    return Pass(
        {name: one.out_tensor for name, one in applied.items()},
        {name: one.out_gradient for name, one in applied.items()},
        {box.name: applied[box.name] for box in network.boxes},
        _steps(network, applied),
    )


def _steps(network: Network, applied: dict) -> list[Back]:
    """The way back, one module at a time: what each added to the gradients of its inputs."""
    loss = network.boxes[-1].name
    known, steps = {loss: applied[loss].out_gradient}, []
    for box in reversed(network.boxes):
        module = applied[box.name]
        for name, increment in zip(box.inputs, module.in_gradients, strict=True):
            with np.errstate(invalid="ignore"):  # ∞ − ∞
                known = known | {name: known[name] + increment if name in known else increment}
        steps.append(Back(box, module, module.out_gradient, module.in_gradients, known))
    return steps


def _check(network: Network, numbers: dict[str, np.ndarray], what: str) -> None:
    hidden = {box.name for box in network.boxes if box.make is Mask}  # which is to hold −∞
    for name, each in numbers.items():
        if each is not None and not (np.isfinite(each) | (np.isneginf(each) & (name in hidden))).all():
            raise ValueError(f"{name} has a {what} that is not finite")


def loss(network: Network, values: Values) -> float:
    """The loss alone, without a tape; from quantities on the way, too, where `values` has them."""
    found = dict(values)
    with np.errstate(all="ignore"):
        for box in (box for box in network.boxes if box.name not in values):
            found[box.name] = box.make().forward(*(found[name] for name in box.inputs))
    return float(found[network.boxes[-1].name])


def measured(network: Network, values: Values, step: float = STEP) -> dict[str, np.ndarray]:
    """dJ/d(every quantity but the loss) by finite differences: of J as a function of that quantity alone."""
    names = [*network.given, *(box.name for box in network.boxes[:-1])]
    given = {name: values[name] for name in network.given}

    def slope(name: str) -> np.ndarray:
        at, hidden = values[name], np.isneginf(values[name])
        moved = lambda a: loss(network, given | {name: np.where(hidden, -np.inf, a)})  # noqa: E731
        return slopes(moved, np.where(hidden, 0.0, at), step=step)[0]

    return {name: slope(name) for name in names}


def descend(network: Network, values: Values, rate: float) -> dict[str, np.ndarray]:
    """One step of gradient descent: what is learned goes against its gradient."""
    gradients = there_and_back(network, values).gradients
    return {
        name: values[name] - rate * gradients[name] if name in network.learned else values[name]
        for name in values
    }


NETWORKS: dict[str, Network] = {
    "linear": Network(
        {"x": [1.0, -2.0, 0.5], "W": [[0.5, 0.2, -1.0], [-0.3, 0.8, 0.4]], "t": [1.0, 0.0]},
        ("W",),
        (Box("b", Linear, ("x", "W")), Box("J", SquaredError, ("t", "b"))),
    ),
    "sigmoid": Network(
        {"a": [2.0, -1.0, 0.3, -3.0], "t": [0.0, 1.0, 1.0, 0.0]},
        ("a",),
        (Box("b", Sigmoid, ("a",)), Box("J", SquaredError, ("t", "b"))),
    ),
    "softmax": Network(
        {"a": [2.0, 1.0, -0.5], "t": [0.2, 0.3, 0.5]},
        ("a",),
        (Box("b", Softmax, ("a",)), Box("J", SquaredError, ("t", "b"))),
    ),
    "cross_entropy": Network(
        {"b": [1.0, 2.0, -1.0], "y": [1.0, 0.0, 0.0]},
        ("b",),
        (Box("y_hat", Softmax, ("b",)), Box("J", CrossEntropy, ("y", "y_hat"))),
    ),
    "network": Network(
        {
            "x": [1.0, 0.5, -1.0],
            "alpha": [[0.4, -0.6, 0.2], [-0.1, 0.5, 0.9]],
            "beta": [[0.7, -0.4], [-0.2, 0.3]],
            "y": [0.0, 1.0],
        },
        ("alpha", "beta"),
        (
            Box("a", Linear, ("x", "alpha")),
            Box("z", Sigmoid, ("a",)),
            Box("b", Linear, ("z", "beta")),
            Box("y_hat", Softmax, ("b",)),
            Box("J", CrossEntropy, ("y", "y_hat")),
        ),
    ),
    "attention": Network(
        {
            "X": [[1.0, 0.0, 0.5], [0.2, 1.0, -0.5], [-0.4, 0.3, 1.0]],
            "W_q": [[0.6, -0.2], [0.1, 0.8], [-0.5, 0.4]],
            "W_k": [[0.3, 0.7], [-0.6, 0.2], [0.5, 0.1]],
            "W_v": [[0.9, 0.1], [0.2, -0.7], [0.4, 0.6]],
            "T": [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]],
        },
        ("W_q", "W_k", "W_v"),
        (
            Box("Q", MatMul, ("X", "W_q")),
            Box("K", MatMul, ("X", "W_k")),
            Box("V", MatMul, ("X", "W_v")),
            Box("D", lambda: MatMul(transposed=True), ("Q", "K")),
            Box("S", lambda: Scale(2**-0.5), ("D",)),
            Box("M", Mask, ("S",)),
            Box("A", Softmax, ("M",)),
            Box("X_out", MatMul, ("A", "V")),
            Box("J", SquaredError, ("T", "X_out")),
        ),
    ),
    "layernorm": Network(
        {
            "X": [[2.0, -1.0, 0.5, 1.5], [0.0, 3.0, 1.0, -2.0]],
            "gamma": [1.0, 0.8, 1.2, 0.5],
            "beta": [0.0, 0.1, -0.2, 0.3],
            "T": [[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, -1.0]],
        },
        ("gamma", "beta"),
        (
            Box("m", Mean, ("X",)),
            Box("C", Subtract, ("X", "m")),
            Box("C2", Multiply, ("C", "C")),
            Box("v", Mean, ("C2",)),
            Box("s", Root, ("v",)),
            Box("N", Divide, ("C", "s")),
            Box("G", Multiply, ("N", "gamma")),
            Box("B", Add, ("G", "beta")),
            Box("J", SquaredError, ("T", "B")),
        ),
    ),
}
