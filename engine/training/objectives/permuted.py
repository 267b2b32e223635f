"""Permuted order (Yang et al. 2019, XLNet): tokens are predicted in an order drawn by chance, each from those
that come before it in that order, wherever they stand in the text."""

import torch
from torch import Tensor


def order_of(count: int, seed: int) -> list[int]:
    """The positions in the order in which they are predicted (the factorization order)."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()


def mask_of(order: list[int], content: bool = False) -> Tensor:
    """Who may look at whom [T, T], true = may: each position at those that come before it in the order.

    content  the stream that others look at: it sees its own token, too; the one that predicts must not
    """
    rank = torch.tensor(order).argsort()
    mask = rank[None, :] < rank[:, None]
    return mask | torch.eye(len(order), dtype=torch.bool) if content else mask
