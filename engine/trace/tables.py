"""The table of points of a run, and the segment of the forward pass that computes each."""

from dataclasses import replace
from functools import cache

from engine.config import Config, PairConfig, RecurrentConfig
from engine.points.point import Place, Point
from engine.points.recurrent import language_points, recurrent_points
from engine.points.transformer import points_of as stack_points
from engine.points.transformer import within
from engine.trace.inputs import Inputs


def table_of(config: Config | PairConfig | RecurrentConfig, inputs: Inputs) -> dict[str, Point]:
    """All points of a run by full name, in the order in which they are computed."""
    if isinstance(config, Config):
        return stack_points(config)
    if isinstance(config, PairConfig):
        return _pair_points(config)
    if config.alone:
        return language_points(config, inputs.ids.shape[1], inputs.padding is not None)
    source = config.encoder.context if config.encoder else inputs.ids.shape[1]
    padded = inputs.padding is not None, inputs.target_padding is not None
    return recurrent_points(config, source, inputs.target.shape[1], *padded)


def points_of(model) -> dict[str, Point]:
    """All points of a model, or of a config, by full name, in the order in which they are made.

    A ValueError where there is no such table: that of a recurrent model depends on how much is read.
    """
    config = getattr(model, "config", model)
    if isinstance(config, RecurrentConfig):
        raise ValueError(
            "the points of a recurrent model depend on what it reads: engine.run(model, …).points()"
        )
    if not isinstance(config, Config | PairConfig):
        raise ValueError(f"points are those of a model or of its config, not of {model!r:.60}")
    return stack_points(config) if isinstance(config, Config) else _pair_points(config)


def segment_of(config: Config | PairConfig | RecurrentConfig, point: Point) -> str:
    """The segment of the forward pass that computes a point: "embed", "blocks.3" or "end", of two stacks
    "decoder.blocks.3"; of a recurrent model "all", because each step needs the one before.

    A segment can be rerun on its own, from the points that a lean trace keeps.
    """
    if isinstance(config, RecurrentConfig):
        return "all"
    if point.layer is not None:
        return Place(point.stack, point.layer).name()
    return Place(point.stack).name("embed" if point.part.startswith("embed") else "end")


@cache
def _pair_points(config: PairConfig) -> dict[str, Point]:
    """The points of both stacks; the memory is the encoder's last."""
    encoder, decoder = within("encoder", config.encoder), within("decoder", config.decoder)
    memory = replace(decoder[0], sources=(encoder[-1].name,))
    return {point.name: point for point in (*encoder, memory, *decoder[1:])}
