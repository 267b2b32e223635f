"""What positions do in a run: scores by distance, a place that is read off a vector, the same tokens in another
order."""

import torch
from torch import Tensor

from engine.config import Config
from engine.trace.tap import Edit


def by_distance(scores: Tensor) -> Tensor:
    """The mean score of each head for keys 0, 1, 2 … positions before the query.

    scores [H, T, T] -> [H, T]; what stands above the diagonal is not read
    """
    T = scores.shape[-1]
    return torch.stack([scores.diagonal(-d, -2, -1).mean(-1) for d in range(T)], -1)


def read_off(vectors: Tensor, weights: Tensor, offset: float) -> Tensor:
    """The place that a line reads off each vector [T, D] -> [T]. The line was fitted to other texts: a linear
    probe (Alain & Bengio 2016)."""
    return vectors @ weights + offset


def apart(first: Tensor, second: Tensor, order: list[int]) -> float:
    """The largest difference in size between vectors [T, D] put into another order, and those of a run that
    read the tokens in that order: 0 where order does not matter (the run is equivariant)."""
    return float((first[order] - second).abs().max())


def unmasked(config: Config) -> tuple[Edit, ...]:
    """The what-ifs by which every position sees every other, in every block."""
    return tuple(Edit(f"blocks.{i}.attn.mask", "mask", value=("none", 0)) for i in range(config.layers))
