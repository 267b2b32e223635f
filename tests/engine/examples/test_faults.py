"""Deliberate faults in the operations: the arithmetic of a cell, which goes another way, tells each of them."""

from dataclasses import replace

import numpy as np
import pytest

from engine.examples import names, shipped, why, work_out
from engine.examples.operations import OPERATIONS
from engine.examples.value import value


def _array(change):
    return lambda *parts: value(change(*(part.numbers for part in parts)), parts[0].names)


def _shares(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


FAULTS = {
    "softmax down the columns": ("softmax", _array(lambda x: _shares(x, 0))),
    "softmax without its division": ("softmax", _array(lambda x: np.exp(x - x.max(-1, keepdims=True)))),
    "a mask that hides the word itself": (
        "mask",
        _array(lambda x: np.where(np.triu(np.ones(x.shape, bool)), -np.inf, x)),
    ),
    "a mask that hides the past": (
        "mask",
        _array(lambda x: np.where(np.tril(np.ones(x.shape, bool), -1), -np.inf, x)),
    ),
    "a product with the columns turned round": (
        "matmul",
        lambda a, b: value(a.numbers @ np.flip(b.numbers, -1)),
    ),
    "a variance over n − 1": (
        "variance",
        lambda a: value(a.numbers.var(-1, ddof=1, keepdims=a.numbers.ndim > 1)),
    ),
    "a mean that is a median": ("mean", lambda a: value(np.median(a.numbers, -1, keepdims=a.numbers.ndim > 1))),
    "rows not reordered": ("reorder", lambda a, order: a),
    "heads joined the wrong way round": ("concat", lambda a, b: value(np.hstack([b.numbers, a.numbers]))),
    "columns of another head": ("columns", lambda a, i, j: value(a.numbers[..., -int(j.numbers) :])),
    "a place counted from 0": ("argmax", lambda a: value(a.numbers.argmax(-1) + 0.0)),
    "a transpose that is none": ("transpose", lambda a: value(np.flip(a.numbers.T, -1))),
}


def _parts(part) -> list:
    """All operations of a formula."""
    return [part, *(inner for each in part.parts for inner in _parts(each))] if part.operation else []


def _red() -> list[str]:
    """The cells of all examples whose arithmetic does not give the number shown."""
    found = []
    for name in names():
        for step, done in work_out(shipped(name)).items():
            for part in _parts(done.part) if done.part else ():
                found += [f"{name}.{step}{at}" for at in np.ndindex(part.value.shape) if _differs(part, at)]
    return found


def _differs(part, at) -> bool:
    try:
        worked = why(part, at)
    except IndexError:  # the faulty shape has cells that there are none of
        return True
    return worked.value != worked.shown and not abs(worked.value - worked.shown) < 1e-9 * max(
        1, abs(worked.shown)
    )


def test_no_cell_is_red():
    assert _red() == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_turns_cells_red(fault, monkeypatch):
    name, compute = FAULTS[fault]
    faulty = replace(OPERATIONS[name], compute=compute)
    for example in names():
        for step in shipped(example).steps:
            _put(step.formula, faulty, monkeypatch)
    assert _red(), fault


def _put(part, faulty, monkeypatch) -> None:
    """The faulty operation in place of the right one, in a formula that was already read."""
    if part.operation and part.operation.name == faulty.name:
        original = part.operation
        object.__setattr__(part, "operation", faulty)
        monkeypatch.setitem(OPERATIONS, faulty.name, faulty)
        UNDO.append((part, original))
    for each in part.parts:
        _put(each, faulty, monkeypatch)


UNDO: list = []


@pytest.fixture(autouse=True)
def _undone():
    yield
    while UNDO:
        part, original = UNDO.pop()
        object.__setattr__(part, "operation", original)
