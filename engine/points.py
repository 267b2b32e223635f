"""The vocabulary: every intermediate that has a name, its axes, and how it is made.

Letters: B batch, T asking positions (queries), S positions looked at (keys), D model width, H heads,
G heads of keys and values where several share one, E width of a head, F MLP width, V vocabulary, C classes;
N patches of P numbers; 1 is an axis of a single number.

The names are TransformerLens's, without `hook_` (Nanda & Bloom 2022). Where two readers could disagree
about what a name holds, there are two names: dots, scores, masked, pattern.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from engine.config import Config

PLACES = {  # how a place's vector is made, where one is added
    "learned": ("position row", (), "the row of the position table"),
    "sinusoidal": ("sinusoid", (), "the place as waves: sines and cosines"),
}


@dataclass(frozen=True)
class Point:
    """One named intermediate.

    kind     the step that makes it: a name of engine.worked.KINDS
    sources  the points it is made from
    part     where its weights are found in the model, where that is not the point's own name
    """

    name: str
    axes: str
    kind: str
    sources: tuple[str, ...]
    meaning: str
    part: str = ""

    @property
    def weights(self) -> str:
        """Where its weights are found in the model, if it has any: parts and points share their names."""
        if self.part:
            return self.part
        return self.name.removesuffix(".out") if self.kind == "affine" else self.name


def _layer_norm(prefix: str, source: str) -> list[Point]:
    mean, var, scaled = (f"{prefix}.{step}" for step in ("mean", "var", "scaled"))
    return [
        Point(mean, "BT1", "mean", (source,), "the average of a token's numbers"),
        Point(var, "BT1", "variance", (source, mean), "how far they are from it, squared, on average"),
        Point(scaled, "BTD", "standardise", (source, mean, var), "the vector with mean 0, variance 1"),
        Point(f"{prefix}.out", "BTD", "affine", (scaled,), "after the learned size γ and shift β"),
    ]


def _rms_norm(prefix: str, source: str) -> list[Point]:
    square, scaled = f"{prefix}.square", f"{prefix}.scaled"
    return [
        Point(square, "BT1", "mean square", (source,), "the average of a token's squared numbers"),
        Point(scaled, "BTD", "to size 1", (source, square), "the vector divided by their typical size"),
        Point(f"{prefix}.out", "BTD", "affine", (scaled,), "after the learned size γ"),
    ]


def _norm(config: Config, prefix: str, source: str) -> list[Point]:
    return (_rms_norm if config.norm == "rms" else _layer_norm)(prefix, source)


def _patches() -> list[Point]:
    parts = ("embed.token", "embed.position")
    return [
        Point("embed.pixels", "BNP", "patches", (), "the numbers of each patch of the image"),
        Point("embed.patch", "BND", "linear", ("embed.pixels",), "each patch as a vector"),
        Point("embed.token", "BTD", "put before", ("embed.patch",), "one learned vector stands before them"),
        Point("embed.position", "BTD", "position row", (), "the row of the position table"),
        Point("embed.out", "BTD", "sum", parts, "what enters block 0"),
    ]


def _embed(config: Config) -> list[Point]:
    if config.image:
        return _patches()
    points, parts = [Point("embed.token", "BTD", "token row", (), "the row of the token table")], []
    if config.scale_embedding:
        points.append(Point("embed.scaled", "BTD", "times", ("embed.token",), "the row times √D"))
    parts.append(points[-1].name)
    if config.positions in PLACES:
        points.append(Point("embed.position", "BTD", *PLACES[config.positions]))
        parts.append("embed.position")
    if config.segments:
        points.append(Point("embed.segment", "BTD", "segment row", (), "the row of the segment table"))
        parts.append("embed.segment")
    if config.embed_norm:
        points.append(Point("embed.sum", "BTD", "sum", tuple(parts), "all parts together"))
        points += _norm(config, "embed.norm", "embed.sum")
        parts = ["embed.norm.out"]
    kind, out = "sum" if len(parts) > 1 else "same", "what enters block 0"
    return [*points, Point("embed.out", "BTD", kind, tuple(parts), out)]


def _attention(config: Config, at: str, source: str, memory: str = "") -> list[Point]:
    """Self-attention of `source`, or, where a memory is named, its cross-attention to that."""

    def full(name: str) -> str:
        return f"{at}.{name}"

    keys = ("BHTE" if config.key_heads == config.heads else "BGTE").replace("T", "S" if memory else "T")
    points = [
        Point(full("q"), "BHTE", "heads", (source,), "query: what a token looks for"),
        Point(full("k"), keys, "heads", (memory or source,), "key: what a token can be found by"),
        Point(full("v"), keys, "heads", (memory or source,), "value: what a token hands over"),
    ]
    q, k = full("q"), full("k")
    if config.positions == "rotary" and not memory:
        q, k = full("q_rot"), full("k_rot")
        points += [
            Point(q, "BHTE", "turn", (full("q"),), "the query, turned by its position"),
            Point(k, keys, "turn", (full("k"),), "the key, turned by its position"),
        ]
    scale = "1/√E" if config.scale_scores else "the scale"
    points += [
        Point(full("dots"), "BHTS", "dot", (q, k), "query times key, number by number"),
        Point(full("scores"), "BHTS", "scale", (full("dots"),), f"the dot products times {scale}"),
    ]
    seen = (full("scores"), full("mask"))
    if config.positions == "relative" and not memory:
        points.append(Point(full("bias"), "BHTS", "bias row", (), "a number for how far apart the two are"))
        seen = (full("scores"), full("bias"), full("mask"))
    return [
        *points,
        Point(full("mask"), "BHTS", "rule", (), "true where a token may look"),
        Point(full("masked"), "BHTS", "mask", seen, "−∞ where it may not"),
        Point(full("pattern"), "BHTS", "softmax", (full("masked"),), "weights; each row sums to 1"),
        Point(full("z"), "BHTE", "mix", (full("pattern"), full("v")), "values mixed by the weights"),
        Point(full("out"), "BTD", "concat", (full("z"),), "all heads side by side, times W_O"),
    ]


def _mlp(config: Config, at: str, source: str) -> list[Point]:
    pre, act = f"{at}.pre", f"{at}.act"
    points = [Point(pre, "BTF", "linear", (source,), "what goes into each unit")]
    if config.gated:
        gate, up = f"{at}.gate", f"{at}.up"
        points += [
            Point(gate, "BTF", "activation", (pre,), "how far each unit is open (not limited to 0–1)"),
            Point(up, "BTF", "linear", (source,), "what would pass through it"),
            Point(act, "BTF", "product", (gate, up), "what does pass: how strongly each unit fires"),
        ]
    else:
        points.append(Point(act, "BTF", "activation", (pre,), "how strongly each unit fires"))
    return [*points, Point(f"{at}.out", "BTD", "linear", (act,), "what the units write together")]


def _cross(config: Config, at: str, source: str) -> list[Point]:
    return _attention(config, at, source, "memory")


def _adding(
    config: Config, at: str, make: Callable, before: str, after: str, who: str, where: str
) -> list[Point]:
    """A part that reads the stream `before` it and adds its result, up to the stream `after` it."""
    if config.post_norm:
        return [
            *make(config, at, before),
            Point(f"{at}.sum", "BTD", "sum", (before, f"{at}.out"), f"{who}'s result added"),
            *_norm(config, f"{at}.norm", f"{at}.sum"),
            Point(after, "BTD", "same", (f"{at}.norm.out",), where),
        ]
    return [
        *_norm(config, f"{at}.norm", before),
        *make(config, at, f"{at}.norm.out"),
        Point(after, "BTD", "sum", (before, f"{at}.out"), where),
    ]


def _block(config: Config, at: str, before: str) -> list[Point]:
    pre, mid, cross, post = (f"{at}.resid_{place}" for place in ("pre", "mid", "cross", "post"))
    points = [Point(pre, "BTD", "same", (before,), "the residual stream entering the block")]
    attn, looking = (f"{at}.attn", _attention), (f"{at}.cross", _cross)
    points += _adding(config, *attn, pre, mid, "attention", "the stream after attention")
    if config.memory:
        points += _adding(config, *looking, mid, cross, "cross-attention", "the stream after cross-attention")
    between = cross if config.memory else mid
    return points + _adding(config, f"{at}.mlp", _mlp, between, post, "the MLP", "the stream leaving the block")


def _follows(source: str) -> list[Point]:
    first, pre, pooled = (f"follows.{name}" for name in ("first", "pre", "pooled"))
    return [
        Point(first, "BD", "first token", (source,), "the first token's vector"),
        Point(pre, "BD", "linear", (first,), "that vector through a map"),
        Point(pooled, "BD", "tanh", (pre,), "between −1 and 1: the whole text in one vector"),
        Point("follows.scores", "BC", "linear", (pooled,), "the second text follows; it does not"),
    ]


def _ending(config: Config, source: str) -> list[Point]:
    points = _follows(source) if config.next_sentence else []
    if not config.post_norm:
        points += _norm(config, "final_norm", source)
        source = "final_norm.out"
    if config.ending == "masked":
        points.append(Point("head.pre", "BTD", "linear", (source,), "the last vectors through a map"))
        points.append(Point("head.act", "BTD", "activation", ("head.pre",), "after the activation"))
        points += _norm(config, "head.norm", "head.act")
        source = "head.norm.out"
    if config.ending == "classes":
        points.append(
            Point("first", "BD", "first token", (source,), "the first vector, that of the whole image")
        )
        points.append(Point("classes", "BC", "linear", ("first",), "a score for every kind of image"))
    if config.scale_logits:
        points.append(Point("scaled", "BTD", "times", (source,), "the last vectors over √D"))
        source = "scaled"
    if config.ending in ("logits", "masked"):
        meaning = "a score for every entry of the vocabulary"
        points.append(Point("logits", "BTV", "linear", (source,), meaning))
    return points


@cache
def points_of(config: Config) -> dict[str, Point]:
    """All points of a model by full name, in the order in which they are made."""
    handed = [Point("memory", "BSD", "same", (), "the vectors of another stack, to be looked at")]
    points, before = [*(handed if config.memory else []), *_embed(config)], "embed.out"
    for i in range(config.layers):
        points += _block(config, f"blocks.{i}", before)
        before = f"blocks.{i}.resid_post"
    points += _ending(config, before)
    return {point.name: point for point in points}


def within(part: str, config: Config) -> list[Point]:
    """The points of a stack that is a part of a model: that part's name stands before theirs."""
    return [
        replace(point, name=f"{part}.{point.name}", sources=tuple(f"{part}.{name}" for name in point.sources))
        for point in points_of(config).values()
    ]
