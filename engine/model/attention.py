"""Attention: what each token looks for (query), is found by (key) and passes on (value)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import Config
from engine.masks import CAUSAL, Mask, causal_mask, softmax
from engine.model.context import Context
from engine.model.norm import RMSNorm
from engine.model.sublayer import Sublayer
from engine.position import BIASED, alibi, buckets_of, distances, rotate
from engine.trace.tap import SILENT


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Mask, scale: float, tap=SILENT, bias: Tensor | None = None
) -> Tensor:
    """softmax(q·kᵀ · scale + bias, masked) · v (Vaswani et al. 2017, equation 1).

    q [B, H, T, E], k and v [B, H, S, E] -> [B, H, T, E]. mask [B or 1, 1, T, S], True = may look, or CAUSAL
    (T = S or 1). bias [B or 1, H, T, S]: for how far apart two positions are.
    """
    if mask is CAUSAL and (tap is not SILENT or bias is not None):
        mask = causal_mask(q.shape[2], k.shape[2], device=q.device)
    if tap is SILENT:
        return _fused(q, k, v, mask, scale, bias)
    dots = tap("dots", q @ k.transpose(-2, -1))  # [B, H, T, S]
    scores = tap("scores", dots * scale)  # [B, H, T, S]
    whole = scores if bias is None else scores + tap("bias", bias.expand_as(scores))  # [B, H, T, S]
    mask = tap("mask", mask.expand_as(scores))  # [B, H, T, S]
    masked = tap("masked", torch.where(mask, whole, -torch.inf))  # [B, H, T, S]
    pattern = tap("pattern", softmax(masked))  # [B, H, T, S]
    return tap("z", pattern @ v)  # [B, H, T, E]


def _fused(q: Tensor, k: Tensor, v: Tensor, mask: Mask, scale: float, bias: Tensor | None) -> Tensor:
    """The same in one fused kernel, which names no step."""
    if mask is CAUSAL:
        return F.scaled_dot_product_attention(
            q, k, v, is_causal=q.shape[2] > 1, scale=scale
        )  # the last sees all
    added = mask if bias is None else torch.where(mask, bias, -torch.inf).to(q.dtype)
    return F.scaled_dot_product_attention(q, k, v, added, scale=scale)


class Attention(Sublayer):
    """Multi-head attention: H heads of width E side by side, then one linear layer back to the stream.

    Keys and values may have fewer heads, G, each shared by H/G neighbours (Ainslie et al. 2023). In
    cross-attention they are computed from the vectors of another stack, of width `memory`.
    """

    def __init__(self, config: Config, layer: int, memory: int = 0):
        super().__init__(config)
        c, width, bias = config, config.width, config.attention_bias
        self.layer, self.crosses, self.rotary = layer, memory > 0, c.rotary and not memory
        self.head_width, self.group_size, self.scale = c.head_width, c.group_size, c.scale(layer)
        self.q = nn.Linear(width, c.heads * c.head_width, bias)
        self.k = nn.Linear(memory or width, c.key_heads * c.head_width, bias)
        self.v = nn.Linear(memory or width, c.key_heads * c.head_width, bias)
        self.q_norm = RMSNorm(c.head_width, c.norm_eps) if c.qk_norm else None  # one γ for all heads
        self.k_norm = RMSNorm(c.head_width, c.norm_eps) if c.qk_norm else None
        self.out = nn.Linear(c.heads * c.head_width, width, bias)
        self.heads, self.biased = c.heads, c.positions in BIASED and not memory
        learned = self.biased and c.positions == "relative"
        self.bias = nn.Embedding(c.buckets, c.heads) if learned else None
        self.max_distance, self.both_sides = c.max_distance, not c.causal
        self.sizes = [part.out_features for part in (self.q, self.k, self.v)]
        self.joined: dict[str, Tensor | None] = {}

    def join(self) -> None:
        """Lay W_Q, W_K and W_V side by side in memory, and their biases: one product then makes queries, keys
        and values, in less time for a single token. The three stay parameters, each a part of the whole."""
        parts = () if self.crosses else (self.q, self.k, self.v)
        for name in ("weight", "bias") if parts else ():
            whole = _beside([getattr(part, name) for part in parts])
            self.joined[name] = whole
            for part, own in zip(parts, () if whole is None else whole.split(self.sizes), strict=False):
                setattr(part, name, nn.Parameter(own, requires_grad=False))

    def forward(self, x: Tensor, context: Context, tap=SILENT) -> Tensor:
        """Each token's input [B, T, D] -> attention's output for it [B, T, D]."""
        seen, mask = (context.memory, context.memory_mask) if self.crosses else (x, context.mask)
        q, k, v = self._at_once(x) if self._is_joined() else (self.q(x), self.k(seen), self.v(seen))
        q = tap("q", self._split(q))  # [B, H, T, E]
        k = tap("k", self._split(k))  # [B, G, S, E]
        v = tap("v", self._split(v))  # [B, G, S, E]
        if self.q_norm is not None:  # keeps them from growing large (Dehghani et al. 2023, section 2.1)
            q = self.q_norm(q, tap.at("q_norm"))  # [B, H, T, E]
            k = self.k_norm(k, tap.at("k_norm"))  # [B, G, S, E]
        if self.rotary:
            q = tap("q_rot", rotate(q, context.angles))  # [B, H, T, E]
            k = tap("k_rot", rotate(k, context.angles))  # [B, G, T, E]
        if context.cache is not None:
            cache = context.cache.memory if self.crosses else context.cache
            k, v = cache.extend(self.layer, k, v)  # [B, G, S, E]
        bias = self._bias(q.shape[2], k.shape[2], context.places) if self.biased else None
        z = attend(q, self._share(k), self._share(v), mask, self.scale, tap, bias)  # [B, H, T, E]
        return tap("out", self.out(z.transpose(1, 2).flatten(2)))  # heads side by side, times W_O

    def _is_joined(self) -> bool:
        """Whether the weights are still those that were joined: not replaced, moved or learned since."""
        weight, joined = self.q.weight, self.joined.get("weight")
        return joined is not None and weight.data_ptr() == joined.data_ptr() and not weight.requires_grad

    def _at_once(self, x: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values of x [B, T, D], in one product."""
        return F.linear(x, **self.joined).split(self.sizes, -1)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_width)).transpose(1, 2)

    def _share(self, x: Tensor) -> Tensor:
        """[B, G, S, E] -> [B, H, S, E]: head h uses group h // (H/G)."""
        return x if self.group_size == 1 else x.repeat_interleave(self.group_size, 1)

    def _bias(self, T: int, S: int, places: Tensor | None) -> Tensor:
        """What is added to the scores for each distance [B or 1, H, T, S]: learned numbers (Raffel et al.
        2019), or slopes times the distance (Press et al. 2022), where padding is no distance (BLOOM)."""
        away = distances(T, S, self.q.weight.device)
        if self.bias is None:
            away = away[None] if places is None else places[:, None, :] - places[:, :, None]
            return alibi(away, self.heads).to(self.q.weight.dtype)
        rows = buckets_of(away, self.bias.num_embeddings, self.max_distance, self.both_sides)  # [T, S]
        return self.bias(rows).permute(2, 0, 1)[None]


def _beside(parts: list[Tensor | None]) -> Tensor | None:
    """Rows of matrices, or vectors, one after the other; matrices in memory column by column."""
    if parts[0] is None:
        return None
    return torch.cat([part.T for part in parts], 1).T if parts[0].dim() == 2 else torch.cat(parts)
