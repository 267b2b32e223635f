"""The process of a job: python -m engine.training.jobs KIND FOLDER

Comes in, a line of JSON each: the settings, then what is asked: {"do": "pause"}, {"do": "go on"},
{"do": "step"} (to the next event), or anything that the job understands. When the input ends, nobody is there
any more: the job ends, and its folder is deleted. Goes out: its events, at most ten times a second, and as the
last one {"end": …}.
"""

import contextlib
import json
import os
import shutil
import sys
import threading
import traceback
from pathlib import Path
from typing import BinaryIO, TextIO

import torch

from engine.training.jobs import Event, job, write

PAUSE = 0.1  # seconds between two times that events go out
MEMORY = "there is not enough memory"


class Inbox:
    """What is asked for, and whether the job may go on."""

    def __init__(self, lines: TextIO, folder: Path):
        self._lines, self._folder, self._asked, self._steps = lines, folder, {}, 0
        self._runs, self._changed = True, threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._lines:
            asked = json.loads(line)
            with self._changed:
                self._take(asked.pop("do", ""), asked)
                self._changed.notify()
        shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._folder.parent.rmdir()  # if there is no other
        os._exit(0)

    def _take(self, do: str, asked: dict) -> None:
        self._asked |= asked
        if do in ("pause", "go on"):
            self._runs = do == "go on"
        self._steps += do == "step"

    def take(self) -> dict:
        """What was asked since the last time; waits while the job is paused."""
        with self._changed:
            self._changed.wait_for(lambda: self._runs or self._steps)
            self._steps -= not self._runs
            asked, self._asked = self._asked, {}
        return asked


class Outbox:
    """Events on their way, sent together."""

    def __init__(self, stream: BinaryIO):
        self._stream, self._events, self._lock = stream, [], threading.Lock()
        self._due = threading.Event()
        threading.Thread(target=self._send, daemon=True).start()

    def put(self, event: Event) -> None:
        """Send it with those that are on their way."""
        with self._lock:
            self._events.append(event)
        self._due.set()

    def flush(self) -> None:
        """Send now."""
        with self._lock:
            for event in self._events:
                write(event, self._stream)
            self._stream.flush()
            self._events = []

    def _send(self) -> None:
        while self._due.wait():
            self._due.clear()
            self.flush()
            threading.Event().wait(PAUSE)


def main(kind: str, folder: Path) -> None:
    """Run a job whose settings come in, and tell what it tells, and how it ended."""
    out = Outbox(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # what libraries print is no event
    settings = json.loads(sys.stdin.readline())
    torch.set_num_threads(settings.pop("threads", 1))
    inbox = Inbox(sys.stdin, folder)
    out.put({"end": "", "why": ""} | _ended(kind, settings, folder, inbox, out))
    out.flush()


def _ended(kind: str, settings: dict, folder: Path, inbox: Inbox, out: Outbox) -> Event:
    """Run it, and how it ended."""
    try:
        running = job(kind)(settings, folder)
        out.put(next(running))
        while True:
            out.put(running.send(inbox.take()))
    except StopIteration:
        return {"end": "done"}
    except ValueError as error:  # a sentence for the one who set it up
        return {"end": "failed", "why": str(error)}
    except (MemoryError, torch.OutOfMemoryError):
        return {"end": "failed", "why": MEMORY}
    except RuntimeError as error:
        if "allocate memory" not in str(error):  # torch's way to say it of the machine's own memory
            return _unforeseen(error)
        return {"end": "failed", "why": MEMORY}
    except Exception as error:
        return _unforeseen(error)


def _unforeseen(error: Exception) -> Event:
    traceback.print_exception(error)
    return {"end": "failed", "why": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
