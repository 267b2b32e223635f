"""What a training says while it works: one line, written over; where nobody watches, a line now and then."""

import sys
import time
from collections.abc import Iterable, Iterator

WATCHED, UNWATCHED = 0.2, 20.0  # seconds from one showing to the next


class Screen:
    """Where the words go, and when the last ones did."""

    def __init__(self):
        self.last, self.open = -UNWATCHED, 0  # open: letters of a line that will be written over

    def show(self, text: str) -> None:
        """How far something is: written over by what comes next."""
        watched = sys.stdout.isatty()
        if time.monotonic() - self.last < (WATCHED if watched else UNWATCHED):
            return
        self.last = time.monotonic()
        print(f"\r{text:<{self.open}}" if watched else text, end="" if watched else "\n", flush=True)
        self.open = len(text) if watched else 0

    def say(self, text: str) -> None:
        """A line that stays; an empty one only ends the line that is open."""
        if text or self.open:
            print(f"\r{text:<{self.open}}" if self.open else text, flush=True)
        self.last, self.open = -UNWATCHED, 0


_SCREEN = Screen()
show, say = _SCREEN.show, _SCREEN.say


def counted(texts: Iterable, what: str, whole: int, size=lambda text: 1) -> Iterator:
    """The same texts, and how far they are of the `whole` is shown; `size`: how much one counts."""
    done = 0
    for text in texts:
        yield text
        done += size(text)
        show(f"{what}: {min(1.0, done / max(1, whole)):.0%}")
