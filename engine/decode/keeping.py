"""Writing with a cache and without one: whether both give the same scores, and how long each takes."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.decode.growing import check_scores, ends_of, grow, next_logits, one_text, written_in


@dataclass(frozen=True)
class Agreement:
    """The same text written greedily with a cache, its scores beside those without one.

    ids          the tokens written, one a pass; the one that ends the text is the last
    differences  the largest difference of any score, for each pass
    scores       the largest score in size, of all passes
    bytes        what the cache holds after each pass
    """

    ids: list[int]
    differences: list[float]
    scores: float
    bytes: list[int]

    @property
    def largest(self) -> float:
        """The largest difference of all passes."""
        return max(self.differences, default=0.0)


@torch.inference_mode()
def agreement(model, text_or_ids, count: int, target=None) -> Agreement:
    """Write up to `count` tokens, as many as there is room for, or until the text ends, and compare; the
    arguments are `generate`'s."""
    inputs = one_text(model, text_or_ids, target)
    ids = written_in(inputs)
    cache = model.new_cache(room=_room(model, ids, count))
    kept, anew = next_logits(model, inputs, cache), next_logits(model, inputs)
    found, largest, held = [], 0.0, []

    def score(ids: Tensor) -> Tensor:
        nonlocal largest
        scores, others = kept(ids), anew(ids)
        check_scores(model, scores)
        found.append((scores - others).abs().max().item())
        largest = max(largest, scores.abs().max().item())
        held.append(cache.bytes)
        return scores

    steps = grow(ids, score, _best, _room(model, ids, count) - ids.shape[1])
    new = []
    for token, _ in steps:
        new.append(int(token))
        if new[-1] in ends_of(model):
            break
    return Agreement(new, found, largest, held)


@dataclass(frozen=True)
class Timing:
    """Seconds for each token, with a cache and without one, as medians of `repeats` measurements.

    tokens  how many had been there before each
    """

    tokens: list[int]
    kept: list[float]
    anew: list[float]
    repeats: int


def timing(
    model, text_or_ids, count: int, target=None, seconds: float = 4.0, repeats: int = 5, clock=time.perf_counter
) -> Timing:
    """Measure up to `count` tokens, greedy, in turn with and without a cache, for about so many seconds; a long
    text is measured as far as a third of them reach, and a token that would end it does not."""
    inputs, begun = one_text(model, text_or_ids, target), clock()
    first = written_in(inputs).shape[1]
    count = _room(model, written_in(inputs), count) - first
    list(_lap(model, inputs, min(count, 2), True, clock))  # what is made ready once
    found: tuple[list, list] = ([], [])
    while len(found[0]) < repeats and (not found[0] or clock() - begun < seconds):
        anew, start = [], clock()
        for lap in _lap(model, inputs, count, False, clock):
            anew.append(lap)
            if not found[0] and clock() - start > seconds / 3:
                break
        count = len(anew)
        found[1].append(anew)
        found[0].append(list(_lap(model, inputs, count, True, clock)))
    kept, anew = ([statistics.median(each) for each in zip(*laps, strict=True)] for laps in found)
    return Timing([first + i for i in range(count)], kept, anew, len(found[0]))


def _lap(model, inputs, count: int, cached: bool, clock) -> Iterator[float]:
    """The seconds of one token after the other."""
    ids = written_in(inputs)
    cache = model.new_cache(room=ids.shape[1] + count) if cached else None
    start = clock()
    for _ in grow(ids, next_logits(model, inputs, cache), _best, count):
        now = clock()
        yield now - start
        start = clock()


def _room(model, ids: Tensor, count: int) -> int:
    return min(model.reads[-1].context, ids.shape[1] + count)


def _best(scores: Tensor) -> Tensor:
    return scores.argmax(-1)
