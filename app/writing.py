"""A text that is being written, only as far as somebody has asked for it."""

import threading
from collections.abc import Iterator

from engine.decode import Step


class Writing:
    """The steps of `engine.generate`, taken one by one and kept.

    size  about how many bytes it holds
    """

    def __init__(self, steps: Iterator[Step], size: int):
        self.size, self._steps, self._ids = size, steps, []
        self._lock = threading.Lock()

    def upto(self, count: int) -> tuple[tuple[int, ...], bool]:
        """The first `count` tokens, or all if there are fewer, and whether more follow: known when the next one
        was written, too."""
        with self._lock:
            while len(self._ids) <= count and (step := next(self._steps, None)):
                self._ids.append(step.id)
            return tuple(self._ids[:count]), len(self._ids) > count
