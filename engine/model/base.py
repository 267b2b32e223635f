"""What models of every kind have in common."""

import torch
from torch import nn


class Model(nn.Module):
    """A model and its `config`; engine.load sets the attributes below.

    Parts carry the names of the points they make, so `blocks.0.attn.q` is both a point and the layer with its
    weights.
    """

    name = "model"
    tokenizer = None
    without_tokenizer = "came without a tokenizer.json"  # why it has none, if so
    ends: tuple[int, ...] | None = None  # the tokens that end a text; None: nothing says which
    prepare = None  # of models that read images: turns pixels into the numbers they read
    labels: tuple[str, ...] = ()  # of models that tell classes: their names

    @property
    def reads(self) -> tuple:
        """The config of the stack that reads the ids and, beside an encoder, of the decoder."""
        return self.config.stacks

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The type of its weights."""
        return next(self.parameters()).dtype
