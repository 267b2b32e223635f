"""The vocabulary: every intermediate of a transformer that has a name, its axes, and what it is computed from.

The names are TransformerLens's, without `hook_` (Nanda & Bloom 2022). Where two readers could disagree
about what a name holds, there are two names: dots, scores, masked, pattern.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from engine.config import Config
from engine.points.point import Place, Point

POSITIONS = {  # how position vectors are computed, if they are added
    "learned": ("position_embedding", (), "the row of the position table"),
    "sinusoidal": ("sinusoidal_position", (), "sines and cosines of the position"),
}
BIASES = {  # how the bias on the scores is computed, if there is one
    "relative": ("relative_bias", (), "a learned bias for the distance"),
    "alibi": ("alibi_bias", (), "minus the distance times the head's slope"),
}


def _layer_norm(at: Place, source: str) -> list[Point]:
    mean, var, scaled = map(at.name, ("mean", "var", "scaled"))
    out = "after the learned gain γ and bias β"
    return [
        Point(*at, "mean", "BT1", "mean", (source,), "the mean of a token's values"),
        Point(*at, "var", "BT1", "variance", (source, mean), "their variance"),
        Point(*at, "scaled", "BTD", "standardize", (source, mean, var), "the vector with mean 0, variance 1"),
        Point(*at, "out", "BTD", "affine", (scaled,), out, at.name()),
    ]


def _rms_norm(at: Place, source: str, axes: str = "BTD") -> list[Point]:
    square, scaled, one = *map(at.name, ("square", "scaled")), f"{axes[:-1]}1"
    size = "the vector over its root mean square"
    return [
        Point(*at, "square", one, "mean_square", (source,), "the mean of a token's squared values"),
        Point(*at, "scaled", axes, "divide_by_rms", (source, square), size),
        Point(*at, "out", axes, "affine", (scaled,), "after the learned gain γ", at.name()),
    ]


def _no_norm(at: Place, source: str) -> list[Point]:
    return [Point(*at, "out", "BTD", "identity", (source,), "the vector as it is: there is no norm")]


NORMS = {"layer": _layer_norm, "rms": _rms_norm, "none": _no_norm}


def _norm(config: Config, at: Place, source: str) -> list[Point]:
    return NORMS[config.norm](at, source)


def _patches() -> list[Point]:
    at = Place(part="embed")
    parts, first = (at.name("token"), at.name("position")), "one learned vector, then the patches"
    return [
        Point(*at, "pixels", "BNP", "patches", (), "the values of each patch of the image"),
        Point(*at, "patch", "BND", "linear", (at.name("pixels"),), "each patch as a vector"),
        Point(*at, "token", "BTD", "prepend_class_token", (at.name("patch"),), first),
        Point(*at, "position", "BTD", "position_embedding", (), "the row of the position table"),
        Point(*at, "out", "BTD", "sum", parts, "what enters block 0"),
    ]


def _cells(config: Config) -> list[Point]:
    at = Place(part="embed")
    points = [Point(*at, "pixels", "BKIJ", "pixels", (), "the image as it is read")]
    for i in range(len(config.filters)):
        one, before = at.inside(f"conv.{i}"), points[-1].name
        pre = "each filter's products with the square below it, summed"
        points.append(Point(*one, "pre", "BKIJ", "convolution", (before,), pre))
        points.append(
            Point(*one, "act", "BKIJ", "relu", (one.name("pre"),), "the feature map: what is above 0")
        )
    token = "each cell of the last feature map as a vector"
    points.append(Point(*at, "token", "BTD", "cells", (points[-1].name,), token))
    parts = [at.name("token")]
    if config.positions != "none":
        points.append(Point(*at, "position", "BTD", *POSITIONS["learned"]))
        parts.append(at.name("position"))
    return [*points, *_summed(config, at, parts)]


def _summed(config: Config, at: Place, parts: list[str]) -> list[Point]:
    """What enters block 0: the sum of all parts, normalised in models that do so."""
    points = []
    if config.embed_norm:
        points.append(Point(*at, "sum", "BTD", "sum", tuple(parts), "their sum"))
        points += _norm(config, at.inside("norm"), at.name("sum"))
        parts = [points[-1].name]
    kind, out = "sum" if len(parts) > 1 else "identity", "what enters block 0"
    return [*points, Point(*at, "out", "BTD", kind, tuple(parts), out)]


def _embed(config: Config) -> list[Point]:
    if config.filters:
        return _cells(config)
    if config.image:
        return _patches()
    at = Place(part="embed")
    points, parts = [Point(*at, "token", "BTD", "token_embedding", (), "the row of the token table")], []
    if config.scale_embedding:
        points.append(Point(*at, "scaled", "BTD", "scale_by_width", (at.name("token"),), "the row times √D"))
    parts.append(points[-1].name)
    if config.positions in POSITIONS:
        points.append(Point(*at, "position", "BTD", *POSITIONS[config.positions]))
        parts.append(at.name("position"))
    if config.segments:
        points.append(Point(*at, "segment", "BTD", "segment_embedding", (), "the row of the segment table"))
        parts.append(at.name("segment"))
    return [*points, *_summed(config, at, parts)]


def _attention(config: Config, at: Place, source: str, memory: str = "") -> list[Point]:
    """Self-attention of `source` or, if a memory is named, its cross-attention to that."""
    q, k, v, dots, scores, mask = map(at.name, ("q", "k", "v", "dots", "scores", "mask"))
    masked, pattern, z, bias = *map(at.name, ("masked", "pattern", "z")), config.attention_bias
    keys = ("BHTE" if config.key_heads == config.heads else "BGTE").replace("T", "S" if memory else "T")
    read = (memory or source,)
    points = [
        Point(*at, "q", "BHTE", "heads", (source,), "query: what a token looks for", bias=bias),
        Point(*at, "k", keys, "heads", read, "key: what a token can be found by", bias=bias),
        Point(*at, "v", keys, "heads", read, "value: what a token passes on", bias=bias),
    ]
    if config.qk_norm:
        q_norm, k_norm = at.inside("q_norm"), at.inside("k_norm")
        points += [*_rms_norm(q_norm, q, "BHTE"), *_rms_norm(k_norm, k, keys)]
        q, k = q_norm.name("out"), k_norm.name("out")
    if config.positions == "rotary" and not memory:
        points += [
            Point(*at, "q_rot", "BHTE", "rotary", (q,), "the query, rotated by its position"),
            Point(*at, "k_rot", keys, "rotary", (k,), "the key, rotated by its position"),
        ]
        q, k = at.name("q_rot"), at.name("k_rot")
    scale = "1/√E" if config.scale_scores else "the scale"
    points += [
        Point(*at, "dots", "BHTS", "dot_product", (q, k), "query · key"),
        Point(*at, "scores", "BHTS", "scale_scores", (dots,), f"the dot products times {scale}"),
    ]
    seen = (scores, mask)
    if config.positions in BIASES and not memory:
        points.append(Point(*at, "bias", "BHTS", *BIASES[config.positions]))
        seen = (scores, at.name("bias"), mask)
    return [
        *points,
        Point(*at, "mask", "BHTS", "attention_mask", (), "true where a token may look"),
        Point(*at, "masked", "BHTS", "apply_mask", seen, "−∞ where it may not"),
        Point(*at, "pattern", "BHTS", "softmax", (masked,), "weights; each row sums to 1"),
        Point(*at, "z", "BHTE", "weighted_sum", (pattern, v), "weighted sum of the values"),
        Point(*at, "out", "BTD", "merge_heads", (z,), "all heads side by side, times W_O", bias=bias),
    ]


def _mlp(config: Config, at: Place, source: str) -> list[Point]:
    if config.experts:
        return _experts(config, at, source)
    (pre, gate, up, act), bias = map(at.name, ("pre", "gate", "up", "act")), config.mlp_bias
    points = [Point(*at, "pre", "BTF", "linear", (source,), "the input of each unit", bias=bias)]
    if config.gated:
        points += [
            Point(*at, "gate", "BTF", "activation", (pre,), "how far each unit is open (not limited to 0–1)"),
            Point(*at, "up", "BTF", "linear", (source,), "the value that would pass", bias=bias),
            Point(*at, "act", "BTF", "product", (gate, up), "their product: the activation of each unit"),
        ]
    else:
        points.append(Point(*at, "act", "BTF", "activation", (pre,), "the activation of each unit"))
    out = Point(*at, "out", "BTD", "linear", (act,), "the MLP's output", bias=bias)
    return [*points, out]


def _experts(config: Config, at: Place, source: str) -> list[Point]:
    router, chosen, shares, alone = *map(at.name, ("router", "chosen", "shares")), replace(config, experts=0)
    points = [
        Point(*at, "router", "BTX", "linear", (source,), "the score of each expert for a token"),
        Point(*at, "chosen", "BTX", "highest", (router,), "true for the experts that a token goes to"),
        Point(*at, "shares", "BTX", "shares", (router, chosen), "the share of each; each row sums to 1"),
    ]
    experts = [at.inside(f"experts.{i}") for i in range(config.experts)]
    for i, one in enumerate(experts):
        sent = f"the vectors of the tokens that go to expert {i}; zeros for all others"
        points.append(Point(*one, "read", "BTD", "sent", (source, chosen), sent))
        points += _mlp(alone, one, one.name("read"))
    written = tuple(one.name("out") for one in experts)
    out = "the chosen experts' outputs, summed by their shares"
    return [*points, Point(*at, "out", "BTD", "mixture", (shares, *written), out)]


def _cross(config: Config, at: Place, source: str) -> list[Point]:
    return _attention(config, at, source, "memory")


def _residual(
    config: Config, at: Place, make: Callable, before: str, after: str, who: str, where: str
) -> list[Point]:
    """A part, its norm and the residual connection around it: from the point `before` to the block's `after`.

    make(config, at, source) gives the part's own points; who and where are words for their meanings.
    """
    block, norm, out = at._replace(part=""), at.inside("norm"), at.name("out")
    total = ("sum", (before, out)) if config.residual else ("identity", (out,))
    if config.post_norm:
        told = f"{who}'s output added" if config.residual else f"{who}'s output: nothing is added"
        return [
            *make(config, at, before),
            Point(*at, "sum", "BTD", *total, told),
            *_norm(config, norm, at.name("sum")),
            Point(*block, after, "BTD", "identity", (norm.name("out"),), where),
        ]
    return [
        *_norm(config, norm, before),
        *make(config, at, norm.name("out")),
        Point(*block, after, "BTD", *total, where),
    ]


def _block(config: Config, layer: int, before: str) -> list[Point]:
    at = Place(layer=layer)
    points = [Point(*at, "resid_pre", "BTD", "identity", (before,), "the residual stream entering the block")]
    parts = [("attn", _attention, "resid_mid", "attention", "the stream after attention")]
    if config.memory:
        cross = ("resid_cross", "cross-attention", "the stream after cross-attention")
        parts.append(("cross", _cross, *cross))
    parts.append(("mlp", _mlp, "resid_post", "the MLP", "the stream leaving the block"))
    for part, make, *after in parts:
        points += _residual(config, at.inside(part), make, points[-1].name, *after)
    return points


def _follows(source: str) -> list[Point]:
    at = Place(part="follows")
    first, pre, pooled = map(at.name, ("first", "pre", "pooled"))
    return [
        Point(*at, "first", "BD", "first_token", (source,), "the first token's vector"),
        Point(*at, "pre", "BD", "linear", (first,), "that vector through a linear layer"),
        Point(*at, "pooled", "BD", "tanh", (pre,), "between −1 and 1: the whole text in one vector"),
        Point(*at, "scores", "BC", "linear", (pooled,), "the second text follows; it does not"),
    ]


def _masked_head(config: Config, source: str) -> list[Point]:
    at = Place(part="head")
    return [
        Point(*at, "pre", "BTD", "linear", (source,), "the last vectors through a linear layer"),
        Point(*at, "act", "BTD", "activation", (at.name("pre"),), "after the activation"),
        *_norm(config, at.inside("norm"), at.name("act")),
    ]


def _ending(config: Config, source: str) -> list[Point]:
    at = Place()
    points = _follows(source) if config.next_sentence else []
    if not config.post_norm:
        points += _norm(config, at.inside("final_norm"), source)
        source = points[-1].name
    if config.ending == "masked":
        points += _masked_head(config, source)
        source = points[-1].name
    if config.ending == "classes":
        first = "the first vector, for the whole image"
        points.append(Point(*at, "first", "BD", "first_token", (source,), first))
        points.append(Point(*at, "classes", "BC", "linear", ("first",), "a score for every class"))
    if config.scale_logits:
        points.append(Point(*at, "scaled", "BTD", "scale_by_width", (source,), "the last vectors over √D"))
        source = "scaled"
    if config.ending in ("logits", "masked"):
        meaning = "a score for every entry of the vocabulary"
        points.append(Point(*at, "logits", "BTV", "linear", (source,), meaning))
    return points


@cache
def points_of(config: Config) -> dict[str, Point]:
    """All points of a stack by full name, in the order in which they are computed."""
    handed = Point(*Place(), "memory", "BSD", "identity", (), "the encoder's output, for cross-attention")
    points, before = [*([handed] if config.memory else []), *_embed(config)], "embed.out"
    for layer in range(config.layers):
        points += _block(config, layer, before)
        before = points[-1].name
    points += _ending(config, before)
    return {point.name: point for point in points}


def within(stack: str, config: Config) -> list[Point]:
    """The points of the encoder or decoder of a larger model: prefixed with the stack's name."""
    return [
        replace(point, stack=stack, sources=tuple(f"{stack}.{name}" for name in point.sources))
        for point in points_of(config).values()
    ]
