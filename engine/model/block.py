"""One block (papers say layer): attention moves information between tokens, cross-attention brings it from
another stack, the MLP works on each token on its own."""

from torch import Tensor, nn

from engine.config import Config
from engine.model.attention import Attention
from engine.model.context import Context
from engine.model.mlp import MLP, Experts
from engine.trace.tap import SILENT


class Block(nn.Module):
    """Two sublayers, or three with cross-attention: each adds its output to the stream."""

    def __init__(self, config: Config, layer: int):
        super().__init__()
        self.attn = Attention(config, layer)
        self.cross = Attention(config, layer, config.memory) if config.memory else None
        self.mlp = Experts(config) if config.experts else MLP(config)

    def forward(self, x: Tensor, context: Context, tap=SILENT) -> Tensor:
        """The residual stream before the block [B, T, D] -> after it [B, T, D]."""
        x = tap("resid_mid", self.attn.add_to(x, context, tap=tap.at("attn")))
        if self.cross is not None:
            x = tap("resid_cross", self.cross.add_to(x, context, tap=tap.at("cross")))
        return tap("resid_post", self.mlp.add_to(x, tap=tap.at("mlp")))
