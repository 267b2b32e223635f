"""Jobs (engine/training/jobs) that run for visitors: each has one at most, in a process of its own, and at most
as many run at once as the machine has cores; the others wait their turn. A job ends when it is done, stopped,
at its time limit, or when its visitor has left; what it told is kept while its visitor is there.
"""

import atexit
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import scratch
from engine.training.jobs import KINDS, Event, read

ROOT = Path(__file__).resolve().parents[1]
SERVERS = int(os.environ.get("GLASSBOX_PROCESSES", 1))  # that share the machine (app/processes.py)
MOST = max(1, (os.cpu_count() or 1) // SERVERS)  # at once
THREADS = max(1, (os.cpu_count() or 1) // 4)  # of each
NICE = 10  # of its process, from its birth: what it imports takes a core for seconds
LIMIT = 15 * 60.0  # seconds of running, pauses left out
IDLE = 30 * 60.0  # seconds of a pause
LAST = 1.0  # seconds in which what was on its way comes in
LOOK = 0.5  # seconds between two looks at who is there
GONE = 5.0  # seconds without its visitor after which a job ends: a page that is loaded anew is another visitor
FORGOTTEN = 150.0  # and after which it is forgotten: Streamlit has forgotten the visitor, too
ROOM = 128 * 2**20  # bytes of arrays that are kept of what it told
ENDS = ("done", "stopped", "failed")


@dataclass(eq=False)
class Running:
    """A job of a visitor.

    state   "waiting", "starting", "running", "paused", or one of ENDS
    events  all that it has told
    why     what is to be said of its end, a part of a sentence
    folder  its files
    """

    visitor: str
    kind: str
    settings: dict
    folder: Path
    state: str = "waiting"
    events: list[Event] = field(default_factory=list)
    why: str = ""
    ran: float = 0.0  # seconds
    _process: subprocess.Popen | None = None
    _bytes: int = 0
    _awaited: bool = False  # an event of a paused one
    _since: float = field(default_factory=time.monotonic)  # when its state was counted last
    _seen: float = field(default_factory=time.monotonic)  # its visitor
    _post: threading.Lock = field(default_factory=threading.Lock)  # held until its settings are on their way

    @property
    def place(self) -> int:
        """Its place among those that wait, from 1; 0 where it does not wait."""
        with LOCK:
            waiting = [one for one in JOBS if one.state == "waiting"]
        return waiting.index(self) + 1 if self in waiting else 0

    @property
    def moving(self) -> bool:
        """Whether there may soon be another state or event; what was on its way when it paused comes later."""
        paused = self._awaited or time.monotonic() - self._since < LAST
        return paused if self.state == "paused" else not self.ended

    @property
    def ended(self) -> bool:
        return self.state in ENDS

    def pause(self) -> None:
        if self.state == "running":
            self._count("paused")
            self.ask(do="pause")
            _fill()

    def go_on(self) -> None:
        """As soon as a core is free: while it was paused others had its place."""
        with LOCK:
            if self.state == "paused":
                self._count("waiting")
                JOBS.remove(self)
                JOBS.append(self)
        _fill()

    def step(self) -> None:
        """To the next event of one that is paused."""
        if self.state == "paused":
            self._awaited = True
            self.ask(do="step")

    def stop(self, state: str = "stopped", why: str = "") -> None:
        """End it; what it has told stays."""
        with LOCK:
            if self.ended:
                return
            self._count(state)
            self.why = why
        if self._process:
            self._process.kill()
        _fill()

    def ask(self, **what) -> None:
        """Tell it what it is to change, as it understands it."""
        if self._process and not self.ended:
            with self._post:
                self._write(what)

    def _write(self, what: dict) -> None:
        # what is closed or broken has ended just now, which its listener will tell
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()

    def _start(self) -> None:
        if self._process:
            self._count("running")
            return self.ask(do="go on")
        self._count("starting")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "engine.training.jobs", self.kind, str(self.folder)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            self._count("failed")
            self.why = f"no process could be started ({error.strerror})"
            return
        if hasattr(os, "setpriority"):  # Windows has none
            with contextlib.suppress(OSError):  # it has ended already
                os.setpriority(os.PRIO_PROCESS, self._process.pid, NICE)
        self._post.acquire()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Tell it its settings, and keep what it tells until it ends."""
        process = self._process
        try:  # here, for a long text waits in the pipe until the process has started
            self._write(self.settings | {"threads": THREADS})
        finally:
            self._post.release()
        while (event := read(process.stdout)) is not None:
            if "end" in event:
                self._end(event["end"], event["why"])
            else:
                self._keep(event)
        code = process.wait()
        self._end("failed", f"its process has ended by itself ({_told(code)})")
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()

    def _keep(self, event: Event) -> None:
        with LOCK:
            if self.state == "starting":
                self._count("running")
        self._awaited = False
        self.events.append(event)
        self._bytes += sum(x.nbytes for x in event.values() if hasattr(x, "nbytes"))
        if self._bytes > ROOM:
            self.stop("failed", f"it has told more than {ROOM // 2**20} MB, which is all that is kept here")

    def _end(self, state: str, why: str) -> None:
        with LOCK:
            if self.ended:
                return
            self._count(state)
            self.why = why
        _fill()

    def _count(self, state: str) -> None:
        """The next state; the time that it ran counts."""
        now = time.monotonic()
        self.ran += (now - self._since) * (self.state in ("starting", "running"))
        self.state, self._since = state, now

    def _look(self, now: float) -> bool:
        """End what has come to its end; whether it is to be forgotten."""
        if _is_here(self.visitor):
            self._seen = now
        if self.state in ("starting", "running") and self.ran + now - self._since > LIMIT:
            self.stop("stopped", f"its time, {LIMIT / 60:.0f} minutes, is over")
        if self.state == "paused" and now - self._since > IDLE:
            self.stop("stopped", f"it was paused for {IDLE / 60:.0f} minutes")
        if now - self._seen > GONE:
            self.stop("stopped", "its visitor had left")
        return now - self._seen > FORGOTTEN


LOCK = threading.RLock()
JOBS: list[Running] = []  # in the order in which they were asked for


def start(kind: str, settings: dict) -> Running:
    """Start a job for this visitor, or put it at the end of the line; one that he had ends and is forgotten."""
    assert kind in KINDS, kind
    visitor = _visitor()
    with LOCK:
        before = [one for one in JOBS if one.visitor == visitor]
        JOBS.append(mine := Running(visitor, kind, settings, Path()))
        try:
            mine.folder = scratch.new()
        except OSError as error:
            mine.stop("failed", f"no folder for its files could be made ({error.strerror})")
    for one in before:
        _forget(one)
    _watched()
    _fill()
    return mine


def mine() -> Running | None:
    """The job of this visitor."""
    visitor = _visitor()
    with LOCK:
        return next((one for one in JOBS if one.visitor == visitor), None)


def running() -> int:
    """How many run now."""
    with LOCK:
        return sum(one.state in ("starting", "running") for one in JOBS)


def _fill() -> None:
    """Start those whose turn it is."""
    with LOCK:
        for one in list(JOBS):
            if running() < MOST and one.state == "waiting":
                one._start()


def _forget(one: Running) -> None:
    one.stop()
    with LOCK:
        if one in JOBS:
            JOBS.remove(one)
    if one.folder.name:
        shutil.rmtree(one.folder, ignore_errors=True)


@cache
def _watched() -> None:
    """From the first job on: somebody looks who is there, and with this process its jobs end."""
    threading.Thread(target=_watch, daemon=True).start()
    atexit.register(end_all)


def _watch() -> None:
    while True:
        time.sleep(LOOK)
        with LOCK:
            looked_at = list(JOBS)
        for one in looked_at:
            if one._look(time.monotonic()):
                _forget(one)


def end_all() -> None:
    """End all jobs and delete their files."""
    for one in list(JOBS):
        _forget(one)


def _visitor() -> str:
    script = get_script_run_ctx(suppress_warning=True)
    return script.session_id if script else ""


def _is_here(visitor: str) -> bool:
    return not runtime.exists() or runtime.get_instance().is_active_session(visitor)


def _told(code: int) -> str:
    ended = f"signal {-code}" if code < 0 else f"status {code}"
    return f"{ended}, as where a system is out of memory" if code == -signal.SIGKILL else ended
