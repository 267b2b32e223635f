"""The KV cache: keys and values of the tokens already read, so that a new token costs one row."""

import torch
from torch import Tensor

from engine.config import Config


class Cache:
    """Room for the keys and values of every block, filled from the left.

    `length` is how many positions are filled; the oldest never fall out: a full cache is an error.
    """

    def __init__(self, config: Config, batch: int = 1, room: int | None = None, like: Tensor | None = None):
        room = min(room or config.context, config.context)
        shape = (config.layers, batch, config.key_heads, room, config.head_width)
        options = dict(dtype=like.dtype, device=like.device) if like is not None else {}
        self.keys = torch.empty(shape, **options)  # [layers, B, G, room, E]
        self.values = torch.empty(shape, **options)
        self.length = 0

    @property
    def room(self) -> int:
        return self.keys.shape[3]

    @property
    def bytes(self) -> int:
        """Bytes in use by the filled positions."""
        return 2 * self.length * (self.keys.nbytes // self.room)

    def layer(self, i: int) -> "LayerCache":
        return LayerCache(self, i)


class LayerCache:
    """One block's view of the cache."""

    def __init__(self, cache: Cache, i: int):
        self.cache, self.i = cache, i

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Append k, v [B, G, T, E]; returns all keys and values so far [B, G, S, E]."""
        start = self.cache.length
        end = start + k.shape[2]
        if end > self.cache.room:
            raise ValueError(f"the cache has room for {self.cache.room} tokens, not for {end}")
        keys, values = self.cache.keys[self.i], self.cache.values[self.i]
        keys[:, :, start:end], values[:, :, start:end] = k, v
        return keys[:, :, :end], values[:, :, :end]
