"""Does an encoder judge by their sense whether one text follows another, or by something simpler?

Half of the pairs follow. Those that do not are exactly as long, of the same kind of text, with the same names.
Of all such that were looked at they have the number of common words and the pronouns most like those of a pair
that follows. They are asked by bands of length. Beside the model is what a logistic regression reaches that
sees lengths alone, or common words alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.model.transformer import Transformer
from engine.tokenize import WordPieceTokenizer
from engine.training.data.pairs import Pairs
from engine.training.evaluate.language import SEED
from engine.training.evaluate.report import Score, row, share

NAME = "next sentence"
BANDS = ((12, 20), (21, 30), (31, 40), (41, 50), (51, 60))  # tokens of a pair, [CLS] and both [SEP] included
COUNT = 500  # pairs of each band
AT_ONCE = 250
TRIES = 40  # for each pair
MATCHED = 1.0  # all pairs that do not follow are chosen by their words, too


@dataclass(frozen=True)
class Asked:
    """Pairs of passages: ids, segments and padding [N, T], and whether the second follows [N] (0: it does)."""

    ids: Tensor
    segments: Tensor
    padding: Tensor
    follows: Tensor


def matched(pairs: Pairs, band: tuple[int, int], seed: int, count: int, like: float = MATCHED) -> Asked | None:
    """Pairs of so many tokens, without hidden words, in the shares of their sources. None: there are none."""
    draw, rows, (low, high) = np.random.default_rng([seed, *band]), [], band
    drawn = replace(pairs, sources=tuple(source for source in pairs.sources if source.pairs), like=like)
    for _ in range(TRIES * count):
        if len(rows) == count:
            break
        found = drawn.pair(draw, drawn.source(draw, high).sentences, high)
        if found and low <= len(found[0]) + len(found[1]) + 3:
            label = int(draw.integers(2))
            rows.append((*pairs.joined(found[0], found[1 + label], high), label))
    if not rows:
        return None
    ids, segments, padding, labels = (torch.tensor(part) for part in zip(*rows, strict=True))
    return Asked(ids, segments, padding.bool(), labels)


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
    """Of each pair [N, 3]: the tokens of either passage, and the place of the [SEP] between them as a share."""
    first, second = ((asked.padding & (asked.segments == side)).sum(-1).float() for side in (0, 1))
    return torch.stack([first, second, first / (first + second)], -1)


def overlap(asked: Asked, word: Tensor) -> Tensor:
    """Of each pair [N, 3]: how many different words the second passage has in common with the first, and which
    share of its own and of the first's that is; `word` [V]: which entries are (parts of) words."""
    found = []
    for ids, segments, padding in zip(*_read(asked), strict=True):
        first, second = (set(ids[padding & (segments == side) & word[ids]].tolist()) for side in (0, 1))
        both = len(first & second)
        found.append((both, both / max(1, len(second)), both / max(1, len(first))))
    return torch.tensor(found, dtype=torch.float32)


def regression(known: Tensor, follows: Tensor, asked: Tensor) -> Tensor:
    """Answers [M] to `asked` [M, F] by a logistic regression on `known` numbers [N, F] and their squares."""
    mean, spread = known.mean(0), known.std(0).clamp(min=1e-6)
    known, asked = ((x - mean) / spread for x in (known, asked))
    model = nn.Linear(2 * known.shape[1], 2)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        found = F.cross_entropy(model(torch.cat([known, known**2], -1)), follows)
        (found + 1e-3 * model.weight.square().sum()).backward()
        return found

    optimizer.step(loss)
    return model(torch.cat([asked, asked**2], -1)).argmax(-1).detach()


def shortcuts(known: Asked, asked: Asked, word: Tensor) -> list[Score]:
    """What lengths alone and shared words alone reach, both learned from pairs of training texts."""
    guesses = [
        regression(numbers(known), known.follows, numbers(asked))
        for numbers in (lengths, lambda pairs: overlap(pairs, word))
    ]
    return [share((guess == asked.follows).tolist()) for guess in guesses]


def words_of(tokenizer: WordPieceTokenizer) -> Tensor:
    """Which entries are words or parts of words [V]: not signs, not [MASK] and its like."""
    special = set(tokenizer.special.values())
    names = (tokenizer.names[id] for id in range(len(tokenizer)))
    return torch.tensor([id not in special and any(map(str.isalnum, name)) for id, name in enumerate(names)])


def rows(
    models: tuple[Transformer, ...], learned: Pairs, test: Pairs, kind: str, aim=None, part: float = 1.0
) -> Iterator[dict]:
    """Rows of the table, a band each: the models, always the more frequent answer, lengths alone, shared words
    alone (from pairs of `learned`). `part`: how much of the whole test is asked. Bands without pairs, or too
    long for the model, are left out."""
    count, word = max(20, int(part * COUNT)), words_of(test.tokenizer)
    for low, high in (band for band in BANDS if band[1] <= models[0].config.context):
        known, asked = (matched(pairs, (low, high), SEED, count) for pairs in (learned, test))
        if known is None or asked is None:
            continue
        often = int(known.follows.float().mean() > 0.5)
        guesses = [*(judged(model, asked) for model in models), torch.full_like(asked.follows, often)]
        scores = [share((guess == asked.follows).tolist()) for guess in guesses]
        scores += shortcuts(known, asked, word)
        yield row(f"{NAME}, {low}–{high} tokens, {kind}", scores, aim=aim) | {
            "tokens": high,
            "band": f"{low}–{high}",
        }
