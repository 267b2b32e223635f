"""The choice of one token from its probabilities."""

import torch
from torch import Tensor

from engine.decode.decoding import Decoding


def draw(probabilities: Tensor, u: float) -> int:
    """Inverse-CDF sampling: the token whose interval of the cumulative probabilities holds u, 0 ≤ u < 1."""
    ends = probabilities.cumsum(-1)
    id = int(torch.searchsorted(ends, torch.tensor(u * float(ends[-1]), dtype=ends.dtype), right=True))
    while id >= len(ends) or probabilities[id] == 0:  # u at the very end, by rounding
        id -= 1
    return id


def choose(probabilities: Tensor, decoding: Decoding, random: torch.Generator) -> int:
    """The next token by `decoding.method`, from `probabilities` [V]."""
    if decoding.method == "greedy":
        return int(probabilities.argmax())
    return draw(probabilities, torch.rand((), generator=random, dtype=torch.float64).item())
