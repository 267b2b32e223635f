"""From token ids to the first vectors."""

import torch
from torch import Tensor, nn

from engine.config import Config
from engine.model.norm import norm_of
from engine.position import places_of, sinusoids
from engine.trace.tap import SILENT


class PatchEmbed(nn.Module):
    """An image cut into square patches, each a vector; one learned vector stands before them, to gather what
    the image shows; plus a row for the place (Dosovitskiy et al. 2020)."""

    def __init__(self, config: Config):
        super().__init__()
        self.side = config.patch
        self.patch = nn.Linear(config.channels * config.patch**2, config.width)
        self.first = nn.Parameter(torch.zeros(config.width))
        self.position = nn.Embedding(config.context, config.width)

    def forward(self, images: Tensor, tap=SILENT) -> Tensor:
        """images [B, channels, image, image] -> [B, T, D], T = patches + 1."""
        pixels = tap("pixels", patchify(images, self.side))  # [B, N, P]
        patch = tap("patch", self.patch(pixels))  # [B, N, D]
        cls_token = self.first.expand(len(patch), 1, -1)
        token = tap("token", torch.cat([cls_token, patch], 1))  # [B, T, D]
        position = tap("position", self.position.weight.expand_as(token))  # [B, T, D]
        return tap("out", token + position)  # [B, T, D]


def patchify(images: Tensor, side: int) -> Tensor:
    """[B, channels, H, W] -> [B, N, P]: patches row by row, each as its channels, rows, columns in one line."""
    patches = images.unfold(2, side, side).unfold(3, side, side)  # [B, channels, rows, columns, side, side]
    return patches.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)


class Embed(nn.Module):
    """A row of the token table; where the model has such tables, plus a row for the place and the segment.

    Where positions are sinusoidal, the place's vector is computed; where they are rotary or relative, attention
    takes account of the place.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.token = nn.Embedding(config.vocabulary, config.width)
        self.scale = config.width**0.5 if config.scale_embedding else None
        self.sinusoidal = config.positions == "sinusoidal"
        learned = config.positions == "learned"
        self.position = nn.Embedding(config.context, config.width) if learned else None
        self.segment = nn.Embedding(config.segments, config.width) if config.segments else None
        self.norm = norm_of(config) if config.embed_norm else None

    def forward(
        self,
        ids: Tensor,
        start: int = 0,
        segments: Tensor | None = None,
        tap=SILENT,
        places: Tensor | None = None,
    ) -> Tensor:
        """ids [B, T], the first of them at position `start` or each at its own of `places` [B, T], segments
        [B, T] (all 0 if None) -> [B, T, D]."""
        token = tap("token", self.token(ids))
        parts = [token if self.scale is None else tap("scaled", token * self.scale)]  # [B, T, D] each
        places = places_of(ids.shape[1], start, device=ids.device) if places is None else places
        if self.position is not None:
            parts.append(tap("position", self.position(places).expand_as(token)))
        if self.sinusoidal:
            parts.append(tap("position", sinusoids(places, token.shape[-1]).to(token).expand_as(token)))
        if self.segment is not None:
            segments = torch.zeros_like(ids) if segments is None else segments
            parts.append(tap("segment", self.segment(segments)))
        if self.norm is None:
            return tap("out", sum(parts[1:], parts[0]))  # [B, T, D]
        return tap("out", self.norm(tap("sum", sum(parts[1:], parts[0])), tap.at("norm")))
