"""How each kind of point is computed: the second route, which shares nothing with the forward pass.

One file for each group of steps; a file registers its kinds (recipes.kinds) when it is imported here.
"""

from engine.worked.recipes import (  # noqa: F401
    activations,
    attention,
    convolution,
    embeddings,
    experts,
    linear,
    norms,
    positions,
    recurrent,
)
from engine.worked.recipes.kinds import KINDS

__all__ = ["KINDS"]
