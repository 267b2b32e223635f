"""A property computed once, and why it has no lock."""

import threading
from pathlib import Path

from app.once import once

APP = Path(__file__).resolve().parents[2] / "app"


class Thing:
    def __init__(self, compute):
        self.compute = compute

    @once
    def value(self):
        """What it is."""
        return self.compute()


def test_it_is_computed_once_for_each_object():
    calls = []
    first, second = Thing(lambda: calls.append(1) or 1), Thing(lambda: calls.append(2) or 2)
    assert [first.value, first.value, second.value, second.value] == [1, 1, 2, 2]
    assert calls == [1, 2]
    assert Thing.value.__doc__ == "What it is."


def test_one_that_waits_does_not_keep_another_object_waiting():
    """One visitor's page waits for its turn while it computes; the visitor whose turn it is must get on."""
    turn, waits = threading.Event(), threading.Event()
    slow = Thing(lambda: waits.set() or turn.wait(5))
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert waits.wait(5)
    asked = threading.Thread(target=lambda: Thing(turn.set).value)
    asked.start()
    asked.join(3)
    thread.join(5)
    assert turn.is_set()
    assert slow.value is True  # not for want of time


def test_nothing_of_the_app_has_the_property_with_the_lock():
    assert not [path for path in APP.rglob("*.py") if "import cached_property" in path.read_text()]
