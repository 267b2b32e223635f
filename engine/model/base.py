"""What models of every kind have in common."""

import torch
from torch import nn


class Model(nn.Module):
    """A model and its `config`; engine.load sets the attributes below.

    Modules have the names of the points they compute: `blocks.0.attn.q` is both a point and the module with its
    weights.
    """

    name = "model"
    tokenizer = None
    prepare = None  # of models that read images: turns pixels into their input
    labels: tuple[str, ...] = ()  # of classifiers: the names of the classes

    @property
    def reads(self) -> tuple:
        """The config of the stack that reads the ids and, if there are two, of the decoder."""
        return self.config.stacks

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The type of its weights."""
        return next(self.parameters()).dtype
