"""Span corruption (Raffel et al. 2020, T5): the target tells which tokens each sentinel stands for.

Sentinels are negative, so that they are no token: −1 is <extra_id_0>, −2 is <extra_id_1>.
"""

from itertools import groupby

import numpy as np


def sentinel(n: int) -> int:
    """The n-th sentinel, from 0."""
    return -1 - n


def name_of(sentinel: int) -> str:
    """A sentinel as T5's vocabulary writes it."""
    return f"<extra_id_{-1 - sentinel}>"


def spans(count: int, share: float, length: float, random: np.random.Generator) -> np.ndarray:
    """Which of `count` tokens are hidden: about `share` of them, in runs of `length` on average.

    Runs that are kept and runs that are hidden alternate; the first is kept (T5's random_spans_noise_mask).
    """
    hidden = min(max(round(count * share), 1), count - 1) if count > 1 else 0
    runs = min(max(round(hidden / length), 1), hidden, count - hidden)
    if not runs:
        return np.zeros(count, bool)
    lengths = np.stack([parts(count - hidden, runs, random), parts(hidden, runs, random)], 1).ravel()
    return np.repeat(np.arange(2 * runs) % 2 == 1, lengths)


def parts(total: int, count: int, random: np.random.Generator) -> np.ndarray:
    """`total` in `count` parts of 1 at least, all ways equally probable [count]."""
    ends = np.sort(random.choice(np.arange(1, total), count - 1, replace=False))
    return np.diff([0, *ends, total])


def corrupt(ids: list[int], hidden: np.ndarray) -> tuple[list[int], list[int]]:
    """What the encoder reads and what the decoder has to write: each hidden run is one sentinel in the first;
    the second has each sentinel with its run, and one more sentinel that closes it."""
    read, wanted, n = [], [], 0
    for gone, run in groupby(zip(ids, hidden, strict=True), key=lambda pair: bool(pair[1])):
        tokens = [id for id, _ in run]
        if gone:
            read.append(sentinel(n))
            wanted += [sentinel(n), *tokens]
            n += 1
        else:
            read += tokens
    return read, [*wanted, sentinel(n)]
