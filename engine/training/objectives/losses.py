"""The loss of each token: −ln of the probability that a model gives to what was wanted."""

import torch.nn.functional as F
from torch import Tensor

from engine.training.data.pairs import NONE

__all__ = ["NONE", "losses", "mean"]


def losses(logits: Tensor, wanted: Tensor) -> Tensor:
    """−ln p of each entry that is wanted [..., T], from logits [..., T, V]; 0 where none is (NONE)."""
    each = F.cross_entropy(logits.flatten(0, -2), wanted.flatten(), ignore_index=NONE, reduction="none")
    return each.view(wanted.shape)


def mean(losses: Tensor, wanted: Tensor) -> float:
    """The loss that training takes: the mean over the positions where something is wanted; 0 of none."""
    count = int((wanted != NONE).sum())
    return losses.sum().item() / count if count else 0.0
