"""Denoising (Lewis et al. 2020, BART): a text is damaged in one of five ways, and all of it is to be written.

A damaged text is told by where each of its tokens stood: [0, MASK, 3] has the first, a mask, and the fourth.
"""

from collections.abc import Callable
from itertools import chain

import numpy as np

MASK = -1
SHARE = 0.3  # of the tokens that are masked, deleted or infilled
LENGTH = 3  # of an infilled run, on average (Poisson)

Sentences = list[range]  # where each sentence stands


def mask(sentences: Sentences, random: np.random.Generator) -> list[int]:
    """Token masking: some tokens are the mask."""
    gone = random.random(sentences[-1].stop) < SHARE
    return [MASK if gone[t] else t for t in chain(*sentences)]


def delete(sentences: Sentences, random: np.random.Generator) -> list[int]:
    """Token deletion: some tokens are gone, and nothing says where."""
    gone = random.random(sentences[-1].stop) < SHARE
    return [t for t in chain(*sentences) if not gone[t]]


def infill(sentences: Sentences, random: np.random.Generator) -> list[int]:
    """Text infilling: runs of any length, none included, are one mask each."""
    count, found, t = sentences[-1].stop, [], 0
    start = SHARE / LENGTH / (1 - SHARE)  # so that about SHARE of the tokens are hidden
    while t < count:
        if random.random() < start:
            found.append(MASK)
            t += random.poisson(LENGTH)
        if t < count:  # between two runs stands a token
            found.append(t)
            t += 1
    return found


def permute(sentences: Sentences, random: np.random.Generator) -> list[int]:
    """Sentence permutation: the sentences in another order."""
    return list(chain(*(sentences[i] for i in random.permutation(len(sentences)))))


def rotate(sentences: Sentences, random: np.random.Generator) -> list[int]:
    """Document rotation: it begins with a token by chance, and what stood before that comes last."""
    count = sentences[-1].stop
    first = int(random.integers(count))
    return [*range(first, count), *range(first)]


KINDS: dict[str, Callable[[Sentences, np.random.Generator], list[int]]] = {
    "infill": infill,
    "mask": mask,
    "delete": delete,
    "permute": permute,
    "rotate": rotate,
}
