"""What an encoder learns from: two stretches of text, some words hidden, and whether the second follows."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.masked import KEPT, mask_tokens
from engine.model.transformer import Transformer
from engine.tokenize import WordPieceTokenizer

ENDS = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(]*[A-Z])")
NONE = -100  # a label where nothing is to be guessed, as torch's cross-entropy wants it
BATCH = 512  # texts cut at once: the tokenizers library is quicker so


def sentences_of(text: str) -> list[str]:
    """The sentences of a text whose paragraphs stand on lines of their own."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        end = 0
        for gap in ENDS.finditer(line):
            found.append(line[end : gap.end()].strip())
            end = gap.end()
        found.append(line[end:])
    return found


@dataclass(frozen=True)
class Sentences:
    """Texts as one long row of ids: sentence i is row[starts[i] : starts[i + 1]], of the text documents[i]."""

    row: np.ndarray
    starts: np.ndarray
    documents: np.ndarray

    def __len__(self) -> int:
        return len(self.documents)

    @staticmethod
    def of(texts: Iterable[str], tokenizer: WordPieceTokenizer) -> "Sentences":
        """The sentences of texts as token ids, and which document each is from."""
        rows, documents = [], []
        for number, text in enumerate(texts):
            parts = sentences_of(text)
            for first in range(0, len(parts), BATCH):
                cut = tokenizer.inner.encode_batch(parts[first : first + BATCH], add_special_tokens=False)
                rows += [np.array(one.ids, dtype=np.uint16) for one in cut if one.ids]
            documents += [number] * (len(rows) - len(documents))
        starts = np.cumsum([0, *map(len, rows)])
        row = np.concatenate([np.array([], dtype=np.uint16), *rows])
        return Sentences(row, starts, np.array(documents, dtype=np.int32))

    def stretch(self, first: int, room: int) -> tuple[list[int], int]:
        """Whole sentences from `first` on, of one text, while they fit into `room` tokens (a longer one is
        cut), and the number of the sentence after them."""
        last = first + 1
        while (
            last < len(self)
            and self.documents[last] == self.documents[first]
            and self.starts[last + 1] - self.starts[first] <= room
        ):
            last += 1
        return self.row[self.starts[first] : self.starts[last]][:room].tolist(), last


@dataclass(frozen=True)
class Pairs:
    """Sentences to learn from, and how the pairs of a step are drawn from them.

    each of `sources` gives its share of the pairs
    """

    sources: tuple[Sentences, ...]
    shares: tuple[float, ...]
    tokenizer: WordPieceTokenizer

    def batch(self, seed: int, step: int, count: int, context: int) -> tuple[Tensor, ...]:
        """The pairs of `step`: ids, segments, padding, labels [count, context], and whether the second
        stretch follows [count] (0: it does). The same for the same seed, whatever came before."""
        draw = np.random.default_rng([seed, step])
        rows = [self._pair(draw, context) for _ in range(count)]
        ids, segments, padding = (torch.tensor(part) for part in list(zip(*rows, strict=True))[:3])
        special = ~padding.bool() | (ids == self.tokenizer.start) | (ids == self.tokenizer.end)
        random = torch.Generator().manual_seed(int(draw.integers(2**62)))
        read, done = mask_tokens(ids, special, self.tokenizer.mask, len(self.tokenizer), random)
        labels = ids.masked_fill(done == KEPT, NONE)
        return read, segments, padding.bool(), labels, torch.tensor([row[3] for row in rows])

    def _pair(self, draw: np.random.Generator, context: int) -> tuple[list, list, list, int]:
        source = self.sources[draw.choice(len(self.sources), p=self.shares)]
        room = (context - 3) // 2
        first, after = source.stretch(int(draw.integers(len(source) - 1)), room)
        follows = draw.random() < 0.5 and after < len(source)
        follows = follows and source.documents[after] == source.documents[after - 1]
        second, _ = source.stretch(after if follows else int(draw.integers(len(source))), room)
        return *self.joined(first, second, context), int(not follows)

    def joined(self, first: list[int], second: list[int], context: int) -> tuple[list, list, list]:
        """Two stretches as one row of `context` ids, with its segments and padding."""
        start, end = self.tokenizer.start, self.tokenizer.end
        ids = [start, *first, end, *second, end]
        segments = [0] * (len(first) + 2) + [1] * (len(second) + 1)
        rest = [0] * (context - len(ids))
        return ids + rest, segments + rest, [1] * len(ids) + rest

    @staticmethod
    def loss(
        model: Transformer, ids: Tensor, segments: Tensor, padding: Tensor, labels: Tensor, follows: Tensor
    ) -> Tensor:
        """Nats for a hidden word, plus nats for whether the second stretch follows."""
        x = model.stream(ids, model.context(ids, padding), segments)
        words = F.cross_entropy(model.unembed(x[labels != NONE]), labels[labels != NONE])
        return words + F.cross_entropy(model.follows(x), follows)
