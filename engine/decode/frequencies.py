"""How often each token came when many were drawn, beside how often it was to be expected."""

from dataclasses import dataclass

import torch
from torch import Tensor

FEWEST = 5.0  # expected draws from which Pearson's statistic is told; rarer tokens count as one together


@dataclass(frozen=True, eq=False)
class Frequencies:
    """Draws counted.

    counts      how often each entry of the vocabulary was drawn [V]
    expected    n p: how often it comes on average [V]
    deviation   √(n p (1 − p)): how far from that its count usually is [V]
    chi_square  the sum of (count − expected)² / expected (Pearson 1900), rare tokens taken together
    freedom     its degrees of freedom, and what it is on average if the draws are fair; 0: nothing to test
    """

    counts: Tensor
    expected: Tensor
    deviation: Tensor
    chi_square: float
    freedom: int


def frequencies(ids: Tensor, probabilities: Tensor) -> Frequencies:
    """The draws `ids` [n] from `probabilities` [V], counted."""
    p, count = probabilities.double(), len(ids)
    counts, expected = torch.bincount(ids, minlength=len(p)).double(), count * p
    often = expected >= FEWEST
    cells = [torch.stack([counts[often], expected[often]])]
    rare = torch.stack([counts[~often].sum(), expected[~often].sum()])
    cells += [rare[:, None]] if rare[1] > 1e-9 * count else []
    seen, due = torch.cat(cells, 1)
    return Frequencies(
        counts, expected, (expected * (1 - p)).sqrt(), float(((seen - due) ** 2 / due).sum()), len(due) - 1
    )
