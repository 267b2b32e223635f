"""A head with three scores on an encoder's [CLS]: does the second sentence follow from the first?"""

from collections.abc import Iterator
from pathlib import Path

import engine
from engine.training.jobs import Event
from engine.training.tuning import data
from engine.training.tuning.jobs.common import draws_of, ends_first, point, recipe_of, setup

PAIR_COUNTS = (6, 12, 24, 48, 87)  # labelled pairs


def related(settings: dict, folder: Path) -> Iterator[Event]:
    """Accuracy over the number of labelled pairs, from the pre-trained encoder and from a random start.

    settings  as of `curves`
    """
    model, of, draws = engine.load(settings["model"]), data.entailment(), draws_of(settings)
    yield setup(model, of, settings["ways"], settings) | {"counts": list(PAIR_COUNTS), "draws": draws}
    for draw in range(draws):
        for count in ends_first(PAIR_COUNTS):
            for way in settings["ways"]:
                yield from point(model, of, recipe_of(way, settings, draw), count, draw)
