"""`lru_cache` for many visitors: those who ask for the same at the same time share one call."""

import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import update_wrapper

from app import turns


class Shared:
    """A function that remembers its last values, and is called once for all who wait.

    size   how much is remembered, by the values' weight (None: everything; the last value always is)
    weight of a value; None: each weighs 1
    run    whether a call is a run of the engine, which others may draw beside
    What it raises is raised for all who wait, and not remembered.
    """

    def __init__(self, function: Callable, size: int | None, weight: Callable | None, run: bool):
        self._function, self._size, self._run = function, size, run
        self._weight, self._total = weight or (lambda value: 1), 0
        self._defaults = [p.default for p in inspect.signature(function).parameters.values()]
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple, object] = OrderedDict()  # the one asked for last stands last
        self._flying: dict[tuple, Future] = {}
        update_wrapper(self, function)

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
        except BaseException as error:  # whatever it is, those who wait must hear of it
            with self._lock:
                del self._flying[key]
            flight.set_exception(error)
        else:
            self._keep(key, value)
            flight.set_result(value)

    def _called(self, key: tuple):
        if not self._run:
            return self._function(*key)
        with turns.computing():
            return self._function(*key)

    def _keep(self, key: tuple, value: object) -> None:
        with self._lock:
            del self._flying[key]
            self._kept[key] = value
            self._total += self._weight(value)
            while self._size is not None and self._total > self._size and len(self._kept) > 1:
                self._total -= self._weight(self._kept.popitem(last=False)[1])

    def cache_clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._total = 0


def shared(size: int | None = None, *, weight: Callable | None = None, run: bool = True) -> Callable:
    """A function as `Shared`."""
    return lambda function: Shared(function, size, weight, run)
