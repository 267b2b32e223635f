"""The KV cache: keys and values of the tokens already read, so that a new token costs one row."""

import torch
from torch import Tensor

from engine.config import Config


class Cache:
    """Room for the keys and values of every block, filled from the left.

    `length` is how many positions are filled; none is ever dropped: a full cache is an error.
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
        """How many positions there is room for."""
        return self.keys.shape[3]

    @property
    def bytes(self) -> int:
        """Bytes in use by the filled positions."""
        return 2 * self.length * (self.keys.nbytes // self.room)

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Append k, v [B, G, T, E] of one block; returns all its keys and values so far [B, G, S, E].

        Every block appends at `length`; the caller advances it by T after all blocks.
        """
        end = self.length + k.shape[2]
        if end > self.room:
            raise ValueError(f"the cache has room for {self.room} tokens, not for {end}")
        keys, values = self.keys[layer], self.values[layer]
        keys[:, :, self.length : end], values[:, :, self.length : end] = k, v
        return keys[:, :, :end], values[:, :, :end]
