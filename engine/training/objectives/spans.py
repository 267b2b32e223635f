"""Span corruption (Raffel et al. 2020, T5): the target tells which tokens each sentinel stands for.

Sentinels are negative, so that they are no token: −1 is <extra_id_0>, −2 is <extra_id_1>.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from engine.tokenize.unigram import SENTINEL
from engine.trace.inputs import inputs_of
from engine.training.objectives.forcing import written
from engine.training.objectives.losses import losses

SHARES = 0.05, 0.25  # of the tokens that are hidden, 15 % on average
LENGTHS = 2, 6  # tokens of a run on average; as short texts have no room for long ones, about 3 in all


def sentinel(n: int) -> int:
    """The n-th sentinel, from 0."""
    return -1 - n


def name_of(sentinel: int) -> str:
    """A sentinel as T5's vocabulary writes it."""
    return SENTINEL.format(-1 - sentinel)


def dice(random: np.random.Generator) -> tuple[float, float]:
    """What a short text's spans are drawn with: the share of hidden tokens, and the length of a run on average.

    T5 always takes 15 % and 3, of 512 tokens. Of a sentence that would leave one run, whose length follows from
    the sentence's: a model could count instead of read.
    """
    return float(random.uniform(*SHARES)), int(random.integers(LENGTHS[0], LENGTHS[1] + 1))


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


def rolled(hidden: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The same runs, the text begun at another token, so that none is cut: as they are drawn the last token is
    always hidden, which of one run is its place (T5's random_roll)."""
    whole = np.flatnonzero(~(hidden & np.roll(hidden, 1)))  # tokens that do not go on a run
    return np.roll(hidden, -random.choice(whole))


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


def encoded(tokens: Sequence[int], sentinels: Sequence[int]) -> list[int]:
    """The same with the sentinels as a vocabulary has them; a ValueError where it has too few."""
    needed = -min(tokens, default=0)
    if needed > len(sentinels):
        raise ValueError(f"{needed} sentinels are needed; the vocabulary has {len(sentinels)}")
    return [sentinels[-1 - token] if token < 0 else token for token in tokens]


# --- one text, and what a model makes of it -------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Lesson:
    """A text as it would be corrupted in training, and what a model writes of it.

    ids      the text; hidden [N], which of its tokens are
    read     what the encoder reads, wanted what the decoder has to write, both with the end
    logits   [T, V] of the wanted tokens, each after the right ones; losses [T], in nats
    own      what the model writes by itself, with the end if it comes
    """

    ids: list[int]
    hidden: np.ndarray
    read: list[int]
    wanted: list[int]
    logits: Tensor
    losses: Tensor
    own: list[int]


def lesson(model, ids: list[int], seed: int) -> Lesson:
    """A text's ids, without its end, corrupted by dice of this seed; a ValueError where there is nothing to
    hide or no room."""
    if len(ids) < 2:
        raise ValueError("of one token nothing can be hidden: a text of two or more is needed")
    random = np.random.default_rng(seed)
    hidden = rolled(spans(len(ids), *dice(random), random), random)
    sentinels = model.tokenizer.sentinels
    read, wanted = ([*encoded(part, sentinels), model.end] for part in corrupt(ids, hidden))
    inputs = inputs_of(model, read, target=[model.start, *wanted[:-1]])
    with torch.inference_mode():
        logits = model.read(inputs)[0].cpu()
    each = losses(logits, torch.tensor(wanted))
    return Lesson(ids, hidden, read, wanted, logits, each, written(model, read))
