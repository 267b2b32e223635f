"""Positions: where a token stands, told by a vector that is added, or by a turn of queries and keys."""

import torch
from torch import Tensor

POSITIONS = ("learned", "rotary")


def turns(places: Tensor, width: int, base: float) -> Tensor:
    """How far each pair of a query or key of `width` numbers is turned at each place, in radians.

    places [T] -> [T, E/2]: place · base^(−2i/E) for pair i (Su et al. 2021, equation 15).
    """
    pair = torch.arange(width // 2, device=places.device)
    return places[:, None] * base ** (-2 * pair / width)


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Turn the pairs (i, i + E/2) of x [..., T, E] by `angles` [T, E/2].

    The dot product of a turned query with a turned key depends on their distance alone.
    """
    a, b = x.chunk(2, -1)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
