"""One block: attention moves information between tokens, the MLP works on each token alone."""

from torch import Tensor, nn

from engine.attention import Attention
from engine.config import Config
from engine.mlp import MLP
from engine.tap import SILENT


class Block(nn.Module):
    """Pre-norm, as in GPT-2: each part reads a normed copy of the stream and adds its result to it."""

    def __init__(self, config: Config, layer: int):
        super().__init__()
        self.attn = Attention(config, layer)
        self.mlp = MLP(config)

    def forward(
        self, x: Tensor, mask: Tensor | None, angles: Tensor | None = None, cache=None, tap=SILENT
    ) -> Tensor:
        """The residual stream before the block [B, T, D] -> after it [B, T, D]."""
        attn, mlp = tap.at("attn"), tap.at("mlp")
        x = tap("resid_mid", x + self.attn(self.attn.norm(x, attn.at("norm")), mask, angles, cache, attn))
        return tap("resid_post", x + self.mlp(self.mlp.norm(x, mlp.at("norm")), mlp))
