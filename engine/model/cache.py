"""What a model keeps of the tokens already read, so that a new token costs one row."""

from dataclasses import replace

import torch
from torch import Tensor

from engine.config import Config


class Cache:
    """The KV cache: room for the keys and values of every block, filled from the left.

    `length` is how many positions are filled; none is ever dropped: a full cache is an error. `memory` is the
    same for cross-attention, of the other stack's positions: filled by the first pass, complete from then on.
    """

    def __init__(self, config: Config, batch: int = 1, room: int | None = None, like: Tensor | None = None):
        room = min(room or config.context, config.context)
        shape = (config.layers, batch, config.key_heads, room, config.head_width)
        options = dict(dtype=like.dtype, device=like.device) if like is not None else {}
        self.keys = torch.empty(shape, **options)  # [layers, B, G, room, E]
        self.values = torch.empty(shape, **options)
        self.memory: Cache | None = None
        self.length = 0

    @property
    def room(self) -> int:
        """How many positions there is room for."""
        return self.keys.shape[3]

    @property
    def bytes(self) -> int:
        """Bytes in use by the filled positions, those of the other stack among them."""
        own = 2 * self.length * (self.keys.nbytes // self.room)
        return own if self.memory is None else own + self.memory.bytes

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

    def unread(self, memory: Tensor, config: Config) -> Tensor:
        """The vectors of another stack [B, S, D] whose keys and values are not here yet; room for all of them
        is made the first time."""
        if self.memory is None:
            self.memory = Cache(replace(config, context=memory.shape[1]), len(memory), like=memory)
        return memory[:, self.memory.length :]

    def advance(self, count: int) -> None:
        """After all blocks have read `count` tokens, and what they attend to of another stack."""
        self.length += count
        if self.memory is not None:
            self.memory.length = self.memory.room

    def select(self, rows: Tensor) -> None:
        """Go on with these rows of the batch, [N] of 0 … B − 1, each as often as it is named."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]
        if self.memory is not None:
            self.memory.select(rows)


class States:
    """The same of a recurrent decoder: its state after the last token [B, D], however many it has read."""

    def __init__(self):
        self.state: tuple[Tensor, ...] | None = None  # None: nothing was read
        self.length = 0

    @property
    def bytes(self) -> int:
        """Bytes of the state."""
        return sum(x.nbytes for x in self.state or ())

    def advance(self, count: int, state: tuple[Tensor, ...]) -> None:
        """After `count` tokens, with the state after the last of them."""
        self.length, self.state = self.length + count, state

    def select(self, rows: Tensor) -> None:
        """Go on with these rows of the batch, [N] of 0 … B − 1, each as often as it is named."""
        self.state = tuple(x[rows] for x in self.state)
