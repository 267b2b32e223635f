"""Option A against option B: the same examples by fine-tuning, and in the prompt."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import engine
from engine.training.jobs import Event
from engine.training.tuning.data import Example, Labelled, reviews
from engine.training.tuning.jobs.common import draws_of, ends_first, point, recipe_of, setup
from engine.training.tuning.prompted import Prompted, prompted, room_for

PROMPT_COUNTS = (0, 1, 2, 4, 8, 12, 16, 32, 64, 120)


def options(settings: dict, folder: Path) -> Iterator[Event]:
    """In the prompt (B) as far as the examples fit, then by fine-tuning (A, one way).

    settings  as of `curves`, and way, the way of option A
    """
    model, of, draws = engine.load(settings["model"]), reviews(), draws_of(settings)
    room = min(room_for(model, of, of.drawn(len(of.train), draw)) for draw in range(draws))
    told = setup(model, of, [settings["way"]], settings) | {"counts": list(PROMPT_COUNTS), "draws": draws}
    yield told | {"room": room, "context": model.config.context}
    tuned = [count for count in PROMPT_COUNTS if count >= len(of.labels)]
    for draw in range(draws):
        for count in PROMPT_COUNTS:
            if count <= room and (count or draw == 0):  # without examples every draw is the same
                yield _prompt_point(prompted(model, of, _some(of, count, draw)), count, draw)
        for count in ends_first(tuned):
            yield from point(model, of, recipe_of(settings["way"], settings, draw), count, draw)


def _some(of: Labelled, count: int, draw: int) -> list[Example]:
    """Examples in an order drawn by the seed, so that no label stands last more often."""
    if count < len(of.labels):
        return of.drawn(len(of.labels), draw)[:count]
    some = of.drawn(count, draw)
    random.Random(f"order {draw}").shuffle(some)
    return some


def _prompt_point(one: Prompted, count: int, draw: int) -> Event:
    told = {"kind": "point", "way": "prompt", "count": count, "draw": draw, "right": one.right.astype(np.uint8)}
    return told | {"seconds": one.seconds, "memory": one.memory, "tokens": one.tokens, "cache": one.cache}
