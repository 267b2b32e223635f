"""Accuracy over the number of labelled reviews, for every way to tune a decoder; and what each forgot."""

import time
from collections.abc import Iterator
from pathlib import Path

import torch

import engine
from engine.training.jobs import Event
from engine.training.tuning.data import Labelled, reviews
from engine.training.tuning.head import Classifier, batch_of, features_of
from engine.training.tuning.jobs.common import (
    draws_of,
    ends_first,
    forgot,
    point,
    recipe_of,
    setup,
    told_of,
)
from engine.training.tuning.runs import Tuned, count_trained, head_alone, prepare

COUNTS = (4, 8, 16, 32, 64, 120)  # labelled reviews


def curves(settings: dict, folder: Path) -> Iterator[Event]:
    """The heads, which are quick; then the other ways, the ends of their curves first.

    settings  model, ways, draws, steps, rate (of all weights), lora_rate, rank, targets
    """
    model, of = engine.load(settings["model"]), reviews()
    ways, draws = settings["ways"], draws_of(settings)
    yield setup(model, of, ways, settings) | {"counts": list(COUNTS), "draws": draws}
    if "head" in ways:
        yield from _heads(model, of, draws, settings)
    yield forgot(model, "before")
    for draw in range(draws):
        for count in ends_first(COUNTS):
            for way in (way for way in ways if way != "head"):
                one = yield from point(model, of, recipe_of(way, settings, draw), count, draw)
                if draw == 0 and count == COUNTS[-1] and way in ("lora", "all"):
                    yield forgot(one.classifier.model, way)


def _heads(model, of: Labelled, draws: int, settings: dict) -> Iterator[Event]:
    """The head alone for all draws and counts. The vectors that it reads never change, so they are computed
    once, and a point's seconds have its examples' part of that."""
    recipe, begun = recipe_of("head", settings, 0), time.perf_counter()
    classifier = prepare(model, len(of.labels), recipe)
    learn = features_of(classifier, batch_of(model, of.train))
    each = (time.perf_counter() - begun) / len(of.train)
    held, at = features_of(classifier, batch_of(model, of.held)), {one: i for i, one in enumerate(of.train)}
    for draw in range(draws):
        for count in COUNTS:
            begun = time.perf_counter()
            rows = torch.tensor([at[one] for one in of.drawn(count, draw)], device=learn.device)
            labels = torch.tensor([of.train[i].label for i in rows.tolist()], device=learn.device)
            classifier = Classifier(classifier.model, len(of.labels))
            losses = head_alone(classifier, learn[rows], labels)
            with torch.no_grad():
                shares = classifier.head(held).softmax(-1).cpu().numpy()
            right, seconds = shares.argmax(-1) == of.truth(), time.perf_counter() - begun + each * count
            numbers, kept = count_trained(classifier), learn[rows].nbytes
            told = Tuned(classifier, recipe, right, shares, seconds, *numbers, kept, losses)
            yield {"kind": "point", "way": "head", "count": count, "draw": draw} | told_of(told)
