"""The vocabulary of recurrent encoder-decoders: as in `engine.points`, but a step has a number as a block has.

The source has T positions in the encoder and S where the decoder looks back at them. Where there is padding,
a step makes its state and a point more says what goes on: that state, or the one before it. An encoder that
reads images has the points of `engine.points`.
"""

from functools import lru_cache

from engine.config import RecurrentConfig
from engine.points import Point, within

_GATES = {
    "reset": "how much of the state before reaches the candidate",
    "update": "how much of the state before stays",
    "input": "how much of the candidate is let into the cell",
    "forget": "how much of the cell stays",
    "output": "how much of the cell is shown as the state",
    "candidate": "what the step would write",
}


def _sum(cell: str, at: str, gate: str, sources: tuple[str, str]) -> Point:
    """W_x x + W_h h + b of one gate."""
    meaning = f"{'state' if gate == 'h' else gate}: the token and the state before it, through their maps"
    return Point(f"{at}.{gate}_pre", "BD", "gate sum", sources, meaning, cell)


def _gate(cell: str, at: str, gate: str, sources: tuple[str, str], curve: str = "sigmoid") -> list[Point]:
    pre = _sum(cell, at, gate, sources)
    return [pre, Point(f"{at}.{gate}", "BD", curve, (pre.name,), _GATES[gate])]


def _rnn(cell: str, at: str, token: str, before: dict[str, str]) -> list[Point]:
    return [
        _sum(cell, at, "h", (token, before["h"])),
        Point(f"{at}.h", "BD", "tanh", (f"{at}.h_pre",), "the state"),
    ]


def _gru(cell: str, at: str, token: str, before: dict[str, str]) -> list[Point]:
    reset, update, recalled, pre, candidate = (
        f"{at}.{name}" for name in ("reset", "update", "candidate_h", "candidate_pre", "candidate")
    )
    through = "candidate: the token through its map, and what the reset gate lets through"
    return [
        *_gate(cell, at, "reset", (token, before["h"])),
        *_gate(cell, at, "update", (token, before["h"])),
        Point(recalled, "BD", "gate map", (before["h"],), "the state before, through its map", cell),
        Point(pre, "BD", "reset sum", (token, reset, recalled), through, cell),
        Point(candidate, "BD", "tanh", (pre,), _GATES["candidate"]),
        Point(f"{at}.h", "BD", "blend", (update, candidate, before["h"]), "the state"),
    ]


def _lstm(cell: str, at: str, token: str, before: dict[str, str]) -> list[Point]:
    curves = {"input": "sigmoid", "forget": "sigmoid", "candidate": "tanh", "output": "sigmoid"}
    gates = [_gate(cell, at, gate, (token, before["h"]), curve) for gate, curve in curves.items()]
    kept = (f"{at}.forget", before["cell"], f"{at}.input", f"{at}.candidate")
    return [
        *(point for gate in gates for point in gate),
        Point(f"{at}.cell", "BD", "keep and add", kept, "what stays of the cell, and what is let in"),
        Point(f"{at}.cell_tanh", "BD", "tanh", (f"{at}.cell",), "the cell between −1 and 1"),
        Point(f"{at}.h", "BD", "product", (f"{at}.output", f"{at}.cell_tanh"), "the state"),
    ]


_STEPS = {"rnn": (_rnn, ("h",)), "gru": (_gru, ("h",)), "lstm": (_lstm, ("h", "cell"))}


def _read(config: RecurrentConfig, stack: str, start: list[Point], steps: int, padded: bool) -> list[Point]:
    """Every step of the encoder or the decoder, and before them what it starts from."""
    step, carried = _STEPS[config.cell]
    token, points, states = f"{stack}.token", list(start), []
    points.append(Point(token, "BTD", "token row", (), "the row of the token table"))
    before = {name: f"{stack}.start.{name}" for name in carried}
    for t in range(steps):
        at = f"{stack}.steps.{t}"
        points += step(f"{stack}.cell", at, token, before)
        after = {name: f"{at}.{name}" for name in carried}
        if padded:
            meaning = "what goes on: the new one, over padding the one before"
            sources = {name: (after[name], before[name]) for name in carried}
            after = {name: f"{at}.{name}_carried" for name in carried}
            points += [Point(after[name], "BD", "carry", sources[name], meaning) for name in carried]
        before = after
        states.append(before["h"])
    return [*points, Point(f"{stack}.states", "BTD", "stack", tuple(states), "the states of all steps")]


def _text(config: RecurrentConfig, steps: int, padded: bool) -> tuple[list[Point], list[Point]]:
    """The points of an encoder that reads a text, and what the decoder starts from."""
    _, carried = _STEPS[config.cell]
    start = [Point(f"encoder.start.{name}", "BD", "zeros", (), "nothing has been read") for name in carried]
    last = {name: f"encoder.steps.{steps - 1}.{name}{'_carried' * padded}" for name in carried}
    told = "the encoder's last: what the decoder starts from"
    after = [Point(f"decoder.start.{name}", "BD", "same", (last[name],), told) for name in carried]
    return _read(config, "encoder", start, steps, padded), after


def _image(config: RecurrentConfig) -> tuple[list[Point], list[Point]]:
    """The same of an encoder that reads images."""
    points, (_, carried) = within("encoder", config.encoder), _STEPS[config.cell]
    told, last = "the encoder's first vector: what the decoder starts from", (points[-1].name,)
    return points, [Point(f"decoder.start.{name}", "BD", "first token", last, told) for name in carried]


def _attention(config: RecurrentConfig, memory: str) -> list[Point]:
    """How the decoder's states look back at the encoder's, or at an image: at the point `memory`."""

    def full(name: str) -> str:
        return f"decoder.cross.{name}"

    points, sources, kind = [], ("decoder.states", memory), "dot product"
    if config.attention == "additive":
        points = [
            Point(full("query"), "BTD", "linear", sources[:1], "query: what a state looks for"),
            Point(full("keys"), "BSD", "linear", sources[1:], "keys: what the source is found by"),
        ]
        sources, kind = (full("query"), full("keys")), "additive"
    mixed = (full("context"), "decoder.states")
    return [
        *points,
        Point(full("align"), "BTS", kind, sources, "alignment: how well each place of the source fits"),
        Point(full("mask"), "BTS", "real", (), "true where a place of the source is no padding"),
        Point(full("masked"), "BTS", "mask", (full("align"), full("mask")), "−∞ where it is padding"),
        Point(full("weights"), "BTS", "softmax", (full("masked"),), "weights; each row sums to 1"),
        Point(full("context"), "BTD", "weighted sum", (full("weights"), memory), "what was found"),
        Point(full("mixed_pre"), "BTD", "joined", mixed, "context and state side by side, through a map"),
        Point(full("mixed"), "BTD", "tanh", (full("mixed_pre"),), "what the scores are read off"),
    ]


@lru_cache(32)  # of each pair of lengths there is another table
def recurrent_points(
    config: RecurrentConfig, source: int, target: int, padded: bool = False, target_padded: bool = False
) -> dict[str, Point]:
    """All points of a pass over `source` and `target` tokens by full name, in the order they are made in."""
    points, start = _text(config, source, padded) if config.encoder is None else _image(config)
    memory = points[-1].name
    points += _read(config, "decoder", start, target, target_padded)
    ends = "decoder.states"
    if config.attention != "none":
        points += _attention(config, memory)
        ends = "decoder.cross.mixed"
    meaning = "a score for every entry of the vocabulary"
    points.append(Point("decoder.logits", "BTV", "linear", (ends,), meaning))
    return {point.name: point for point in points}
