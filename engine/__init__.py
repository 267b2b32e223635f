"""A small transformer engine that shows every number it computes.

    model = engine.load()
    trace = engine.run(model, "The animal didn't cross the street")
    trace["blocks.0.attn.pattern"]            # [B, H, T, S]

Read it in this order: config, point, tap, norm, sublayer, context, attention, mlp, block, embed, transformer,
points, inputs, tables, trace, worked, rerun, decode. What came before the transformer stands apart:
recurrent_cells, recurrent, recurrent_points.
"""

from engine.decode import Decoding, Step, generate
from engine.images import Pixels
from engine.inputs import Inputs
from engine.load import load, moments_of, shipped
from engine.point import Point
from engine.tables import points_of
from engine.tap import Edit
from engine.trace import Trace, run

__all__ = [
    "Decoding",
    "Edit",
    "Inputs",
    "Pixels",
    "Point",
    "Step",
    "Trace",
    "generate",
    "load",
    "moments_of",
    "points_of",
    "run",
    "shipped",
]
