"""From an image to the cells of a feature map: what a convolutional network hands on instead of patches."""

from torch import Tensor, nn

from engine.config import Config
from engine.model.norm import norm_of
from engine.trace.tap import SILENT


class Convolution(nn.Module):
    """Filters that slide over a map: each looks at a small square of all channels, wherever that is, with the
    same weights (LeCun et al. 1989). Beyond the edge are zeros. As everywhere today it is not flipped."""

    def __init__(self, channels: int, filters: int, kernel: int, stride: int):
        super().__init__()
        self.pre = nn.Conv2d(channels, filters, kernel, stride, padding=kernel // 2)

    def forward(self, x: Tensor, tap=SILENT) -> Tensor:
        """A map [B, K, I, J] -> the next [B, filters, I / stride, J / stride]."""
        pre = tap("pre", self.pre(x))
        return tap("act", pre.relu())


class CellEmbed(nn.Module):
    """Convolutions, one after the other; each cell of the last map is a vector of the width, row by row (the
    hybrid of Dosovitskiy et al. 2020, section 3.1). With positions, each place of the grid adds its own."""

    def __init__(self, config: Config):
        super().__init__()
        c, below = config, (config.channels, *config.filters)
        layers = zip(below, c.filters, c.strides, strict=False)
        self.conv = nn.ModuleList(Convolution(k, filters, c.kernel, stride) for k, filters, stride in layers)
        self.position = nn.Embedding(c.context, c.width) if c.positions == "learned" else None
        self.norm = norm_of(c) if c.embed_norm else None

    def forward(self, images: Tensor, tap=SILENT) -> Tensor:
        """images [B, channels, image, image] -> [B, T, D], T cells."""
        x = tap("pixels", images)
        for i, layer in enumerate(self.conv):
            x = layer(x, tap.at(f"conv.{i}"))  # [B, K, I, J]
        out = token = tap("token", x.flatten(2).mT)  # [B, T, D]
        if self.position is not None:
            out = token + tap("position", self.position.weight.expand_as(token))
        if self.norm is not None:
            out = self.norm(tap("sum", out), tap.at("norm"))
        return tap("out", out)
