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
    without_tokenizer = "came without a tokenizer.json"  # why it has none, if so
    ends: tuple[int, ...] | None = None  # the tokens that end a text; None: nothing says which
    with_sentinels = False  # whether a vocabulary that was not read has tokens for hidden spans
    prepare = None  # of models that read images: turns pixels into the numbers they read
    labels: tuple[str, ...] = ()  # of models that tell classes: their names

    @property
    def reads(self) -> tuple:
        """The config of the stack that reads the ids and, if there are two, of the decoder."""
        return self.config.stacks

    @property
    def fills_spans(self) -> bool:
        """Whether it writes what hidden spans of a text were (T5): there are tokens for them, two stacks."""
        known = bool(getattr(self.tokenizer, "sentinels", ()))
        return len(self.reads) == 2 and (known or self.with_sentinels)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The type of its weights."""
        return next(self.parameters()).dtype
