"""Digits: named after they were reconstructed, and after other digits were named."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.training.jobs import Event
from engine.training.tuning import pictures
from engine.training.tuning.jobs.common import draws_of, ends_first

EACH = (1, 2, 5, 10, 20, 50)  # labelled images of each digit
PRETRAINED = (0, 25, 50, 100, 200, 400, 700)  # images that the vision transformer saw before


def reconstructed(settings: dict, folder: Path) -> Iterator[Event]:
    """Reconstruct digits without labels, then learn to name them from few labels: the error beside that from a
    random start.

    settings  draws, pre (steps of the pre-training)
    """
    data, draws = pictures.split(), draws_of(settings)
    counts = [pictures.CLASSES * each for each in EACH]
    told = {"kind": "setup", "held": len(data.held_labels), "counts": counts, "draws": draws}
    yield told | {"images": len(data.labels)}
    for told in pictures.pretrain(data, 0, settings["pre"]):
        if "model" not in told:
            yield {"kind": "pre"} | told
    starts = {"pretrained": told["model"], "random": None}
    for draw in range(draws):
        for each in EACH:
            rows = data.drawn(each, draw)
            for way, start in starts.items():
                begun = time.perf_counter()
                right, _ = pictures.named(data, rows, draw, start, pictures.FINE_STEPS)
                yield _point(way, pictures.CLASSES * each, draw, right, begun)


def images(settings: dict, folder: Path) -> Iterator[Event]:
    """A vision transformer that learned 0 to 4 from more and more images, then 5 to 9 from few.

    settings  draws, each (labelled images of every new digit)
    """
    data, draws = pictures.split(), draws_of(settings)
    held = int(np.isin(data.held_labels.numpy(), pictures.NEW).sum())
    yield {"kind": "setup", "held": held, "counts": list(PRETRAINED), "draws": draws, "each": settings["each"]}
    for draw in range(draws):
        rows = data.drawn(settings["each"], draw)
        for count in ends_first(PRETRAINED):
            begun = time.perf_counter()
            model = pictures.vit_pretrain(data, count, draw, pictures.VIT_STEPS)
            right = pictures.vit_named(data, model, rows, draw, pictures.VIT_FINE)
            yield _point("vit", count, draw, right, begun)


def _point(way: str, count: int, draw: int, right: np.ndarray, begun: float) -> Event:
    told = {"kind": "point", "way": way, "count": count, "draw": draw, "right": right.astype(np.uint8)}
    return told | {"seconds": time.perf_counter() - begun}
