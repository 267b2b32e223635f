"""What span fillers do (T5): a sentinel stands for words that are gone, and the decoder writes them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.decode import Decoding, choices
from engine.tokenize.unigram import SENTINEL
from engine.trace.inputs import encode


@dataclass(frozen=True)
class Part:
    """A piece of a text put together: token ids, and which sentinel they stand for (None: they were read)."""

    ids: tuple[int, ...]
    sentinel: int | None


@dataclass(frozen=True)
class Filled:
    """What a model wrote for a text's sentinels.

    text         the text put together
    spans        what was written for each sentinel of the text, in its order; empty where nothing was
    probability  of all tokens that were written
    """

    text: str
    spans: tuple[str, ...]
    probability: float


def fill(model, text: str, most: int = 20) -> Filled:
    """A text with each sentinel replaced by what the model writes for it, always the most probable token.

    most: tokens that are written. Raises a ValueError where the model has no sentinels, or the text has none.
    """
    if not model.fills_spans:
        raise ValueError(f"{model.name} has no {SENTINEL.format(0)}: it was not made to fill spans")
    ids = encode(model, text)
    if not set(ids) & set(model.tokenizer.sentinels):
        raise ValueError(
            f"there is no {SENTINEL.format(0)} in the text: write it in the place of the words to be found"
        )
    written, nats = [], 0.0
    for one in choices(model, ids, Decoding(max_tokens=most)):
        written.append(one.id)
        nats += math.log(one.probability)
    parts = together(model.tokenizer, ids, written)
    spans = tuple(told(model.tokenizer, part.ids).strip() for part in parts if part.sentinel is not None)
    return Filled(put(model.tokenizer, parts), spans, math.exp(nats))


def runs_of(written: Sequence[int], sentinels: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """What stands behind each sentinel of a decoder's text, up to the next one; of one that comes twice, the
    first counts."""
    runs: dict[int, list[int]] = {}
    now: list[int] = []  # what comes before the first sentinel stands for nothing
    for id in written:
        if id in sentinels:
            now = []
            runs.setdefault(id, now)
        else:
            now.append(id)
    return {id: tuple(run) for id, run in runs.items()}


def together(tokenizer, read: Sequence[int], written: Sequence[int]) -> list[Part]:
    """A text that was read, each sentinel in it replaced by its run of what was written, without what begins or
    ends either."""
    special = set(tokenizer.special.values()) - {tokenizer.unknown}
    runs = runs_of([id for id in written if id not in special], tokenizer.sentinels)
    parts: list[Part] = []
    for id in read:
        if id in tokenizer.sentinels:
            parts.append(Part(runs.get(id, ()), id))
        elif id not in special:
            before = parts.pop().ids if parts and parts[-1].sentinel is None else ()
            parts.append(Part((*before, id), None))
    return parts


def put(tokenizer, parts: Sequence[Part]) -> str:
    """The parts as one text."""
    return tokenizer.decode([id for part in parts for id in part.ids])


def told(tokenizer, ids: Sequence[int]) -> str:
    """Tokens as text, a first space included."""
    return b"".join(map(tokenizer.shown, ids)).decode("utf-8", "replace")
