"""Words to reverse and stretches of books, character by character: what models learn from that differ in their
positions alone."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.tokenize.characters import CharacterTokenizer
from engine.training.data.pairs import NONE
from engine.training.tasks.task import held_out

END, GIVEN = "\n", " > "  # closes a line; stands between a word and the same reversed
LETTERS = END + "".join(map(chr, range(32, 127)))  # all characters: their places are their ids
LEARNED, BEYOND = range(3, 9), range(9, 13)  # letters of the words of training, and of some that are only asked
LONGEST_LINE = 2 * max(BEYOND) + len(GIVEN + END)
PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "…": "..."})
WORD = re.compile(rf"(?<![\w'-])[a-z]{{{LEARNED[0]},{BEYOND[-1]}}}(?![\w'-])")
TWICE = 2  # what occurs less often may be a slip

Words = dict[int, list[str]]  # by how many letters they have


def tokenizer() -> CharacterTokenizer:
    """The vocabulary, which is the same for all."""
    return CharacterTokenizer(LETTERS, END)


def plain(text: str) -> str:
    """A book in LETTERS alone, each paragraph a line."""
    text = re.sub(r"[^\s!-~]", "", unicodedata.normalize("NFKD", text.translate(PLAIN)))
    lines = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return END.join(filter(None, lines))


def ids_of(text: str) -> np.ndarray:
    """The ids [N] of a text in LETTERS."""
    codes = np.frombuffer(text.encode("ascii"), np.uint8)
    return np.where(codes == ord(END), 0, codes - 31).astype(np.uint8)


def row_of(books: Iterable[str]) -> np.ndarray:
    """Plain books as one long row of ids."""
    return np.concatenate([ids_of(book + END) for book in books])


def words_of(books: Iterable[str]) -> tuple[Words, Words]:
    """Words in small letters that occur in plain books, by length: those to learn from, and those held out."""
    counts = Counter(word for book in books for word in WORD.findall(book))
    words = sorted(word for word, count in counts.items() if count >= TWICE)
    sides: tuple[Words, Words] = ({}, {})
    for word in words:
        if len(word) in LEARNED or held_out(word):
            sides[held_out(word)].setdefault(len(word), []).append(word)
    return sides


def line_of(word: str) -> str:
    """A word and the same reversed, as it is read and asked for."""
    return word + GIVEN + word[::-1] + END


@dataclass(frozen=True)
class Orders:
    """Windows of lines, each a word and the same reversed, and windows of books, drawn anew for every step.

    row    books as one long row of ids
    words  to reverse, by length: each length as often
    share  of the windows that are lines
    """

    row: np.ndarray
    words: Words
    share: float

    @cached_property
    def lengths(self) -> list[int]:
        """How many letters the words have, each once."""
        return sorted(self.words)

    def batch(self, seed: int, step: int, count: int, context: int) -> tuple[Tensor, Tensor]:
        """What is read and what is to be written after each character, both [count, context]; NONE where that
        cannot be known, in the word itself. The same for the same seed and step."""
        draw, lines = np.random.default_rng([seed, step]), round(self.share * count)
        windows = [self._lines(draw, context) for _ in range(lines)]
        windows += [self._stretch(draw, context) for _ in range(count - lines)]
        ids, labels = (torch.from_numpy(np.stack(part)) for part in zip(*windows, strict=True))
        return ids, labels

    @staticmethod
    def loss(model: nn.Module, ids: Tensor, labels: Tensor) -> Tensor:
        """Nats per character that is asked."""
        return F.cross_entropy(model(ids).flatten(0, 1), labels.flatten(), ignore_index=NONE)

    def _lines(self, draw: np.random.Generator, context: int) -> tuple[np.ndarray, np.ndarray]:
        """A window that begins with a line and ends where it is full."""
        text, asked = "", []
        while len(text) <= context:
            some = self.words[self.lengths[draw.integers(len(self.lengths))]]
            line = line_of(some[draw.integers(len(some))])
            first = line.index(GIVEN) + len(GIVEN) - 1  # the blank before the answer can be known, too
            text += line
            asked += [i >= first for i in range(len(line))]
        ids = ids_of(text[: context + 1]).astype(np.int64)
        return ids[:-1], np.where(asked[1 : context + 1], ids[1:], NONE)

    def _stretch(self, draw: np.random.Generator, context: int) -> tuple[np.ndarray, np.ndarray]:
        start = draw.integers(len(self.row) - context)
        ids = self.row[start : start + context + 1].astype(np.int64)
        return ids[:-1], ids[1:]
