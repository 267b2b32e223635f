"""Visitors who ask for the same at the same time share one call, whatever becomes of it."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from app import compute, turns
from app.shared import shared

CROWD = 8


class Slow:
    """A function that counts its calls and does not return before it is told to."""

    def __init__(self, raises: BaseException | None = None):
        self.calls, self.raises, self.begun, self.go = [], raises, threading.Event(), threading.Event()

    def __call__(self, x, y=0):
        self.calls.append((x, y))
        self.begun.set()
        assert self.go.wait(10)
        if self.raises:
            raise self.raises
        return object()


def ask(function, slow: Slow, count: int = CROWD, meanwhile=lambda: None) -> list:
    """What `count` threads get that ask for the same while the first call runs."""
    with ThreadPoolExecutor(count) as pool:
        asked = [pool.submit(function, 1) for _ in range(count)]
        assert slow.begun.wait(10)
        meanwhile()
        assert not wait(asked, 0.05).done
        slow.go.set()
        return asked


def test_many_who_ask_for_the_same_cause_one_call():
    slow = Slow()
    asked = ask(shared(4)(slow), slow)
    assert slow.calls == [(1, 0)] and len({id(one.result()) for one in asked}) == 1


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_many_who_wait_for_a_call_that_raises_hear_of_it_and_the_next_tries_again(error):
    slow = Slow(error)
    function = shared(4)(slow)
    assert all(one.exception() is error for one in ask(function, slow)) and slow.calls == [(1, 0)]
    slow.raises = None
    assert function(1) is function(1) and slow.calls == [(1, 0)] * 2


def test_those_who_wait_hear_of_a_value_that_cannot_be_weighed():
    slow = Slow()
    asked = ask(shared(4, weight=len)(slow), slow)
    assert all(isinstance(one.exception(5), TypeError) for one in asked) and slow.calls == [(1, 0)]


def test_others_that_push_it_out_do_not_cause_another_call():
    slow, other = Slow(), []
    function = shared(1)(lambda x: slow(x) if x == 1 else other.append(x))
    asked = ask(function, slow, meanwhile=lambda: [function(x) for x in range(2, 9)])
    assert slow.calls == [(1, 0)] and len({id(one.result()) for one in asked}) == 1


def test_the_last_values_are_remembered_by_their_weight_and_the_last_one_always():
    calls = []
    function = shared(10, weight=lambda value: value)(lambda x: calls.append(x) or x)
    for x in (4, 5, 4, 6, 5, 4, 11, 4, 11):
        function(x)
    assert calls == [4, 5, 6, 5, 4, 11, 4, 11]


def test_what_weighs_nothing_stays_and_what_has_to_go_is_told():
    calls, gone = [], []
    function = shared(10, weight=lambda x: x, drop=gone.append)(lambda x: calls.append(x) or x)
    for x in (0, 4, 5, 7, 0):
        function(x)
    assert (calls, gone, function.held) == ([0, 4, 5, 7], [4, 5], 7)
    function.shrink(0)
    assert (gone, function.held) == ([4, 5, 7], 0)
    function(0)
    assert calls == [0, 4, 5, 7]


def test_what_was_called_with_one_first_argument_can_be_forgotten():
    calls = []
    function = shared(10, weight=lambda x: 2)(lambda name, x=0: calls.append((name, x)) or x)
    for name, x in (("a", 1), ("b", 1), ("a", 2)):
        function(name, x)
    function.forget("a")
    assert function.held == 2
    function("b", 1), function("a", 1)
    assert calls == [("a", 1), ("b", 1), ("a", 2), ("a", 1)]


def test_a_default_and_the_same_value_given_are_one():
    slow = Slow()
    slow.go.set()
    assert shared(4)(slow)(1) is not None and slow.calls == [(1, 0)]
    function = shared(4)(Slow.__call__)
    assert function(slow, 1) is function(slow, 1, 0)


def test_a_visitor_who_waits_for_anothers_run_lets_others_draw():
    slow = Slow()
    function = shared(4)(slow)

    def visit():
        with turns.drawing():
            return function(1)

    with ThreadPoolExecutor(CROWD) as pool:
        asked = [pool.submit(visit) for _ in range(CROWD)]
        assert slow.begun.wait(10)
        with turns.drawing():  # all of them are out of the line
            slow.go.set()
    assert slow.calls == [(1, 0)] and len({id(one.result()) for one in asked}) == 1


def test_a_new_prompt_of_a_class_is_run_once_and_a_model_loaded_once(monkeypatch):
    runs, loads, real = [], [], compute.engine
    run, load = real.run, real.load
    monkeypatch.setattr(real, "run", lambda *given, **more: runs.append(given) or run(*given, **more))
    monkeypatch.setattr(real, "load", lambda name: loads.append(name) or load(name))
    name = real.shipped()[0]
    compute.model.cache_clear()
    with ThreadPoolExecutor(CROWD) as pool:
        traces = list(pool.map(lambda _: compute.trace(name, "a prompt of the whole class"), range(CROWD)))
    assert len(runs) == len(loads) == 1 and len(set(map(id, traces))) == 1
