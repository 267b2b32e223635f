"""A 3-gram model: what can be had by counting, as a measure for everything that learns."""

import numpy as np
import torch
from torch import Tensor

DISCOUNT = 0.75


class Trigram:
    """Counts of three tokens, backing off to two and one (absolute discounting, Ney et al. 1994).

    Called like a Transformer: ids [B, T] -> log-probabilities [B, T, V] of the token after each.
    """

    def __init__(self, row: np.ndarray, vocabulary: int):
        self.V, ids = vocabulary, row.astype(np.int64)
        self.one = (np.bincount(ids, minlength=vocabulary) + 1) / (len(ids) + vocabulary)
        self.pairs = np.unique(ids[:-1] * vocabulary + ids[1:], return_counts=True)
        triples = (ids[:-2] * vocabulary + ids[1:-1]) * vocabulary + ids[2:]
        self.triples = np.unique(triples, return_counts=True)

    def __call__(self, ids: Tensor) -> Tensor:
        rows = [[self.after(row[: i + 1]) for i in range(len(row))] for row in ids.tolist()]
        return torch.from_numpy(np.log(np.array(rows), dtype=np.float32))

    def after(self, ids: list[int]) -> np.ndarray:
        """Probabilities [V] of the token after `ids`, of which the last two count."""
        if not ids:
            return self.one
        two = self._mixed(self.pairs, ids[-1], self.one)
        return two if len(ids) < 2 else self._mixed(self.triples, ids[-2] * self.V + ids[-1], two)

    def _mixed(self, table: tuple[np.ndarray, np.ndarray], before: int, shorter: np.ndarray) -> np.ndarray:
        """What was counted after `before`, less the discount, which goes to the shorter context."""
        keys, counts = table
        a, b = np.searchsorted(keys, [before * self.V, (before + 1) * self.V])
        if a == b:
            return shorter
        seen = counts[a:b]
        mixed = shorter * (DISCOUNT * len(seen) / seen.sum())
        mixed[keys[a:b] - before * self.V] += (seen - DISCOUNT) / seen.sum()
        return mixed
