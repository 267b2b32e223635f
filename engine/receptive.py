"""How far models of images see: what a cell of a convolutional network can see, where the heads of a vision
transformer look."""

import torch
from torch import Tensor

from engine.config import Config


def receptive_fields(config: Config) -> list[tuple[int, int]]:
    """Of each convolution: the side of the square of pixels that a cell sees (its receptive field), and by how
    many pixels its neighbour's is moved."""
    side, step, found = 1, 1, []
    for stride in config.strides:
        side, step = side + (config.kernel - 1) * step, step * stride
        found.append((side, step))
    return found


def window(config: Config, layer: int, cell: int) -> tuple[int, int]:
    """The first and the last row of pixels that a cell in row `cell` of a layer's map sees, or columns: some
    may lie beyond the image's edge, where zeros are."""
    side, step = receptive_fields(config)[layer]
    return cell * step - side // 2, cell * step + side // 2


def attention_distance(pattern: Tensor, config: Config) -> Tensor:
    """How many pixels away each head looks, on average over the patches or cells that ask (Dosovitskiy et al.
    2020, figure 7): weights [H, T, S] -> [H]. A vector before the patches is left out on both sides, and what a
    patch gives to it the others share."""
    own = pattern[:, config.leading :, config.leading :]
    shares = own / own.sum(-1, keepdim=True).clamp_min(1e-12)
    side = torch.arange(config.image // config.patch, device=own.device)
    places = torch.cartesian_prod(side, side).to(own) * config.patch  # [N, 2]
    return (shares * torch.cdist(places, places)).sum(-1).mean(-1)
