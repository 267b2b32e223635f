"""Position encodings: vectors added to the embeddings, rotations of queries and keys, or biases on the scores
for each distance, learned or not."""

import math

import torch
from torch import Tensor

POSITIONS = ("learned", "rotary", "sinusoidal", "relative", "alibi", "none")
BIASED = ("relative", "alibi")  # those that add a bias to the scores


def places_of(T: int, start: int = 0, padding: Tensor | None = None, device=None) -> Tensor:
    """The place of each of T tokens, from `start` on [T].

    With padding [B, S], True = a real token, the places of the last T of them [B, T]: only real tokens count.
    """
    if padding is None:
        return torch.arange(start, start + T, device=device)
    return (padding.cumsum(-1) - 1).clamp_min(0)[:, -T:]


def turns(places: Tensor, width: int, base: float) -> Tensor:
    """The angle by which each pair of a query or key of width `width` is rotated at each position, in radians.

    places [..., T] -> [..., T, E/2]: place · base^(−2i/E) for pair i (Su et al. 2021, equation 15).
    """
    pair = torch.arange(width // 2, device=places.device)
    return places[..., None] * base ** (-2 * pair / width)


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Turn the pairs (i, i + E/2) of x [..., T, E] by `angles` [..., T, E/2].

    The dot product of a rotated query and key depends only on the difference of their positions.
    """
    a, b = x.chunk(2, -1)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def sinusoids(places: Tensor, width: int) -> Tensor:
    """A fixed vector for each position: sines and cosines at falling frequencies, alternating.

    places [..., T] -> [..., T, D] in float64: sin and cos of place / 10000^(2i/D) (Vaswani et al. 2017,
    section 3.5).
    """
    number = torch.arange(width, device=places.device)
    pair = number.div(2, rounding_mode="floor").double()
    angles = places[..., None] / 10_000 ** (2 * pair / width)
    return torch.where(number % 2 == 0, angles.sin(), angles.cos())


def distances(T: int, S: int, device=None) -> Tensor:
    """The distance s − t of each of S positions from each of the last T of them [T, S]."""
    return torch.arange(S, device=device)[None, :] - torch.arange(S - T, S, device=device)[:, None]


def buckets_of(away: Tensor, count: int, max_distance: int, both_sides: bool) -> Tensor:
    """The bucket of each distance s − t, from 0 to `count` − 1 (Raffel et al. 2019, section 2.1).

    Short distances have a bucket each; beyond, buckets are logarithmic up to `max_distance`, and the last takes
    the rest. If later positions are visible (`both_sides`), half of the buckets are theirs.
    """
    count = count // 2 if both_sides else count
    size = away.abs() if both_sides else -away.clamp_max(0)
    near = count // 2
    share = (size.float() / near).log() / math.log(max_distance / near)  # in float32, as T5 was trained with
    far = (near + (share * (count - near)).long()).clamp_max(count - 1)
    bucket = torch.where(size < near, size, far)
    return torch.where(away > 0, bucket + count, bucket) if both_sides else bucket


def slopes(heads: int) -> list[float]:
    """How much each head subtracts from a score per position of distance (Press et al. 2022, section 3).

    For H heads 2^(−8/H) and its powers, down to 2^(−8). If H is not a power of two: those of the power below,
    then every other one of the power above.
    """
    below = 2 ** (heads.bit_length() - 1)
    own = [2 ** (-8 * i / below) for i in range(1, below + 1)]
    between = [2 ** (-8 * i / (2 * below)) for i in range(1, 2 * below, 2)]
    return [*own, *between][:heads]


def alibi(away: Tensor, heads: int) -> Tensor:
    """The bias of each head for distances s − t: minus its slope times the distance.

    away [..., T, S] -> [..., H, T, S] in float32: attention with linear biases (Press et al. 2022, section 3).
    """
    slope = torch.tensor(slopes(heads), device=away.device)
    return -slope[:, None, None] * away.abs()[..., None, :, :]
