"""Attention: each token asks (query), is found (key) and gives (value)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import Config
from engine.norm import NORMS
from engine.position import buckets_of, distances, rotate
from engine.tap import SILENT


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float, tap=SILENT, bias: Tensor | None = None
) -> Tensor:
    """softmax(q·kᵀ · scale + bias, masked) · v (Vaswani et al. 2017, equation 1).

    q [B, H, T, E], k and v [B, H, S, E] -> [B, H, T, E]. mask [B or 1, 1, T, S], True = may look;
    None is the plain causal mask, for the fused kernel alone. bias [1, H, T, S]: of relative positions.
    """
    if tap is SILENT:
        causal = mask is None
        if bias is not None:
            mask = torch.where(mask, bias, -torch.inf).to(q.dtype)
        return F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, scale=scale)
    dots = tap("dots", q @ k.transpose(-2, -1))  # [B, H, T, S]
    scores = tap("scores", dots * scale)  # [B, H, T, S]
    whole = scores if bias is None else scores + tap("bias", bias.expand_as(scores))  # [B, H, T, S]
    mask = tap("mask", mask.expand_as(scores))  # [B, H, T, S]
    masked = tap("masked", torch.where(mask, whole, -torch.inf))  # [B, H, T, S]
    pattern = tap("pattern", masked.softmax(-1))  # [B, H, T, S]
    return tap("z", pattern @ v)  # [B, H, T, E]


class Attention(nn.Module):
    """Multi-head attention: H heads of width E side by side, then one map back to the stream.

    Keys and values may have fewer heads, G, each shared by H/G neighbours (Ainslie et al. 2023). In
    cross-attention they are made from the vectors of another stack, of `memory` numbers each.
    """

    def __init__(self, config: Config, layer: int, memory: int = 0):
        super().__init__()
        c, width, bias = config, config.width, config.attention_bias
        self.head_width, self.group_size, self.scale = c.head_width, c.group_size, c.scale(layer)
        self.norm = NORMS[c.norm](width, c.norm_eps)
        self.q = nn.Linear(width, c.heads * c.head_width, bias)
        self.k = nn.Linear(memory or width, c.key_heads * c.head_width, bias)
        self.v = nn.Linear(memory or width, c.key_heads * c.head_width, bias)
        self.out = nn.Linear(c.heads * c.head_width, width, bias)
        relative = c.positions == "relative" and not memory
        self.bias = nn.Embedding(c.buckets, c.heads) if relative else None
        self.max_distance, self.both_sides = c.max_distance, not c.causal

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        angles: Tensor | None = None,
        cache=None,
        memory: Tensor | None = None,
        tap=SILENT,
    ) -> Tensor:
        """x [B, T, D] (already normed), mask as in `attend`, angles [T, E/2] where positions are rotary,
        memory [B, S, its width] in cross-attention -> [B, T, D]."""
        seen = x if memory is None else memory
        q = tap("q", self._split(self.q(x)))  # [B, H, T, E]
        k = tap("k", self._split(self.k(seen)))  # [B, G, S, E]
        v = tap("v", self._split(self.v(seen)))  # [B, G, S, E]
        if angles is not None:
            q = tap("q_rot", rotate(q, angles))  # [B, H, T, E]
            k = tap("k_rot", rotate(k, angles))  # [B, G, T, E]
        if cache is not None:
            k, v = cache.extend(k, v)  # [B, G, S, E]
        bias = None if self.bias is None else self._bias(q.shape[2], k.shape[2])
        z = attend(q, self._share(k), self._share(v), mask, self.scale, tap, bias)  # [B, H, T, E]
        return tap("out", self.out(z.transpose(1, 2).flatten(2)))  # heads side by side, times W_O

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_width)).transpose(1, 2)

    def _share(self, x: Tensor) -> Tensor:
        """[B, G, S, E] -> [B, H, S, E]: head h takes that of group h // (H/G)."""
        return x if self.group_size == 1 else x.repeat_interleave(self.group_size, 1)

    def _bias(self, T: int, S: int) -> Tensor:
        """What is added to the scores for each distance [1, H, T, S] (Raffel et al. 2019)."""
        away = distances(T, S, self.bias.weight.device)
        rows = buckets_of(away, self.bias.num_embeddings, self.max_distance, self.both_sides)  # [T, S]
        return self.bias(rows).permute(2, 0, 1)[None]
