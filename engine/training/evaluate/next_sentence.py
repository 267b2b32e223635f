"""Does an encoder judge by their sense whether one text follows another, or by something simpler?

Half of the pairs follow, and those that do not are exactly as long as those that do. They are asked at several
lengths: a model that learned from long pairs may give all short ones the same answer. Beside it stands what a
threshold on one number reaches, on the length or on the share of common words.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.model.transformer import Transformer
from engine.tokenize import WordPieceTokenizer
from engine.training.data.pairs import Pairs, Sentences
from engine.training.evaluate.language import SEED
from engine.training.evaluate.report import Score, row, share

DRAWN = "next sentence, as in training"
NAME = "next sentence, matched in length"
LENGTHS = (25, 32, 41, 47, 64)  # tokens that a pair has at most
COUNT = 500  # pairs of each length
AT_ONCE = 250
TRIES = 100  # for each pair


@dataclass(frozen=True)
class Asked:
    """Pairs of stretches: ids, segments and padding [N, T], and whether the second follows [N] (0: it does)."""

    ids: Tensor
    segments: Tensor
    padding: Tensor
    follows: Tensor

    @staticmethod
    def of(pairs: Pairs, context: int, steps: range, batch: int) -> "Asked":
        """As training draws them, some words hidden."""
        drawn = zip(*(pairs.batch(SEED, step, batch, context) for step in steps), strict=True)
        ids, segments, padding, _, follows = map(torch.cat, drawn)
        return Asked(ids, segments, padding, follows)


def matched(pairs: Pairs, context: int, seed: int, count: int) -> Asked | None:
    """Pairs of whole sentences without hidden words. A coin decides whether the second is what follows or a
    stretch as long as that from anywhere in the same texts. None: there are no such pairs."""
    draw, source, room = np.random.default_rng(seed), pairs.sources[0], (context - 3) // 2
    alike, rows = _by_length(source, room), []
    for _ in range(TRIES * count):
        if len(rows) == count:
            break
        first, after = source.stretch(int(draw.integers(len(source) - 1)), room)
        if after == len(source) or source.documents[after] != source.documents[after - 1]:
            continue
        second, _ = source.stretch(after, room)
        follows = draw.random() < 0.5
        if not follows:
            others = [number for number in alike[len(second)] if number != after]
            if not others:
                continue
            second, _ = source.stretch(int(draw.choice(others)), room)
        rows.append((*pairs.joined(first, second, context), int(not follows)))
    if not rows:
        return None
    ids, segments, padding, labels = (torch.tensor(part) for part in zip(*rows, strict=True))
    return Asked(ids, segments, padding.bool(), labels)


def _by_length(source: Sentences, room: int) -> dict[int, list[int]]:
    """The sentences from which a stretch of so many tokens begins."""
    found = defaultdict(list)
    for number in range(len(source)):
        found[len(source.stretch(number, room)[0])].append(number)
    return found


@torch.inference_mode()
def judged(model: Transformer, asked: Asked) -> Tensor:
    """What the model says of each pair [N] (0: it follows)."""
    found = []
    for ids, segments, padding in zip(*(x.split(AT_ONCE) for x in _read(asked)), strict=True):
        found.append(model.follows(model.stream(ids, model.context(ids, padding), segments)).argmax(-1))
    return torch.cat(found)


def _read(asked: Asked) -> tuple[Tensor, Tensor, Tensor]:
    return asked.ids, asked.segments, asked.padding


def lengths(asked: Asked) -> Tensor:
    """Tokens of each pair [N]."""
    return asked.padding.sum(-1).float()


def overlap(asked: Asked, word: Tensor) -> Tensor:
    """The share of the second stretch's words that the first has, too [N]; `word` [V]: which entries are
    (parts of) words."""
    found = []
    for ids, segments, padding in zip(*_read(asked), strict=True):
        first, second = (set(ids[padding & (segments == side) & word[ids]].tolist()) for side in (0, 1))
        found.append(len(first & second) / max(1, len(second)))
    return torch.tensor(found)


def threshold(known: Tensor, follows: Tensor, asked: Tensor) -> Tensor:
    """Answers by one number: above a threshold the one, else the other, both chosen on `known` pairs."""
    cuts = known.unique()
    right = ((known > cuts[:, None]) == follows.bool()).float().mean(-1)  # [cuts]
    best = int((right - 0.5).abs().argmax())
    return ((asked > cuts[best]) == (right[best] >= 0.5)).long()


def shortcuts(known: Asked, asked: Asked, word: Tensor) -> list[Score]:
    """What length alone and shared words alone would reach, each by a threshold chosen on other pairs."""
    guesses = [
        threshold(number(known), known.follows, number(asked))
        for number in (lengths, lambda pairs: overlap(pairs, word))
    ]
    return [share((guess == asked.follows).tolist()) for guess in guesses]


def words_of(tokenizer: WordPieceTokenizer) -> Tensor:
    """Which entries are words or parts of words [V]: not signs, not [MASK] and its like."""
    special = set(tokenizer.special.values())
    names = (tokenizer.names[id] for id in range(len(tokenizer)))
    return torch.tensor([id not in special and any(map(str.isalnum, name)) for id, name in enumerate(names)])


def rows(
    models: tuple[Transformer, ...], pairs: Pairs, kind: str, aim=None, part: float = 1.0
) -> Iterator[dict]:
    """Rows of the table: the models, always the more frequent answer, length alone, shared words alone. `part`:
    how much of the whole test is asked. Lengths without pairs, or too long for the model, are left out."""
    count = max(20, int(part * COUNT))
    for context in (length for length in LENGTHS if length <= models[0].config.context):
        known, asked = (matched(pairs, context, seed, count) for seed in (SEED + 1, SEED))
        if known is None or asked is None:
            continue
        often = int(known.follows.float().mean() > 0.5)
        guesses = [*(judged(model, asked) for model in models), torch.full_like(asked.follows, often)]
        scores = [share((guess == asked.follows).tolist()) for guess in guesses]
        scores += shortcuts(known, asked, words_of(pairs.tokenizer))
        wanted = aim if context == LENGTHS[-1] else None
        yield row(f"{NAME}, {context} tokens, {kind}", scores, aim=wanted) | {"tokens": context}
