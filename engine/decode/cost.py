"""What writing costs, from a model's shape alone: bytes of the KV cache, and floating-point operations (FLOPs).

A multiplication and the addition after it are two FLOPs; matrix products are counted, and nothing else.
"""

from dataclasses import dataclass

import torch

from engine.config import Config
from engine.model.transformer import Transformer

LLAMA = dict(norm="rms", positions="rotary", gated=True, attention_bias=False, mlp_bias=False)
LLAMA |= dict(activation="silu", tied=False)


@dataclass(frozen=True)
class Shape:
    """A model's shape; `window`: each token sees itself and the window − 1 before it (None: all before it)."""

    config: Config
    window: int | None = None


def _gpt2(layers: int, width: int, heads: int) -> Shape:
    return Shape(Config(50_257, 1024, width, layers, heads, 4 * width, activation="gelu_tanh"))


def _llama(context: int, width: int, layers: int, heads: int, key_heads: int, mlp: int, window=None) -> Shape:
    return Shape(Config(32_000, context, width, layers, heads, mlp, key_heads, **LLAMA), window)


SHAPES = {
    "GPT-2 small": _gpt2(12, 768, 12),  # Radford et al. 2019, table 2
    "GPT-2 medium": _gpt2(24, 1024, 16),
    "GPT-2 large": _gpt2(36, 1280, 20),
    "GPT-2 XL": _gpt2(48, 1600, 25),
    "LLaMA-2-7B": _llama(4096, 4096, 32, 32, 32, 11_008),  # Touvron et al. 2023
    "LLaMA-2-13B": _llama(4096, 5120, 40, 40, 40, 13_824),
    "LLaMA-2-70B": _llama(4096, 8192, 80, 64, 8, 28_672),
    "Mistral-7B": _llama(32_768, 4096, 32, 32, 8, 14_336, window=4096),  # Jiang et al. 2023, table 1
}


def parameters(config: Config) -> int:
    """How many numbers such a model learns; no room is taken for them."""
    with torch.device("meta"):
        return sum(p.numel() for p in Transformer(config).parameters())


def cache_bytes(
    config: Config, tokens: int, size: int = 4, window: int | None = None, source: int = 0, batch: int = 1
) -> int:
    """Bytes of the KV cache after so many tokens: blocks × 2 × key heads × head width × positions × `size`.

    size    bytes of a number: 4 float32, 2 float16
    window  no more than so many positions are kept
    source  positions of another stack, whose keys and values cross-attention keeps
    """
    other = source if config.memory else 0
    return batch * size * config.kept * (_seen(tokens, window) + other)


def pass_flops(
    config: Config,
    queries: int,
    keys: int,
    scored: int = 1,
    window: int | None = None,
    source: int = 0,
    new=True,
) -> int:
    """FLOPs of one pass that reads `queries` tokens, the last of `keys` positions.

    scored  at how many of them every entry of the vocabulary gets a score
    source  positions of another stack that cross-attention attends to; new: whether their keys and values are
            made in this pass
    Masked scores are counted as they are computed; beyond a window none is.
    """
    c, wide = config, config.heads * config.head_width
    linear = 2 * c.width * wide + 2 * c.width * c.key_heads * c.head_width  # W_Q and W_O, W_K and W_V
    block = queries * linear + 2 * queries * _seen(keys, window) * wide  # and q·k, and weights · v
    if c.memory:
        made = source * 2 * c.memory * c.key_heads * c.head_width if new else 0
        block += queries * 2 * c.width * wide + made + 2 * queries * source * wide
    mlp = (3 if c.gated else 2) * c.width * c.mlp_width
    block += queries * (c.width * c.experts + c.experts_used * mlp if c.experts else mlp)
    first = image_products(c) if c.image else 0
    return 2 * (c.layers * block + first + scored * c.width * c.vocabulary * (c.ending == "logits"))


def image_products(c: Config) -> int:
    """Products of numbers before the first block: of patches and a matrix, or of filters and what they see."""
    if not c.filters:
        return c.patches * c.channels * c.patch**2 * c.width
    below, side, count = c.channels, c.image, 0
    for filters, stride in zip(c.filters, c.strides, strict=True):
        side //= stride
        count += side**2 * filters * below * c.kernel**2
        below = filters
    return count


def token_flops(
    config: Config, tokens: int, cached: bool = True, window: int | None = None, source: int = 0
) -> int:
    """FLOPs of the pass that scores what comes after `tokens` tokens: with a cache it reads the last of them,
    without one all."""
    return pass_flops(config, 1 if cached else tokens, tokens, 1, window, source, new=not cached)


def text_flops(
    config: Config, prompt: int, new: int, cached: bool = True, window: int | None = None, source: int = 0
) -> int:
    """FLOPs of writing `new` tokens after a prompt, which the first pass reads in any case."""
    first = token_flops(config, prompt, False, window, source)
    return first + sum(token_flops(config, prompt + i, cached, window, source) for i in range(1, new))


def score_bytes(config: Config, tokens: int, size: int = 4, window: int | None = None) -> int:
    """Bytes of the scores of all heads of one block where a text is read at once: heads × tokens²."""
    return size * config.heads * tokens * _seen(tokens, window)


def score_flops(config: Config, tokens: int, window: int | None = None) -> int:
    """FLOPs of q·k and of weights · v in all blocks where a text is read at once."""
    return 4 * config.layers * config.heads * config.head_width * tokens * _seen(tokens, window)


def _seen(tokens: int, window: int | None) -> int:
    return tokens if window is None else min(tokens, window)
