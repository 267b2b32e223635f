"""Who draws, who computes, and who goes first."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import garbage, turns
from app.turns import Accounts, Line


def queue(line: Line, *had: float) -> list[int]:
    """In which order those get a place who had so much, who came one after the other."""
    order, threads = [], []
    line.enter(0)

    def come(number: int) -> None:
        line.enter(had[number])
        order.append(number)
        line.leave()

    for number in range(len(had)):
        threads.append(threading.Thread(target=come, args=[number]))
        threads[-1].start()
        while len(line.waiting) <= number:
            time.sleep(0.001)
    line.leave()
    for thread in threads:
        thread.join(10)
    return order


def test_who_had_less_goes_first_and_else_who_came_first():
    assert queue(Line(1), 0, 0, 0) == [0, 1, 2]
    assert queue(Line(1), 3, 0.1, 0, 2) == [2, 1, 3, 0]


def test_who_had_much_waits_no_longer_for_it_than_a_bounded_while(monkeypatch):
    monkeypatch.setattr(turns, "PENALTY", 0)
    assert queue(Line(1), 3, 0, 2) == [0, 1, 2]


def test_a_spare_place_is_left_to_those_who_had_little():
    line, much = Line(2, spare=1), 2 * turns.MUCH
    line.enter(much)
    waiting = threading.Thread(target=line.enter, args=[much])
    waiting.start()
    while not line.waiting:
        time.sleep(0.001)
    line.enter(0)  # goes past the one who waits
    assert line.free == 0
    line.leave(), line.leave()
    waiting.join(10)
    assert line.free == 1 and not line.waiting


def test_what_a_visitor_had_is_forgotten_by_and_by(monkeypatch):
    accounts, now = Accounts(), [100.0]
    monkeypatch.setattr(turns.time, "monotonic", lambda: now[0])
    accounts.charge("a", 2)
    now[0] += turns.HALF_LIFE
    assert accounts.had("a") == pytest.approx(1) and accounts.had("b") == 0
    for number in range(turns.REMEMBERED):
        accounts.charge(str(number), 1)
    assert accounts.had("a") == 0 and len(accounts._had) == turns.REMEMBERED


def test_one_script_draws_at_a_time_and_others_draw_while_one_computes():
    inside, most, computing, drawn = [], [], threading.Event(), threading.Event()

    def draw(_):
        with turns.drawing():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.002)
            inside.pop()

    def compute():
        with turns.drawing(), turns.computing():
            computing.set()
            drawn.wait(10)

    with ThreadPoolExecutor(9) as pool:
        long = pool.submit(compute)
        assert computing.wait(10)
        list(pool.map(draw, range(8)))
        assert not long.done()
        drawn.set()
    assert max(most) == 1 and turns.quiet()


def test_a_script_that_draws_for_long_lets_others_go_first(monkeypatch):
    monkeypatch.setattr(turns, "SLICE", 0)
    order = []

    def other():
        with turns.drawing():
            order.append("other")

    with turns.drawing():
        thread = threading.Thread(target=other)
        thread.start()
        while not turns.DRAWING.waiting:
            time.sleep(0.001)
        turns.give_way()
        order.append("long")
    thread.join(10)
    assert order == ["other", "long"]


def test_a_script_that_fails_leaves_its_place():
    with pytest.raises(ValueError), turns.drawing(), turns.computing():
        raise ValueError
    assert turns.quiet() and turns.HERE.line is None


def test_garbage_is_collected_once_it_is_quiet(monkeypatch):
    collected = threading.Event()
    monkeypatch.setattr(garbage.gc, "collect", lambda generation=2: collected.set())
    garbage.begin()
    with turns.drawing():
        collected.clear()
        turns.ENDED.set()
        assert not collected.wait(5 * garbage.PAUSE)
    assert collected.wait(10)
