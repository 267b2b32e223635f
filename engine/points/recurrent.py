"""The vocabulary of recurrent models: as in `engine.points`, but with numbered steps, not blocks.

The source's positions are T in the encoder and S where the decoder looks back at them. With padding, each step
has one more point: the state that is carried on, which is the new one or, at padding, the previous one.
An encoder that reads images has the points of `engine.points`.
"""

from functools import lru_cache

from engine.config import RecurrentConfig
from engine.points.point import Place, Point
from engine.points.transformer import within

_GATES = {
    "reset": "how much of the previous state reaches the candidate",
    "update": "how much of the previous state stays",
    "input": "how much of the candidate enters the cell",
    "forget": "how much of the cell stays",
    "output": "how much of the cell is passed on as the state",
    "candidate": "the proposed new content",
}


def _sum(at: Place, gate: str, sources: tuple[str, str]) -> Point:
    """W_x x + W_h h + b of one gate."""
    meaning = f"{'state' if gate == 'h' else gate}: the token times W plus the previous state times U"
    return Point(*at, f"{gate}_pre", "BD", "gate_sum", sources, meaning, "cell", gate=gate)


def _gate(at: Place, gate: str, sources: tuple[str, str], curve: str = "sigmoid") -> list[Point]:
    pre = _sum(at, gate, sources)
    return [pre, Point(*at, gate, "BD", curve, (pre.name,), _GATES[gate])]


def _rnn(at: Place, token: str, before: dict[str, str]) -> list[Point]:
    pre = _sum(at, "h", (token, before["h"]))
    return [pre, Point(*at, "h", "BD", "tanh", (pre.name,), "the state")]


def _gru(at: Place, token: str, before: dict[str, str]) -> list[Point]:
    reset, update, recalled, pre, candidate = map(
        at.name, ("reset", "update", "candidate_h", "candidate_pre", "candidate")
    )
    state, maps = before["h"], dict(module="cell", gate="candidate")
    through = "candidate: the token times W, and what the reset gate lets through"
    return [
        *_gate(at, "reset", (token, state)),
        *_gate(at, "update", (token, state)),
        Point(*at, "candidate_h", "BD", "state_map", (state,), "the previous state times U", **maps),
        Point(*at, "candidate_pre", "BD", "reset_sum", (token, reset, recalled), through, **maps),
        Point(*at, "candidate", "BD", "tanh", (pre,), _GATES["candidate"]),
        Point(*at, "h", "BD", "interpolate", (update, candidate, state), "the state"),
    ]


def _lstm(at: Place, token: str, before: dict[str, str]) -> list[Point]:
    curves = {"input": "sigmoid", "forget": "sigmoid", "candidate": "tanh", "output": "sigmoid"}
    gates = [_gate(at, gate, (token, before["h"]), curve) for gate, curve in curves.items()]
    kept = (at.name("forget"), before["cell"], at.name("input"), at.name("candidate"))
    shown = (at.name("output"), at.name("cell_tanh"))
    return [
        *(point for gate in gates for point in gate),
        Point(*at, "cell", "BD", "cell_update", kept, "what stays of the cell, plus what enters it"),
        Point(*at, "cell_tanh", "BD", "tanh", (at.name("cell"),), "the cell between −1 and 1"),
        Point(*at, "h", "BD", "product", shown, "the state"),
    ]


_STEPS = {"rnn": (_rnn, ("h",)), "gru": (_gru, ("h",)), "lstm": (_lstm, ("h", "cell"))}


def _start(stack: str, name: str) -> str:
    return Place(stack, part="start").name(name)


def _read(config: RecurrentConfig, stack: str, start: list[Point], steps: int, padded: bool) -> list[Point]:
    """Every step of the encoder or the decoder, preceded by the state it starts from."""
    (step, carried), here = _STEPS[config.cell], Place(stack)
    row = Point(*here, "token", "BTD", "token_embedding", (), "the row of the token table")
    points, states, before = [*start, row], [], {name: _start(stack, name) for name in carried}
    for t in range(steps):
        at = Place(stack, step=t)
        points += step(at, row.name, before)
        after = {name: at.name(name) for name in carried}
        if padded:
            goes_on = [_carry(at, name, (after[name], before[name])) for name in carried]
            points += goes_on
            after = {name: point.name for name, point in zip(carried, goes_on, strict=True)}
        before = after
        states.append(before["h"])
    return [*points, Point(*here, "states", "BTD", "stack", tuple(states), "the states of all steps")]


def _carry(at: Place, name: str, sources: tuple[str, str]) -> Point:
    """What the next step starts from, if there may be padding."""
    meaning = "what is carried on: the new one, at padding the previous one"
    return Point(*at, f"{name}_carried", "BD", "carry", sources, meaning)


def _nothing(config: RecurrentConfig, stack: str) -> list[Point]:
    """The state before anything was read."""
    _, carried = _STEPS[config.cell]
    at = Place(stack, part="start")
    return [Point(*at, name, "BD", "zeros", (), "nothing has been read") for name in carried]


def _text(config: RecurrentConfig, steps: int, padded: bool) -> tuple[list[Point], list[Point]]:
    """The points of an encoder that reads a text, and what the decoder starts from."""
    _, carried = _STEPS[config.cell]
    start, last = _nothing(config, "encoder"), Place("encoder", step=steps - 1)
    told, ends = "the encoder's last: the decoder starts from it", "_carried" * padded
    at = Place("decoder", part="start")
    return _read(config, "encoder", start, steps, padded), [
        Point(*at, name, "BD", "identity", (last.name(f"{name}{ends}"),), told) for name in carried
    ]


def _image(config: RecurrentConfig) -> tuple[list[Point], list[Point]]:
    """The same for an encoder that reads images."""
    points, (_, carried) = within("encoder", config.encoder), _STEPS[config.cell]
    at, last = Place("decoder", part="start"), (points[-1].name,)
    if config.encoder.filters:
        return points, _made(config, at, last)
    told = "the encoder's first vector: the decoder starts from it"
    return points, [Point(*at, name, "BD", "first_token", last, told) for name in carried]


def _made(config: RecurrentConfig, at: Place, cells: tuple[str]) -> list[Point]:
    """What the decoder makes of an image's cells to start from."""
    _, carried = _STEPS[config.cell]
    pre, told = at.name("pre"), "the state to start from, between −1 and 1"
    start = [Point(*at, name, "BD", "tanh", (pre,), told) for name in carried]
    if config.attention == "none":
        joined = "all cells side by side, over √N, times W"
        return [Point(*at, "pre", "BD", "joined_linear", cells, joined), *start]
    mean = Point(*at, "mean", "BD", "position_mean", cells, "the mean of all cells")
    return [mean, Point(*at, "pre", "BD", "linear", (mean.name,), "their mean times W"), *start]


def _attention(config: RecurrentConfig, memory: str) -> list[Point]:
    """How the decoder's states look back at the encoder's, or at an image: at the point `memory`."""
    at, points, sources, kind = Place("decoder", part="cross"), [], ("decoder.states", memory), "dot_product"
    align, mask, masked, weights, context, mixed = map(
        at.name, ("align", "mask", "masked", "weights", "context", "mixed_pre")
    )
    if config.attention == "additive":
        points = [
            Point(*at, "query", "BTD", "linear", sources[:1], "query: what a state looks for"),
            Point(*at, "keys", "BSD", "linear", sources[1:], "keys: what each source position can be found by"),
        ]
        sources, kind = tuple(point.name for point in points), "additive_score"
    both = (context, "decoder.states")
    return [
        *points,
        Point(*at, "align", "BTS", kind, sources, "alignment: how well each source position fits"),
        Point(*at, "mask", "BTS", "attention_mask", (), "true where a source position is not padding"),
        Point(*at, "masked", "BTS", "apply_mask", (align, mask), "−∞ where it is padding"),
        Point(*at, "weights", "BTS", "softmax", (masked,), "weights; each row sums to 1"),
        Point(*at, "context", "BTD", "weighted_sum", (weights, memory), "the weighted sum of the source"),
        Point(*at, "mixed_pre", "BTD", "concat_linear", both, "context and state side by side, times W_m"),
        Point(*at, "mixed", "BTD", "tanh", (mixed,), "the vector that is scored"),
    ]


@lru_cache(32)  # one table for each pair of lengths
def recurrent_points(
    config: RecurrentConfig, source: int, target: int, padded: bool = False, target_padded: bool = False
) -> dict[str, Point]:
    """All points of a pass over `source` and `target` tokens by full name, in the order they are computed in.

    padded, target_padded   whether there is padding among them: each step then has its carried state too
    """
    points, start = _text(config, source, padded) if config.encoder is None else _image(config)
    memory = points[-1].name
    points += _read(config, "decoder", start, target, target_padded)
    if config.attention != "none":
        points += _attention(config, memory)
    return _scored(points, "decoder")


@lru_cache(32)
def language_points(config: RecurrentConfig, tokens: int, padded: bool = False) -> dict[str, Point]:
    """The same of a decoder alone that reads so many tokens."""
    return _scored(_read(config, "", _nothing(config, ""), tokens, padded), "")


def _scored(points: list[Point], stack: str) -> dict[str, Point]:
    """The points by name, and the scores that are read off the last of them."""
    ends, meaning = points[-1].name, "a score for every entry of the vocabulary"
    points = [*points, Point(*Place(stack), "logits", "BTV", "linear", (ends,), meaning)]
    return {point.name: point for point in points}
