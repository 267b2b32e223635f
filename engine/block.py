"""One block: attention moves information between tokens, cross-attention brings it from those of another stack,
the MLP works on each token alone."""

from torch import Tensor, nn

from engine.attention import Attention
from engine.config import Config
from engine.mlp import MLP
from engine.tap import SILENT


class Block(nn.Module):
    """Each part adds its result to the stream; norms stand before the parts or after the additions."""

    def __init__(self, config: Config, layer: int):
        super().__init__()
        self.post_norm = config.post_norm
        self.attn = Attention(config, layer)
        self.cross = Attention(config, layer, config.memory) if config.memory else None
        self.mlp = MLP(config)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        angles: Tensor | None = None,
        cache=None,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tap=SILENT,
    ) -> Tensor:
        """The residual stream before the block [B, T, D] -> after it [B, T, D].

        memory [B, S, its width] and memory_mask [B or 1, 1, T, S] are what cross-attention looks at.
        """
        attn, cross, mlp = tap.at("attn"), tap.at("cross"), tap.at("mlp")
        if self.post_norm:  # as in 2017, and in BERT
            added = attn("sum", x + self.attn(x, mask, angles, cache, tap=attn))
            x = tap("resid_mid", self.attn.norm(added, attn.at("norm")))
            if self.cross is not None:
                added = cross("sum", x + self.cross(x, memory_mask, memory=memory, tap=cross))
                x = tap("resid_cross", self.cross.norm(added, cross.at("norm")))
            added = mlp("sum", x + self.mlp(x, mlp))
            return tap("resid_post", self.mlp.norm(added, mlp.at("norm")))
        x = tap("resid_mid", x + self.attn(self.attn.norm(x, attn.at("norm")), mask, angles, cache, tap=attn))
        if self.cross is not None:
            normed = self.cross.norm(x, cross.at("norm"))
            x = tap("resid_cross", x + self.cross(normed, memory_mask, memory=memory, tap=cross))
        return tap("resid_post", x + self.mlp(self.mlp.norm(x, mlp.at("norm")), mlp))
