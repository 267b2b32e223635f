"""The vocabulary: every intermediate that has a name, its axes, and how it is made.

Letters: B batch, T asking positions (queries), S positions looked at (keys), D model width, H heads,
E width of a head, F MLP width, V vocabulary; 1 is an axis of a single number.

The names are TransformerLens's, without `hook_` (Nanda & Bloom 2022). Where two readers could disagree
about what a name holds, there are two names: dots, scores, masked, pattern.
"""

from dataclasses import dataclass, replace
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


def _norm(prefix: str, source: str) -> tuple[Point, ...]:
    mean, var, scaled = (f"{prefix}.{step}" for step in ("mean", "var", "scaled"))
    return (
        Point(mean, "BT1", "mean", (source,), "the average of a token's numbers"),
        Point(var, "BT1", "variance", (source, mean), "how far they are from it, squared, on average"),
        Point(scaled, "BTD", "standardise", (source, mean, var), "the vector with mean 0, variance 1"),
        Point(f"{prefix}.out", "BTD", "affine", (scaled,), "after the learned size γ and shift β"),
    )


_EMBED = (
    Point("embed.token", "BTD", "token row", (), "the row of the token table"),
    Point("embed.position", "BTD", "position row", (), "the row of the position table"),
    Point("embed.out", "BTD", "sum", ("embed.token", "embed.position"), "what enters block 0"),
)

_BLOCK = tuple(
    replace(p, name=f"blocks.{{i}}.{p.name}", sources=tuple(_full(s) for s in p.sources))
    for _full in [lambda s: s if s == "{before}" else f"blocks.{{i}}.{s}"]
    for p in (
        Point("resid_pre", "BTD", "same", ("{before}",), "the residual stream entering the block"),
        *_norm("attn.norm", "resid_pre"),
        Point("attn.q", "BHTE", "heads", ("attn.norm.out",), "query: what a token looks for"),
        Point("attn.k", "BHTE", "heads", ("attn.norm.out",), "key: what a token can be found by"),
        Point("attn.v", "BHTE", "heads", ("attn.norm.out",), "value: what a token hands over"),
        Point("attn.q_rot", "BHTE", "turn", ("attn.q",), "the query, turned by its position"),
        Point("attn.k_rot", "BHTE", "turn", ("attn.k",), "the key, turned by its position"),
        Point("attn.dots", "BHTS", "dot", ("attn.q_rot", "attn.k_rot"), "query times key, number by number"),
        Point("attn.scores", "BHTS", "scale", ("attn.dots",), "the dot products times 1/√E"),
        Point("attn.mask", "BHTS", "rule", (), "true where a token may look"),
        Point("attn.masked", "BHTS", "mask", ("attn.scores", "attn.mask"), "−∞ where it may not"),
        Point("attn.pattern", "BHTS", "softmax", ("attn.masked",), "weights; each row sums to 1"),
        Point("attn.z", "BHTE", "mix", ("attn.pattern", "attn.v"), "values mixed by the weights"),
        Point("attn.out", "BTD", "concat", ("attn.z",), "all heads side by side, times W_O"),
        Point("resid_mid", "BTD", "sum", ("resid_pre", "attn.out"), "the stream after attention"),
        *_norm("mlp.norm", "resid_mid"),
        Point("mlp.pre", "BTF", "linear", ("mlp.norm.out",), "what goes into each unit"),
        Point("mlp.act", "BTF", "activation", ("mlp.pre",), "how strongly each unit fires"),
        Point("mlp.out", "BTD", "linear", ("mlp.act",), "what the units write together"),
        Point("resid_post", "BTD", "sum", ("resid_mid", "mlp.out"), "the stream leaving the block"),
    )
)

_END = (
    *_norm("final_norm", "{end}"),
    Point("logits", "BTV", "linear", ("final_norm.out",), "a score for every entry of the vocabulary"),
)

POINTS: tuple[Point, ...] = _EMBED + _BLOCK + _END


@cache
def points_of(config: Config) -> dict[str, Point]:
    """All points of a model by full name, in the order in which they are made."""
    end = f"blocks.{config.layers - 1}.resid_post"
    points = list(_EMBED)
    for i in range(config.layers):
        before = f"blocks.{i - 1}.resid_post" if i else "embed.out"
        points += [_fill(p, i=i, before=before) for p in _BLOCK]
    points += [_fill(p, end=end) for p in _END]
    made = _with_turns if config.rotary else _without_turns
    return {p.name: p for p in map(made, points) if p}


def _with_turns(point: Point) -> Point | None:
    """The point in a model with rotary positions: none are added at the start."""
    if point.name == "embed.out":
        return replace(point, kind="same", sources=("embed.token",))
    return None if point.name == "embed.position" else point


def _without_turns(point: Point) -> Point | None:
    """The point in a model that turns no query and no key."""
    if point.name.endswith("_rot"):
        return None
    return replace(point, sources=tuple(source.removesuffix("_rot") for source in point.sources))


def _fill(point: Point, **names) -> Point:
    sources = tuple(s.format(**names) for s in point.sources)
    return replace(point, name=point.name.format(**names), sources=sources)
