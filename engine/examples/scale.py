"""Why scores are divided by √d_k: what becomes of q·k and its softmax as vectors grow, by random ones."""

from dataclasses import dataclass
from functools import cache

import numpy as np

WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
KEYS = 10  # that one query looks at
QUERIES = 400


@dataclass(frozen=True)
class Spread:
    """Of scores, and of their softmax over the keys of each query.

    variance  of the scores
    largest   weight of each query, on average
    entropy   of each query's weights in bits, on average; log2 of the number of keys at most
    """

    variance: float
    largest: float
    entropy: float


def spread(scores: np.ndarray) -> Spread:
    """Of scores [queries, keys]; −∞ is a key that a query does not see."""
    seen = np.isfinite(scores)
    exps = np.exp(scores - scores.max(-1, keepdims=True))
    weights = exps / exps.sum(-1, keepdims=True)
    bits = -np.where(weights > 0, weights * np.log2(np.where(weights > 0, weights, 1)), 0).sum(-1)
    return Spread(float(scores[seen].var()), float(weights.max(-1).mean()), float(bits.mean()))


@cache
def dots(width: int, seed: int = 0) -> np.ndarray:
    """q·k of random vectors [QUERIES, KEYS], whose entries are independent with mean 0 and variance 1."""
    random = np.random.default_rng((seed, width))
    q = random.standard_normal((QUERIES, 1, width))
    k = random.standard_normal((QUERIES, KEYS, width))
    return (q * k).sum(-1)


def with_and_without(width: int, seed: int = 0) -> tuple[Spread, Spread]:
    """(without the division, with it), for random vectors of this width."""
    found = dots(width, seed)
    return spread(found), spread(found / np.sqrt(width))
