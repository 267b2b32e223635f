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


def draw_many(probabilities: Tensor, count: int, seed: int = 0) -> Tensor:
    """`count` tokens drawn one after the other from the same probabilities [V]: the ids [count]."""
    random = torch.Generator().manual_seed(seed)
    u = torch.rand(count, generator=random, dtype=torch.float64)
    ends, last = probabilities.double().cumsum(-1), int(probabilities.nonzero()[-1])
    return torch.searchsorted(ends, u * ends[-1], right=True).clamp(max=last)  # u at the very end, by rounding
