"""Rejection sampling: draw n texts and keep the best. No weight changes."""

import math

import torch
from torch import Tensor


def weights(count: int, n: int) -> Tensor:
    """How probable it is that the i-th best of `count` texts is the best of n of them, drawn without putting
    back [count]."""
    return torch.tensor([math.comb(count - 1 - i, n - 1) / math.comb(count, n) for i in range(count)])


def best_of(n: int, rewards: Tensor, values: Tensor) -> float:
    """The average value [B] of the text with the highest reward [B] of n, over all choices of n texts."""
    order = rewards.argsort(descending=True, stable=True)
    return float(weights(len(rewards), n).double() @ values[order].double())


def kl_of(n: int) -> float:
    """log n − (n − 1)/n: how far the best of n is from one draw, in nats; less where texts are equally good
    (Stiennon et al. 2020; an upper bound: Beirami et al. 2024)."""
    return math.log(n) - (n - 1) / n
