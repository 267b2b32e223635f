"""What a pass gives to every block beside the residual stream."""

from dataclasses import dataclass

from torch import Tensor

from engine.masks import Mask
from engine.model.cache import Cache


@dataclass(frozen=True, eq=False)
class Context:
    """What a block needs beside the residual stream; every block of a pass gets the same.

    mask         who may look at whom: [B or 1, 1, T, S], True = may look, or CAUSAL
    angles       how far queries and keys are turned [T, E/2], with padding [B, 1, T, E/2], in radians; None:
                 positions are not rotary
    cache        the keys and values of the tokens read before; None: there are none
    memory       the vectors of another stack [B, S, its width], which cross-attention attends to; with a cache
                 those alone that it does not hold yet
    memory_mask  who may look at which of them [B or 1, 1, T, S]
    last         only the last position is scored: enough to go on writing
    places       the place of each token that is read now, where padding is not counted [B, T]; None: one after
                 the other
    """

    mask: Mask
    angles: Tensor | None = None
    cache: Cache | None = None
    memory: Tensor | None = None
    memory_mask: Tensor | None = None
    places: Tensor | None = None
    last: bool = False

    @property
    def start(self) -> int:
        """The position of the first token read in this pass."""
        return 0 if self.cache is None else self.cache.length
