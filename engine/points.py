"""The vocabulary: every intermediate that has a name, its axes, and how it is made.

Letters: B batch, T asking positions (queries), S positions looked at (keys), D model width, H heads,
G heads of keys and values where several share one, E width of a head, F MLP width, V vocabulary; 1 is an
axis of a single number.

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
    """

    name: str
    axes: str
    kind: str
    sources: tuple[str, ...]
    meaning: str

    @property
    def weights(self) -> str:
        """Where its weights are found in the model, if it has any: parts and points share their names."""
        return self.name.removesuffix(".out") if self.kind in ("affine",) else self.name


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


def _embed(config: Config) -> list[Point]:
    token = Point("embed.token", "BTD", "token row", (), "the row of the token table")
    if config.rotary:
        return [token, Point("embed.out", "BTD", "same", (token.name,), "what enters block 0")]
    position = Point("embed.position", "BTD", "position row", (), "the row of the position table")
    return [
        token,
        position,
        Point("embed.out", "BTD", "sum", (token.name, position.name), "what enters block 0"),
    ]


def _attention(config: Config, at: str, source: str) -> list[Point]:
    def full(name: str) -> str:
        return f"{at}.{name}"

    keys = "BHTE" if config.shared_by == 1 else "BGTE"
    normed = full("norm.out")
    points = [
        *_norm(config, full("norm"), source),
        Point(full("q"), "BHTE", "heads", (normed,), "query: what a token looks for"),
        Point(full("k"), keys, "heads", (normed,), "key: what a token can be found by"),
        Point(full("v"), keys, "heads", (normed,), "value: what a token hands over"),
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
    normed, pre, act = f"{at}.norm.out", f"{at}.pre", f"{at}.act"
    points = [
        *_norm(config, f"{at}.norm", source),
        Point(pre, "BTF", "linear", (normed,), "what goes into each unit"),
    ]
    if config.gated:
        gate, up = f"{at}.gate", f"{at}.up"
        points += [
            Point(gate, "BTF", "activation", (pre,), "how far each unit is open"),
            Point(up, "BTF", "linear", (normed,), "what would pass through it"),
            Point(act, "BTF", "product", (gate, up), "what does pass: how strongly each unit fires"),
        ]
    else:
        points.append(Point(act, "BTF", "activation", (pre,), "how strongly each unit fires"))
    return [*points, Point(f"{at}.out", "BTD", "linear", (act,), "what the units write together")]


def _block(config: Config, at: str, before: str) -> list[Point]:
    pre, mid = f"{at}.resid_pre", f"{at}.resid_mid"
    return [
        Point(pre, "BTD", "same", (before,), "the residual stream entering the block"),
        *_attention(config, f"{at}.attn", pre),
        Point(mid, "BTD", "sum", (pre, f"{at}.attn.out"), "the stream after attention"),
        *_mlp(config, f"{at}.mlp", mid),
        Point(f"{at}.resid_post", "BTD", "sum", (mid, f"{at}.mlp.out"), "the stream leaving the block"),
    ]


@cache
def points_of(config: Config) -> dict[str, Point]:
    """All points of a model by full name, in the order in which they are made."""
    points, before = _embed(config), "embed.out"
    for i in range(config.layers):
        points += _block(config, f"blocks.{i}", before)
        before = f"blocks.{i}.resid_post"
    points += _norm(config, "final_norm", before)
    last = ("final_norm.out",)
    points.append(Point("logits", "BTV", "linear", last, "a score for every entry of the vocabulary"))
    return {point.name: point for point in points}
