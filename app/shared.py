"""`lru_cache` for many visitors: those who ask for the same at the same time share one call."""

import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import update_wrapper

from app import turns

CACHES: list["Shared"] = []  # all there are


class Shared:
    """A function that remembers its last values, and is called once for all who wait.

    size   how much is remembered, by the values' weight (None: everything; the last value always is)
    weight of a value; None: each weighs 1. What weighs nothing stays
    drop   called with a key whose value had to go
    run    whether a call is a run of the engine, which others may draw beside
    What it raises is raised for all who wait, and not remembered.
    """

    def __init__(
        self, function: Callable, size: int | None, weight: Callable | None, run: bool, drop: Callable | None
    ):
        self._function, self._size, self._run, self._drop = function, size, run, drop
        self._weight, self._total = weight or (lambda value: 1), 0
        self._defaults = [p.default for p in inspect.signature(function).parameters.values()]
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple, object] = OrderedDict()  # the one asked for last stands last
        self._flying: dict[tuple, Future] = {}
        update_wrapper(self, function)
        CACHES.append(self)

    def __call__(self, *args):
        turns.give_way()
        key = (*args, *self._defaults[len(args) :])
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            mine = key not in self._flying
            flight = self._flying.setdefault(key, Future())
        if mine:
            self._fly(key, flight)
        else:
            with turns.waiting():
                wait([flight])
        return flight.result()

    def _fly(self, key: tuple, flight: Future) -> None:
        """Call the function for all who wait."""
        try:
            value = self._called(key)
            self._keep(key, value)
        except BaseException as error:  # whatever it is, those who wait must hear of it
            self._land(key)
            flight.set_exception(error)
        else:
            self._land(key)
            flight.set_result(value)

    def _land(self, key: tuple) -> None:
        with self._lock:
            del self._flying[key]

    def _called(self, key: tuple):
        if not self._run:
            return self._function(*key)
        with turns.computing():
            return self._function(*key)

    def _keep(self, key: tuple, value: object) -> None:
        weight = self._weight(value)
        with self._lock:
            self._kept[key] = value
            self._total += weight
        if self._size is not None and self._total > self._size:
            self.shrink(self._size, keep=key)

    def shrink(self, size: float, keep: tuple | None = None) -> None:
        """Drop what was asked for longest ago, until all that is kept weighs no more than `size`."""
        with self._lock:
            gone = []
            for key, value in self._kept.items():
                if self._total <= size:
                    break
                if key != keep and (weight := self._weight(value)):
                    gone.append(key)
                    self._total -= weight
            for key in gone:
                del self._kept[key]
        for key in gone if self._drop else ():
            self._drop(*key)

    def forget(self, first: object) -> None:
        """Drop what was called with this as the first of its arguments."""
        with self._lock:
            for key in [key for key in self._kept if key[:1] == (first,)]:
                self._total -= self._weight(self._kept.pop(key))

    @property
    def held(self) -> float:
        """What all that is kept weighs."""
        return self._total

    def cache_clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._total = 0


def shared(
    size: int | None = None,
    *,
    weight: Callable | None = None,
    run: bool = True,
    drop: Callable | None = None,
) -> Callable:
    """A function as `Shared`."""
    return lambda function: Shared(function, size, weight, run, drop)
