"""Code line by line with the values at each line, as a real run had them."""

import inspect
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType

import numpy as np

from engine.autodiff.tape import Applied


@dataclass(frozen=True)
class Ran:
    """A line that has run: where it stands (from 0), the variables before and after it, copied by `seen`."""

    function: str
    line: int
    before: dict[str, object]
    values: dict[str, object]


@dataclass(frozen=True)
class Listing:
    """A function whose lines are followed, and its source where that is not in a file."""

    function: Callable
    source: str = ""

    @property
    def code(self) -> CodeType:
        """What Python runs of it."""
        return inspect.unwrap(self.function).__code__

    @property
    def lines(self) -> list[str]:
        """Its source, line by line, as far left as it goes."""
        return textwrap.dedent(self.source or inspect.getsource(self.function)).rstrip("\n").split("\n")


def line_by_line(call: Callable[[], object], listings: list[Listing]) -> list[Ran]:
    """All lines of these functions in the order in which they are done while `call` runs."""
    codes = {listing.code: listing.function.__qualname__ for listing in listings}
    ran: list[Ran] = []
    waiting: dict[FrameType, int] = {}  # the line that a function is at
    known: dict[FrameType, dict[str, object]] = {}  # its variables after the line before

    def done(frame: FrameType) -> None:
        now = {name: seen(value) for name, value in frame.f_locals.items()}
        line = waiting.pop(frame, None)
        if line is not None:
            at = line - frame.f_code.co_firstlineno
            ran.append(Ran(codes[frame.f_code], at, known[frame], now))
        known[frame] = now

    def local(frame: FrameType, event: str, _):
        if event in ("line", "return"):
            done(frame)
        if event == "line":
            waiting[frame] = frame.f_lineno
        return local

    before = sys.gettrace()
    sys.settrace(lambda frame, event, _: local if frame.f_code in codes else None)
    try:
        call()
    finally:
        sys.settrace(before)
    return ran


def seen(value: object) -> object:
    """A copy of a variable's numbers as they are now; None stays None, what has no numbers is its name."""
    if isinstance(value, type):
        return value.__name__
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        return value.copy()
    if hasattr(value, "detach"):  # a tensor of torch
        return value.detach().numpy().copy()
    if isinstance(value, Applied):
        kept = {"is": str(value), "out_tensor": value.out_tensor, "out_gradient": value.out_gradient}
        return kept | ({} if value.in_gradients is None else {"in_gradients": seen(value.in_gradients)})
    if "_parameters" in getattr(value, "__dict__", ()):  # a module of torch
        return {
            name: {"is": name, "numbers": seen(p), "grad": seen(p.grad)} for name, p in value.named_parameters()
        }
    if isinstance(value, (list, tuple)):
        return [seen(each) for each in value]
    if type(value).__name__ == "SimpleNamespace":
        return {name: seen(each) for name, each in vars(value).items()}
    return type(value).__name__
