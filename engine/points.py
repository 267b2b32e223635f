"""The vocabulary: every intermediate that has a name, its axes, and how it is made.

Letters: B batch, T asking positions (queries), S positions looked at (keys), D model width, H heads,
G heads of keys and values where several share one, E width of a head, F MLP width, V vocabulary, C classes;
N patches of P numbers; 1 is an axis of a single number.

The names are TransformerLens's, without `hook_` (Nanda & Bloom 2022). Where two readers could disagree
about what a name holds, there are two names: dots, scores, masked, pattern.
"""

from dataclasses import dataclass
from functools import cache

from engine.config import Config


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
    points = [Point("embed.token", "BTD", "token row", (), "the row of the token table")]
    if not config.rotary:
        points.append(Point("embed.position", "BTD", "position row", (), "the row of the position table"))
    if config.segments:
        points.append(Point("embed.segment", "BTD", "segment row", (), "the row of the segment table"))
    parts, out = tuple(point.name for point in points), "what enters block 0"
    if config.embed_norm:
        points.append(Point("embed.sum", "BTD", "sum", parts, "all parts together"))
        points += _norm(config, "embed.norm", "embed.sum")
        parts = ("embed.norm.out",)
    return [*points, Point("embed.out", "BTD", "sum" if len(parts) > 1 else "same", parts, out)]


def _attention(config: Config, at: str, source: str) -> list[Point]:
    def full(name: str) -> str:
        return f"{at}.{name}"

    keys = "BHTE" if config.shared_by == 1 else "BGTE"
    points = [
        Point(full("q"), "BHTE", "heads", (source,), "query: what a token looks for"),
        Point(full("k"), keys, "heads", (source,), "key: what a token can be found by"),
        Point(full("v"), keys, "heads", (source,), "value: what a token hands over"),
    ]
    q, k = full("q"), full("k")
    if config.rotary:
        q, k = full("q_rot"), full("k_rot")
        points += [
            Point(q, "BHTE", "turn", (full("q"),), "the query, turned by its position"),
            Point(k, keys, "turn", (full("k"),), "the key, turned by its position"),
        ]
    seen = (full("scores"), full("mask"))
    return [
        *points,
        Point(full("dots"), "BHTS", "dot", (q, k), "query times key, number by number"),
        Point(full("scores"), "BHTS", "scale", (full("dots"),), "the dot products times 1/√E"),
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
            Point(gate, "BTF", "activation", (pre,), "how far each unit is open"),
            Point(up, "BTF", "linear", (source,), "what would pass through it"),
            Point(act, "BTF", "product", (gate, up), "what does pass: how strongly each unit fires"),
        ]
    else:
        points.append(Point(act, "BTF", "activation", (pre,), "how strongly each unit fires"))
    return [*points, Point(f"{at}.out", "BTD", "linear", (act,), "what the units write together")]


def _block(config: Config, at: str, before: str) -> list[Point]:
    pre, mid, post = (f"{at}.resid_{place}" for place in ("pre", "mid", "post"))
    attn, mlp = f"{at}.attn", f"{at}.mlp"
    entering = Point(pre, "BTD", "same", (before,), "the residual stream entering the block")
    between, leaving = "the stream after attention", "the stream leaving the block"
    if config.post_norm:
        return [
            entering,
            *_attention(config, attn, pre),
            Point(f"{attn}.sum", "BTD", "sum", (pre, f"{attn}.out"), "attention's result added"),
            *_norm(config, f"{attn}.norm", f"{attn}.sum"),
            Point(mid, "BTD", "same", (f"{attn}.norm.out",), between),
            *_mlp(config, mlp, mid),
            Point(f"{mlp}.sum", "BTD", "sum", (mid, f"{mlp}.out"), "the MLP's result added"),
            *_norm(config, f"{mlp}.norm", f"{mlp}.sum"),
            Point(post, "BTD", "same", (f"{mlp}.norm.out",), leaving),
        ]
    return [
        entering,
        *_norm(config, f"{attn}.norm", pre),
        *_attention(config, attn, f"{attn}.norm.out"),
        Point(mid, "BTD", "sum", (pre, f"{attn}.out"), between),
        *_norm(config, f"{mlp}.norm", mid),
        *_mlp(config, mlp, f"{mlp}.norm.out"),
        Point(post, "BTD", "sum", (mid, f"{mlp}.out"), leaving),
    ]


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
    if config.ending in ("logits", "masked"):
        meaning = "a score for every entry of the vocabulary"
        points.append(Point("logits", "BTV", "linear", (source,), meaning))
    return points


@cache
def points_of(config: Config) -> dict[str, Point]:
    """All points of a model by full name, in the order in which they are made."""
    points, before = _embed(config), "embed.out"
    for i in range(config.layers):
        points += _block(config, f"blocks.{i}", before)
        before = f"blocks.{i}.resid_post"
    points += _ending(config, before)
    return {point.name: point for point in points}
