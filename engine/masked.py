"""What an encoder is for: filling a [MASK], judging if one text follows another; and how it was trained."""

from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

import torch
from torch import Tensor

from engine.model.transformer import Transformer
from engine.tokenize.wordpiece import MASK, PREFIX
from engine.trace import run
from engine.trace.inputs import encode, tokenizer_of

SHARE, MASKED, RANDOM = 0.15, 0.8, 0.1  # Devlin et al. 2018, section 3.1
KEPT, AS_MASK, AS_OTHER, AS_ITSELF = range(4)


@dataclass(frozen=True)
class Guess:
    """An entry for a [MASK] and its probability."""

    id: int
    text: str
    probability: float


def fill(model: Transformer, text: str, count: int = 5) -> list[list[Guess]]:
    """The most probable entries for each [MASK] of a text, in its order."""
    if getattr(model.config, "ending", "") != "masked":
        raise ValueError(f"{model.name} has no head for {MASK}: it gives vectors, no words")
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
        raise ValueError(f"count is {count!r}; it is a whole number from 1 upwards")
    ids = encode(model, text)
    places = [t for t, id in enumerate(ids) if id == model.tokenizer.mask]
    if not places:
        raise ValueError(f"there is no {MASK} in the text: write {MASK} in the place of the word to be found")
    count = min(int(count), model.config.vocabulary)
    shares = run(model, ids)["logits"][0, places].softmax(-1).topk(count)
    rows = zip(shares.indices.tolist(), shares.values.tolist(), strict=True)
    return [[_guess(model, *each) for each in zip(*row, strict=True)] for row in rows]


def _guess(model: Transformer, id: int, share: float) -> Guess:
    return Guess(id, model.tokenizer.shown(id).decode(), share)


def follows(model: Transformer, first: str, second: str) -> float:
    """The probability that the second text follows the first."""
    if not getattr(model.config, "next_sentence", False):
        raise ValueError(f"{model.name} has no head that judges whether one text follows another")
    for text in (first, second):
        encode(model, text)  # checked one by one: an error names its own text
    ids, segments = tokenizer_of(model).encode_pair(first, second)
    return run(model, ids, segments=segments)["follows.scores"][0].softmax(-1)[0].item()


@dataclass(frozen=True)
class Hidden:
    """A token as an encoder reads it in training: the entry in its position, and what was done to it."""

    id: int
    done: int  # KEPT, AS_MASK, AS_OTHER or AS_ITSELF


def lesson(model: Transformer, ids: list[int], seed: int) -> list[Hidden]:
    """A text as an encoder could read it in training: some tokens masked, replaced, or left to be predicted."""
    tokenizer, given = model.tokenizer, torch.tensor([ids])
    special = (given == tokenizer.start) | (given == tokenizer.end)
    random = torch.Generator().manual_seed(seed)
    read, done = mask_tokens(given, special, tokenizer.mask, model.config.vocabulary, random)
    return [Hidden(*pair) for pair in zip(read[0].tolist(), done[0].tolist(), strict=True)]


class Dice(NamedTuple):
    """The random numbers [B, T] of each token: is it chosen, what is done to it, which entry comes instead."""

    chosen: Tensor
    how: Tensor
    entry: Tensor


def throw(shape: torch.Size, vocabulary: int, generator: torch.Generator) -> Dice:
    """Dice for tokens of a shape: two numbers from 0 to 1, and an entry of the vocabulary."""
    numbers = [torch.rand(shape, generator=generator) for _ in range(2)]
    return Dice(*numbers, torch.randint(vocabulary, shape, generator=generator))


def together(dice: Dice, words: list[int]) -> Dice:
    """Whole-word masking: a piece is chosen if the first piece of its word is.

    words  the position of that first piece, for each token [T]
    """
    return dice._replace(chosen=dice.chosen[:, words])


def words_of(tokenizer, ids: list[int]) -> list[int]:
    """The position of the first piece of each token's word: "##" continues a word."""
    firsts = []
    for t, id in enumerate(ids):
        firsts.append(firsts[-1] if t and tokenizer.names[id].startswith(PREFIX) else t)
    return firsts


def mask_tokens(
    ids: Tensor,
    special: Tensor,
    mask: int,
    vocabulary: int,
    generator: torch.Generator,
    share: float = SHARE,
) -> tuple[Tensor, Tensor]:
    """What an encoder reads in training, and what was done to each token.

    ids      [B, T]; special [B, T], true where a token is never chosen ([CLS], [SEP], padding)
    Returns ids in which a share of the others (15%) was chosen, and KEPT for those not chosen; of the chosen,
    80% are the mask (AS_MASK), 10% a random entry (AS_OTHER), 10% what they were (AS_ITSELF).
    """
    return mask_by(throw(ids.shape, vocabulary, generator), ids, special, mask, share)


def mask_by(dice: Dice, ids: Tensor, special: Tensor, mask: int, share: float = SHARE) -> tuple[Tensor, Tensor]:
    """The same for dice that are thrown already."""
    chosen = (dice.chosen < share) & ~special
    done = torch.full_like(ids, AS_ITSELF)
    done[dice.how < MASKED + RANDOM] = AS_OTHER
    done[dice.how < MASKED] = AS_MASK
    done[~chosen] = KEPT
    corrupted = ids.clone()
    corrupted[done == AS_MASK] = mask
    corrupted[done == AS_OTHER] = dice.entry[done == AS_OTHER]
    return corrupted, done
