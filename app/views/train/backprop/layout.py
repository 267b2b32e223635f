"""Where the boxes of a graph stand: in columns, each after all that goes into it, with few crossings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 6
Place = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """(column, row) of each box, the bends of each arrow (from, to), how many columns and rows there are."""

    at: dict[str, Place]
    via: dict[tuple[str, str], list[Place]]
    columns: int
    rows: int


def laid_out(inputs: Mapping[str, Sequence[str]]) -> Layout:
    """A graph given as the inputs of each box, in topological order. What has no inputs stands right before its
    user; an arrow over several columns bends between their boxes."""
    column = _columns(inputs)
    chains = {(v, u): _chain(v, u, column) for u in inputs for v in dict.fromkeys(inputs[u])}
    links = [pair for chain in chains.values() for pair in pairwise(chain)]
    column |= {bend: bend[2] for chain in chains.values() for bend in chain[1:-1]}
    layers = [[name for name in column if column[name] == c] for c in range(max(column.values()) + 1)]
    _untangle(layers, links)
    rows = max(map(len, layers))
    at = {
        name: (c, i + (rows - len(layer)) / 2) for c, layer in enumerate(layers) for i, name in enumerate(layer)
    }
    via = {pair: [at[bend] for bend in chain[1:-1]] for pair, chain in chains.items()}
    return Layout({name: at[name] for name in inputs}, via, len(layers), rows)


def _columns(inputs: Mapping[str, Sequence[str]]) -> dict:
    column: dict = {}
    for name, ins in inputs.items():
        column[name] = 1 + max((column[v] for v in ins), default=-1)
    for name in [name for name, ins in inputs.items() if not ins]:
        users = [column[u] for u, ins in inputs.items() if name in ins]
        column[name] = min(users, default=1) - 1
    return column


def _chain(v: str, u: str, column: Mapping) -> list:
    """From one box to another, with a bend in each column between."""
    return [v, *((v, u, c) for c in range(column[v] + 1, column[u])), u]


def _untangle(layers: list[list], links: list[tuple]) -> None:
    """Each column in the order of the middles of what its boxes are joined to, to and fro."""
    before, after = {}, {}
    for a, b in links:
        before.setdefault(b, []).append(a)
        after.setdefault(a, []).append(b)
    place = {name: at for layer in layers for name, at in _places(layer)}
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        joined = before if forth else after
        middle: dict = {}
        for layer in layers[1:] if forth else layers[-2::-1]:
            for name in layer:
                near = [place[other] for other in joined.get(name, ())]
                middle[name] = sum(near) / len(near) if near else place[name]
            layer.sort(key=middle.__getitem__)
            place.update(_places(layer))


def _places(layer: list) -> list[tuple]:
    """Where each box of a column stands, seen from its middle."""
    return [(name, i - len(layer) / 2) for i, name in enumerate(layer)]
