"""The residual connection: each part of a block adds its output to the stream, with a norm before or after."""

from torch import Tensor, nn

from engine.config import Config
from engine.model.norm import norm_of
from engine.trace.tap import SILENT


class Sublayer(nn.Module):
    """One part of a block, attention or the MLP, with its norm.

    Subclasses implement forward(x, …, tap), from their input [B, T, D] to their output [B, T, D].
    """

    def __init__(self, config: Config):
        super().__init__()
        self.norm = norm_of(config)
        self.post_norm, self.residual = config.post_norm, config.residual

    def add_to(self, x: Tensor, *given, tap=SILENT) -> Tensor:
        """The residual stream before the part [B, T, D] -> after it [B, T, D]; `given` goes to the part."""
        kept = x if self.residual else 0
        if self.post_norm:  # as in 2017 (Vaswani et al., section 3.1), and in BERT
            return self.norm(tap("sum", kept + self(x, *given, tap=tap)), tap.at("norm"))
        return kept + self(self.norm(x, tap.at("norm")), *given, tap=tap)
