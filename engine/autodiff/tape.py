"""The tape: what was applied, in order; backwards, a module comes after all that used it (lecture 004)."""

import threading

import numpy as np


class Tape(threading.local):
    """The modules applied in this thread since the last backward pass (`global tape = stack()`)."""

    def __init__(self):
        self.modules: list[Applied] = []


tape = Tape()


class Applied:
    """A box of the graph: its output, the gradient of that output, and the boxes that its inputs come from."""

    in_modules: tuple["Applied", ...] = ()
    in_gradients: tuple[np.ndarray, ...] | None = None
    out_tensor: np.ndarray | None = None
    out_gradient: np.ndarray | None = None  # None says "not yet", which 0 would not

    def apply_fwd(self, *in_modules: "Applied") -> "Applied":
        """Goes forward on the outputs of other boxes and writes itself onto the tape; gives itself."""
        if any(on_tape is self for on_tape in tape.modules):
            raise RuntimeError(f"this {self} is on the tape already; apply a new one")
        self.in_modules, self.out_gradient, self.in_gradients = in_modules, None, None
        self.out_tensor = self.forward(*(module.out_tensor for module in in_modules))
        tape.modules.append(self)
        return self

    def apply_bwd(self) -> None:
        """Goes backward; each input's box adds what comes back to the gradient that it has so far."""
        self.in_gradients = self.backward(self.out_gradient)
        for module, gradient in zip(self.in_modules, self.in_gradients, strict=True):
            so_far = module.out_gradient
            module.out_gradient = gradient if so_far is None else so_far + gradient


class Value(Applied):
    """A box that only holds numbers: an input or a parameter."""

    def __init__(self, numbers):
        self.out_tensor = np.asarray(numbers, dtype=float)

    def zero_grad(self) -> None:
        """Forgets the gradient; without it the next backward pass adds to what is there."""
        self.out_gradient = None

    def __str__(self) -> str:
        return "Value"


def tape_bwd() -> None:
    """Goes back over the whole tape from its last module, whose gradient is dJ/dJ = 1, and empties it."""
    if not tape.modules:
        raise RuntimeError("the tape is empty: nothing has gone forward since the last backward pass")
    last = tape.modules[-1]
    if last.out_tensor.size != 1:
        raise ValueError(
            f"a gradient is that of one number, the loss; {last} gave {list(last.out_tensor.shape)}"
        )
    last.out_gradient = np.ones_like(last.out_tensor)
    while tape.modules:
        module = tape.modules.pop()
        if module.out_gradient is not None:  # else nothing that leads to the loss used it
            module.apply_bwd()
