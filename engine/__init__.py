"""A small transformer engine that shows every number it computes.

    model = engine.load()
    trace = engine.run(model, "The animal didn't cross the street")
    trace["blocks.0.attn.pattern"]            # [B, H, T, S]

Read it in this order: config, position, trace/tap; of model/ norm, context, sublayer, attention, mlp,
block, embed, transformer; then points/, trace/trace, worked/steps, worked/rerun, decode. The recurrent
models before the transformer are apart: model/cells, model/recurrent, points/recurrent.
"""

try:
    from engine.decode import Beam, Decoding, Step, beam_search, generate
    from engine.images import Pixels
    from engine.load import checkpoints_of, load, shipped, survey
    from engine.points import Point
    from engine.trace import Trace, run
    from engine.trace.inputs import Inputs
    from engine.trace.tables import points_of
    from engine.trace.tap import Edit
except ModuleNotFoundError as missing:
    # engine.autodiff is plain numpy and runs without torch; all else says what is missing when it is asked for
    if missing.name != "torch":
        raise

    def __getattr__(name: str):
        raise AttributeError(f"engine.{name} needs torch, which is not installed here: pip install torch")


__all__ = [
    "Beam",
    "Decoding",
    "Edit",
    "Inputs",
    "Pixels",
    "Point",
    "Step",
    "Trace",
    "beam_search",
    "checkpoints_of",
    "generate",
    "load",
    "points_of",
    "run",
    "shipped",
    "survey",
]
