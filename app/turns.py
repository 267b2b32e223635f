"""Whose turn it is: one script draws at a time, and the engine's runs wait for cores of their own.

Threads that all want the interpreter's lock hand it to and fro, which costs a crowd more than its work. Who has
had much lately stands further back, PENALTY seconds for each second of it, so that nobody waits for ever.
"""

import bisect
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from streamlit.runtime.scriptrunner import get_script_run_ctx

HALF_LIFE = 5.0  # seconds after which half of what a visitor had is forgotten
PENALTY = 10.0
MUCH = 1.0  # seconds of processor time: who had more leaves the spare places to others
SLICE = 0.015  # seconds of drawing after which a script lets others go first
REMEMBERED = 1000  # visitors


@dataclass(order=True)
class Waiting:
    """One who waits: first is who came first, less what he had."""

    rank: float
    much: bool = field(compare=False)
    called: threading.Event = field(compare=False, default_factory=threading.Event)


class Line:
    """Some places and who waits for one; `spare` of them are for visitors who had little lately."""

    def __init__(self, places: int, spare: int = 0):
        self.places = self.free = places
        self.spare = spare
        self.waiting: list[Waiting] = []
        self._lock = threading.Lock()

    def enter(self, had: float) -> None:
        """Wait for a place; `had` is the processor time that one has had lately, in seconds."""
        me = Waiting(time.monotonic() + PENALTY * had, had > MUCH)
        with self._lock:
            bisect.insort(self.waiting, me)
            self._call()
        me.called.wait()

    def leave(self) -> None:
        with self._lock:
            self.free += 1
            self._call()

    def _call(self) -> None:
        """Give the free places to those who wait, in their order."""
        for one in list(self.waiting):
            if self.free > (self.spare if one.much else 0):
                self.free -= 1
                self.waiting.remove(one)
                one.called.set()


class Accounts:
    """Processor time that each visitor has had lately."""

    def __init__(self):
        self._had: dict[str, tuple[float, float]] = {}  # visitor -> (seconds, when)
        self._lock = threading.Lock()

    def had(self, visitor: str) -> float:
        seconds, when = self._had.get(visitor, (0.0, 0.0))
        return seconds * 0.5 ** ((time.monotonic() - when) / HALF_LIFE)

    def charge(self, visitor: str, seconds: float) -> None:
        with self._lock:
            total = self.had(visitor) + seconds
            self._had.pop(visitor, None)  # the last who came stand last
            self._had[visitor] = total, time.monotonic()
            while len(self._had) > REMEMBERED:
                del self._had[next(iter(self._had))]


class Here(threading.local):
    """Where this thread stands, since when, and how much processor time it had used then."""

    line: Line | None = None
    since = used = 0.0


CORES = os.cpu_count() or 1
DRAWING = Line(1)
ENGINE = Line(max(2, CORES), spare=1)
ACCOUNTS, HERE = Accounts(), Here()
ENDED = threading.Event()  # a script has drawn since somebody last looked


@contextmanager
def drawing() -> Iterator[None]:
    """A script that draws: one at a time."""
    try:
        with _standing_in(DRAWING):
            yield
    finally:
        ENDED.set()


@contextmanager
def computing() -> Iterator[None]:
    """A run of the engine: a few at a time, while another script draws."""
    with _standing_in(ENGINE):
        yield


@contextmanager
def waiting() -> Iterator[None]:
    """For another's work: in no line."""
    with _standing_in(None):
        yield


def give_way() -> None:
    """Let those go first who wait, where this script has drawn for a while."""
    if HERE.line is DRAWING and DRAWING.waiting and time.perf_counter() - HERE.since > SLICE:
        _move(None)
        _move(DRAWING)


def quiet() -> bool:
    """Whether nobody draws or computes."""
    return all(line.free == line.places for line in (DRAWING, ENGINE))


@contextmanager
def _standing_in(line: Line | None) -> Iterator[None]:
    before = HERE.line
    _move(line)
    try:
        yield
    finally:
        _move(before)


def _move(line: Line | None) -> None:
    """Out of the line where this thread stands, and into another once there is a place."""
    if line is HERE.line:
        return
    script = get_script_run_ctx(suppress_warning=True)
    visitor = script.session_id if script else ""
    if HERE.line:
        HERE.line.leave()
        HERE.line = None
        ACCOUNTS.charge(visitor, time.thread_time() - HERE.used)
    if line:
        line.enter(ACCOUNTS.had(visitor))
        HERE.line, HERE.since, HERE.used = line, time.perf_counter(), time.thread_time()
