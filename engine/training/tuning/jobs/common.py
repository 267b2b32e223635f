"""What the jobs have in common: recipes from settings, one point of a curve, the order of the points."""

from collections.abc import Iterator, Sequence

import numpy as np

from engine.training.jobs import Event
from engine.training.tuning.data import Labelled, passage
from engine.training.tuning.runs import Recipe, Tuned, count_trained, forgotten, prepare, tune

MOST_DRAWS = 5
OFTEN = 4  # steps between two losses that are told


def ends_first(counts: Sequence[int]) -> list[int]:
    """The most, the fewest, then those between: a curve shows where it goes before it is whole."""
    if len(counts) < 2:
        return list(counts)
    return [counts[-1], counts[0], *counts[2:-1:2], *counts[1:-1:2]]


def draws_of(settings: dict) -> int:
    """How many draws of examples; a ValueError for none and for too many."""
    draws = settings["draws"]
    if not 1 <= draws <= MOST_DRAWS:
        raise ValueError(f"{draws} draws were asked for; from 1 to {MOST_DRAWS} can be had")
    return draws


def recipe_of(way: str, settings: dict, seed: int) -> Recipe:
    """The recipe of a way; the seed of a draw draws its examples, its batches and its random start."""
    rates = {"lora": settings["lora_rate"], "head": 1.0}  # of the head alone it is not used
    rate = rates.get(way, settings["rate"])
    more = {name: settings[name] for name in ("steps", "rank", "targets")}
    return Recipe(way, rate=rate, seed=seed, **more)


def setup(model, of: Labelled, ways: Sequence[str], settings: dict) -> Event:
    """What is trained of the model in each way, and how many examples there are."""
    trained = {way: count_trained(prepare(model, len(of.labels), recipe_of(way, settings, 0))) for way in ways}
    return {
        "kind": "setup",
        "model": model.name,
        "held": len(of.held),
        "numbers": {way: numbers for way, (numbers, _) in trained.items()},
    }


def point(model, of: Labelled, recipe: Recipe, count: int, draw: int, often: int = OFTEN) -> Iterator[Event]:
    """One fine-tuning, its losses on the way; returns what it left."""
    about = {"way": recipe.way, "count": count, "draw": draw}
    for told in tune(model, of, of.drawn(count, draw), recipe):
        if isinstance(told, Tuned):
            yield {"kind": "point"} | about | told_of(told)
        elif told["step"] % often == 0 or told["step"] in (1, told["steps"]):
            yield {"kind": "step"} | about | told
    return told


def told_of(one: Tuned) -> Event:
    """What a point tells of a fine-tuning."""
    return {
        "right": one.right.astype(np.uint8),
        "shares": one.probabilities.astype(np.float32),
        "seconds": one.seconds,
        "numbers": one.numbers,
        "memory": one.memory,
        "loss": one.losses[-1] if one.losses else 0.0,
    }


def forgot(model, way: str) -> Event:
    """What a passage of a book costs a model."""
    return {"kind": "forgot", "way": way, "bits": forgotten(model), "bytes": len(passage().encode())}
