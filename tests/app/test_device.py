"""A graphics processor that fails in the middle: the page goes on without it, and says so."""

import pytest
import torch

import engine
from app import compute
from engine import device
from engine.trace import Trace
from tests.app.visit import boxes, press, visit

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
pytestmark = pytest.mark.filterwarnings("ignore:The graphics processor")


@pytest.fixture
def fail(monkeypatch):
    """fail(where, name): the next call of that function fails once; nothing is known from before."""
    monkeypatch.setattr(device, "_failed", [])

    def forget():
        for cached in compute.CACHES:
            cached.cache_clear()

    def next_call(where, name):
        real, errors = getattr(where, name), [FULL]

        def once(*arguments, **options):
            if errors:
                raise errors.pop()
            return real(*arguments, **options)

        forget()
        monkeypatch.setattr(where, name, once)

    yield next_call
    forget()


def assert_goes_on(at) -> None:
    assert not at.exception
    assert [warning.value for warning in at.warning] == [device.note()]
    assert "is full; from now on the processor computes" in device.note()
    assert boxes(at)


@pytest.mark.parametrize("where, name", [(engine, "run"), (Trace, "_look_into")])
def test_a_run_is_made_again_on_the_processor(fail, where, name):
    fail(where, name)
    assert_goes_on(visit(step="scores"))


def test_a_press_that_fails_leaves_the_page_as_it_is(fail):
    at = visit(model="interpreter", step="next", prompt="I see.")
    assert not at.warning
    fail(engine, "generate")
    assert_goes_on(press(at, "continue from here"))


def test_other_errors_are_shown_as_they_are(fail, monkeypatch):
    fail(engine, "run")
    monkeypatch.setattr(engine, "run", lambda *given, **options: 1 / 0)
    at = visit(step="scores")
    assert at.exception and device.note() == ""
