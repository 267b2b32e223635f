"""Norms: normalise each token's vector, then scale each dimension by a learned gain."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import Config
from engine.trace.tap import SILENT


class LayerNorm(nn.Module):
    """y = γ · (x − mean) / √(variance + ε) + β over the last axis (Ba et al. 2016)."""

    def __init__(self, width: int, eps: float):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))  # γ
        self.bias = nn.Parameter(torch.zeros(width))  # β

    def forward(self, x: Tensor, tap=SILENT) -> Tensor:
        """x [..., D] -> [..., D]."""
        if tap is SILENT:
            return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)
        mean = tap("mean", x.mean(-1, keepdim=True))  # [B, T, 1]
        away = x - mean
        var = tap("var", away.square().mean(-1, keepdim=True))  # [B, T, 1]
        scaled = tap("scaled", away / (var + self.eps).sqrt())  # [B, T, D]
        return tap("out", torch.addcmul(self.bias, scaled, self.weight))  # β + x̂ · γ  [B, T, D]


class RMSNorm(nn.Module):
    """y = γ · x / √(mean of x² + ε) over the last axis; the mean is not subtracted (Zhang & Sennrich 2019)."""

    bias = None

    def __init__(self, width: int, eps: float):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))  # γ

    def forward(self, x: Tensor, tap=SILENT) -> Tensor:
        """x [..., D] -> [..., D]."""
        if tap is SILENT:
            return F.rms_norm(x, self.weight.shape, self.weight, self.eps)
        square = tap("square", x.square().mean(-1, keepdim=True))  # [B, T, 1]
        scaled = tap("scaled", x / (square + self.eps).sqrt())  # [B, T, D]
        return tap("out", scaled * self.weight)  # x̂ · γ  [B, T, D]


class NoNorm(nn.Module):
    """Vectors as they are, of a model that does without norms."""

    weight, bias = 1.0, None

    def __init__(self, width: int, eps: float):
        super().__init__()

    def forward(self, x: Tensor, tap=SILENT) -> Tensor:
        """x [..., D] -> the same."""
        return tap("out", x)


def norm_of(config: Config) -> LayerNorm | RMSNorm | NoNorm:
    """The norm that a config names, of its width."""
    return {"layer": LayerNorm, "rms": RMSNorm, "none": NoNorm}[config.norm](config.width, config.norm_eps)
