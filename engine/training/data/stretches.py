"""What a span filler trains on: stretches of whole sentences, some of their spans hidden."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.tokenize import UnigramTokenizer
from engine.training.data.bitext import before
from engine.training.data.pairs import Sentences
from engine.training.objectives import spans

LEAST = 8  # tokens of a stretch


@dataclass(frozen=True, eq=False)
class Stretches:
    """Sentences, and how the rows of a step are drawn from them: all stretches of one text that have the same
    number of tokens, with as many of them hidden in as many spans, so that nothing is padded."""

    sentences: Sentences
    tokenizer: UnigramTokenizer
    context: int
    _known: dict = field(default_factory=dict)

    def __post_init__(self):
        if not self.lengths:
            raise ValueError(f"no stretch of whole sentences has {LEAST} to {self.context - 1} tokens")

    @cached_property
    def lengths(self) -> list[int]:
        """How many tokens stretches can have, beside the one that ends them."""
        return [length for length in range(LEAST, self.context) if len(self.of_length(length)[0])]

    def of_length(self, length: int) -> tuple[np.ndarray, np.ndarray]:
        """All stretches of so many tokens: their first sentences, and those after their last."""
        if length not in self._known:
            starts, documents = self.sentences.starts, self.sentences.documents
            lasts = np.minimum(np.searchsorted(starts, starts[:-1] + length), len(self.sentences))
            whole = starts[lasts] == starts[:-1] + length
            whole &= documents[np.maximum(lasts, 1) - 1] == documents
            firsts = np.flatnonzero(whole)
            self._known[length] = firsts.astype(np.int32), lasts[firsts].astype(np.int32)
        return self._known[length]

    def drawn(self, seed: int, step: int, count: int, context: int) -> tuple[list[list[int]], list[np.ndarray]]:
        """The texts of `step`, and which of their tokens are hidden: about count · context tokens, the same for
        the same seed."""
        draw = np.random.default_rng([seed, step])
        length = int(draw.choice([n for n in self.lengths if n < context]))
        firsts, lasts = self.of_length(length)
        rows = draw.integers(len(firsts), size=max(1, count * context // length))
        texts = [self.sentences.ids(int(firsts[i]), int(lasts[i])) for i in rows]
        how = spans.dice(draw)
        return texts, [spans.rolled(spans.spans(length, *how, draw), draw) for _ in texts]

    def batch(self, seed: int, step: int, count: int, context: int) -> tuple[Tensor, Tensor, Tensor]:
        """What the encoder reads, what the decoder reads, and what comes after each of its tokens [n, …]."""
        pairs = (self.corrupted(*row) for row in zip(*self.drawn(seed, step, count, context), strict=True))
        ids, labels = map(torch.tensor, zip(*pairs, strict=True))
        return ids, before(labels, self.tokenizer.start), labels

    def corrupted(self, ids: list[int], hidden: np.ndarray) -> tuple[list[int], list[int]]:
        """Input and target of a text as the vocabulary has them, each with its end."""
        sentinels, end = self.tokenizer.sentinels, self.tokenizer.end
        read, wanted = spans.corrupt(ids, hidden)
        return [*spans.encoded(read, sentinels), end], [*spans.encoded(wanted, sentinels), end]

    @staticmethod
    def loss(model: nn.Module, ids: Tensor, target: Tensor, labels: Tensor) -> Tensor:
        """Nats for a token of the target, all those before it known."""
        return F.cross_entropy(model(ids, target).flatten(0, 1), labels.flatten())
