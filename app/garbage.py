"""Collects garbage when nobody waits for an answer.

Streamlit would collect all generations after every run, before the page hears that it is finished. Here the
interpreter's own thresholds are only a bound: usually a thread of its own looks at what is young as soon as it
is quiet, and now and then at everything but what was there at the start.
"""

import gc
import threading
import time
from functools import cache

from app import turns

# Objects made, young collections, middle ones: after which the interpreter collects although somebody waits.
BOUND = (20_000, 5, 10)
EVERY = 30  # quiet collections after which all generations are looked at
PAUSE = 0.02  # seconds for which it must have been quiet


@cache
def begin() -> None:
    """Never look again at what is there now, and collect the rest when it is quiet."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*BOUND)
    threading.Thread(target=_keep_collecting, name="garbage", daemon=True).start()


def _keep_collecting() -> None:
    done = 0
    while True:
        turns.ENDED.wait()
        turns.ENDED.clear()
        time.sleep(PAUSE)
        if turns.quiet() and not turns.ENDED.is_set():
            done += 1
            gc.collect(2 if done % EVERY == 0 else 1)
