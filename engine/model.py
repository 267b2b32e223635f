"""What models of every kind have in common."""

import torch
from torch import nn


class Model(nn.Module):
    """A model with its config; engine.load sets what it came with.

    Parts carry the names of the points they make, so `blocks.0.attn.q` is both a point and the layer with its
    weights.
    """

    name = "model"
    tokenizer = None
    prepare = None  # where it reads images: what makes its numbers of pixels
    labels: tuple[str, ...] = ()  # where it tells classes: what they are called

    @property
    def reads(self) -> tuple:
        """The config of what reads the ids; where there is a decoder beside an encoder, also of that."""
        return self.config.stacks

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype
