"""How each kind of point is computed: the second route, which shares nothing with the forward pass.

One file for each group of steps; a file registers its kinds (engine.recipes.kinds) when it is imported here.
"""

from engine.recipes import activations, attention, embeddings, linear, norms, positions, recurrent  # noqa: F401
from engine.recipes.kinds import KINDS

__all__ = ["KINDS"]
