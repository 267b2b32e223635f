"""What each step trains on: passages of the books, generated English, and drills, by shares."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.transformer import Transformer
from engine.training.data.grammar import grammar
from engine.training.data.words import words
from engine.training.progress import counted

SHARES: dict[str, int] = words("shares.toml")
UNSEEN = 1_000_001  # the seed of the English that the validation loss is of
FIRST, FEWEST = (
    5_000_000,
    500_000,
)  # characters that a vocabulary is learned from, at most; that are written, at least
A_MINUTE, A_TOKEN = 400_000, 16  # tokens read on two cores; characters written for each


def english(seed: int, characters: int) -> Iterator[str]:
    """Generated texts, endlessly different by their seed, until they hold so many characters."""
    draw = random.Random(seed)
    while characters > 0:
        text = grammar().text(draw.choices(list(SHARES), SHARES.values())[0], draw)
        characters -= len(text)
        yield text


def texts_by(rule: str, seed: int, characters: int, held: bool = False) -> Iterator[str]:
    """Texts of one rule; `held`: of which all combinations are held out."""
    draw = random.Random(f"{rule} {seed}")
    while characters > 0:
        text = grammar().text(rule, draw, held)
        characters -= len(text)
        yield text


def mingled(texts: Iterable[str], sentences: Sequence[str], share: float, seed: int) -> Iterator[str]:
    """Texts with sentences among them, which are a share of all characters. Each comes once before one comes
    again, and which stand beside one another is chance."""
    draw, order, behind = random.Random(f"sentences {seed}"), [], 0.0
    for text in texts:
        yield text
        behind += len(text) * share / (1 - share)
        while behind > 0:
            order = order or draw.sample(sentences, len(sentences))
            behind -= len(order[-1])
            yield order.pop()


def written(seed: int, characters: int, what: str) -> Iterator[str]:
    """The same, and how far it is is shown."""
    return counted(english(seed, characters), what, characters, len)


def amount(most: int, tokens: int, minutes: float | None) -> int:
    """How many characters to write: the same however long a model learns, so that all read the same; for short
    runs fewer, that they need not wait."""
    expected = tokens if minutes is None else min(tokens, int(minutes * A_MINUTE))
    return min(most, max(FEWEST, A_TOKEN * expected))


@dataclass(frozen=True)
class Mix:
    """Rows of ids to learn from, and how the windows of a step are drawn from them.

    books        one long row; a window begins anywhere
    generated    texts with `end` after each; a window begins where a text does (None: no such windows)
    shares       of the windows that are generated text, and that are drills
    everyday     the share of all that is read of everyday sentences, which stand among the generated texts
    begin        what every text and so every window begins with, also amid a book (None: with nothing)
    """

    books: np.ndarray
    generated: np.ndarray | None
    end: int
    english: float = 0.0
    drills: float = 0.0
    begin: int | None = None
    everyday: float = 0.0

    def batch(self, seed: int, step: int, count: int, context: int) -> tuple[Tensor]:
        """The windows of `step` [count, context + 1]: the same for the same seed, whatever came before."""
        draw = np.random.default_rng([seed, step])
        rows = [self._window(draw, context + 1) for _ in range(count)]
        return (torch.from_numpy(np.stack(rows).astype(np.int64)),)

    @staticmethod
    def loss(model: Transformer, windows: Tensor) -> Tensor:
        """Mean loss in nats per token."""
        logits = model(windows[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())

    def _window(self, draw: np.random.Generator, length: int) -> np.ndarray:
        window = self._drawn(draw, length)
        if self.begin is not None:
            window = window.copy()
            window[0] = self.begin
        return window

    def _drawn(self, draw: np.random.Generator, length: int) -> np.ndarray:
        kind = draw.random()
        if kind < self.drills:
            return drill(draw, self.end, length, self.begin)
        if kind < self.drills + self.english + self.everyday:
            fitting = np.searchsorted(self.starts, len(self.generated) - length, "right")
            first = self.starts[draw.integers(0, fitting)]
            return self.generated[first : first + length]
        first = draw.integers(0, len(self.books) - length + 1)
        return self.books[first : first + length]

    @cached_property
    def starts(self) -> np.ndarray:
        """Where a generated text begins."""
        return np.concatenate([[0], np.flatnonzero(self.generated == self.end) + 1])


def drill(draw: np.random.Generator, end: int, length: int, begin: int | None = None) -> np.ndarray:
    """Random strings of 4 to 30 tokens, each repeated two to four times: only looking back helps here."""
    row: list[int] = []
    before = [] if begin is None else [begin]
    while len(row) < length:
        string = draw.integers(0, end, draw.integers(4, 31)).tolist()
        row += before + string * int(draw.integers(2, 5)) + [end]
    return np.array(row[:length])
