"""Attention: each token asks (query), is found (key) and gives (value)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import Config
from engine.norm import NORMS
from engine.position import rotate
from engine.tap import SILENT


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float, tap=SILENT) -> Tensor:
    """softmax(q·kᵀ · scale, masked) · v (Vaswani et al. 2017, equation 1).

    q [B, H, T, E], k and v [B, H, S, E] -> [B, H, T, E]. mask [B or 1, 1, T, S], True = may look;
    None is the plain causal mask, for the fused kernel alone.
    """
    if tap is SILENT:
        causal = mask is None
        return F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, scale=scale)
    dots = tap("dots", q @ k.transpose(-2, -1))  # [B, H, T, S]
    scores = tap("scores", dots * scale)  # [B, H, T, S]
    mask = tap("mask", mask.expand_as(scores))  # [B, H, T, S]
    masked = tap("masked", torch.where(mask, scores, -torch.inf))  # [B, H, T, S]
    pattern = tap("pattern", masked.softmax(-1))  # [B, H, T, S]
    return tap("z", pattern @ v)  # [B, H, T, E]


class Attention(nn.Module):
    """Multi-head attention: H heads of width E side by side, then one map back to the stream.

    Keys and values may have fewer heads, G, each shared by H/G neighbours (Ainslie et al. 2023).
    """

    def __init__(self, config: Config, layer: int):
        super().__init__()
        width, bias, keys = config.width, config.attention_bias, config.key_heads * config.head_width
        self.head_width, self.shared_by, self.scale = config.head_width, config.shared_by, config.scale(layer)
        self.norm = NORMS[config.norm](width, config.norm_eps)
        self.q = nn.Linear(width, width, bias)
        self.k = nn.Linear(width, keys, bias)
        self.v = nn.Linear(width, keys, bias)
        self.out = nn.Linear(width, width, bias)

    def forward(
        self, x: Tensor, mask: Tensor | None, angles: Tensor | None = None, cache=None, tap=SILENT
    ) -> Tensor:
        """x [B, T, D] (already normed), mask as in `attend`, angles [T, E/2] where positions are rotary
        -> [B, T, D]."""
        q = tap("q", self._split(self.q(x)))  # [B, H, T, E]
        k = tap("k", self._split(self.k(x)))  # [B, G, T, E]
        v = tap("v", self._split(self.v(x)))  # [B, G, T, E]
        if angles is not None:
            q = tap("q_rot", rotate(q, angles))  # [B, H, T, E]
            k = tap("k_rot", rotate(k, angles))  # [B, G, T, E]
        if cache is not None:
            k, v = cache.extend(k, v)  # [B, G, S, E]
        z = attend(q, self._share(k), self._share(v), mask, self.scale, tap)  # [B, H, T, E]
        return tap("out", self.out(z.transpose(1, 2).flatten(2)))  # heads side by side, times W_O

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_width)).transpose(1, 2)

    def _share(self, x: Tensor) -> Tensor:
        """[B, G, S, E] -> [B, H, S, E]: head h takes that of group h // (H/G)."""
        return x if self.shared_by == 1 else x.repeat_interleave(self.shared_by, 1)
