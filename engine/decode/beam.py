"""Beam search: at every step the `width` most probable texts are kept, not only one (Lowerre 1976)."""

from dataclasses import dataclass
from numbers import Integral, Real

import torch
from torch import Tensor

from engine.decode.growing import check_scores, ends_of, next_logits, one_text, written_in
from engine.decode.node import Node, path

STRONGEST = 20  # length penalty: n to the power of it is still a number


@dataclass(frozen=True)
class Beam:
    """A text that a search has found.

    ids              the new tokens; the token that ends the text is none of them
    log_probability  of all of them after the prompt, and of the end if it was written, in nats
    score            log_probability / n**length_penalty; n counts the end too
    ended            whether the text was ended, not cut off at its full length
    text             the new tokens as text; empty for a model without a tokenizer
    leaf             the index of its last node in the search's tree; None: nothing was written
    """

    ids: list[int]
    log_probability: float
    score: float
    ended: bool
    text: str
    leaf: int | None


@dataclass(frozen=True)
class Search:
    """What a search has found, best first; all nodes that it has looked at; its cost in steps: a step is one
    more token read in one text (the prompt is one)."""

    beams: list[Beam]
    nodes: list[Node]
    steps: int


def beam_search(
    model,
    prompt: str | list[int] | Tensor,
    width: int = 4,
    length_penalty: float = 1.0,
    best: int = 1,
    max_new_tokens: int = 20,
    target: str | list[int] | None = None,
) -> list[Beam]:
    """The `best` texts that beam search finds, best score first; see `search` for what the others mean."""
    return search(model, prompt, width, length_penalty, best, max_new_tokens, target).beams


@torch.inference_mode()
def search(
    model,
    prompt: str | list[int] | Tensor,
    width: int = 4,
    length_penalty: float = 1.0,
    best: int = 1,
    max_new_tokens: int = 20,
    target: str | list[int] | None = None,
) -> Search:
    """The same with the tree of all that was looked at.

    width           how many texts are kept at each step; 1: greedy
    length_penalty  scores are log probabilities divided by n**length_penalty, n the number of new tokens
                    (Wu et al. 2016, without their constants): above 0 favours long texts, below 0 short ones
    best            how many results, 1 to `width`; fewer where there are fewer texts
    target          beside an encoder: what the decoder has written so far
    It ends when the texts still kept, scored at their length now, cannot reach the worst of `width` finished
    ones. ValueErrors as `generate` raises them, and for values that cannot be.
    """
    _check(width, length_penalty, best, max_new_tokens)
    inputs = one_text(model, prompt, target)
    ids, steps = written_in(inputs), 0
    count = min(model.reads[-1].context - ids.shape[1], max_new_tokens)
    cache = model.new_cache(room=ids.shape[1] + count)
    score, tree = next_logits(model, inputs, cache), _Tree(width, length_penalty, ends_of(model), count)
    while not tree.done():
        logits, steps = score(ids), steps + len(ids)
        check_scores(model, logits)
        rows = tree.grow(-logits.double().log_softmax(-1))
        new = [[tree.nodes[i].id] for i in tree.kept]
        ids = torch.cat([ids[rows], torch.tensor(new, dtype=ids.dtype, device=ids.device).view(-1, 1)], 1)
        cache.select(torch.tensor(rows, dtype=torch.long, device=ids.device))
    best_of = tree.finished[:best] or [(0.0, None)]
    return Search([_beam(model, tree, *one) for one in best_of], tree.nodes, steps)


class _Tree:
    """A search between two steps."""

    def __init__(self, width: int, length_penalty: float, ends: set[int], count: int):
        self.width, self.length_penalty, self.ends, self.count = width, length_penalty, ends, count
        self.nodes: list[Node] = []
        self.finished: list[tuple[float, int]] = []  # score and node, best first
        self.kept: list[int | None] = [None]  # the node of each row, best first: at first the prompt
        self.length = 0

    def grow(self, costs: Tensor) -> list[int]:
        """One step, from −ln of the probability of every token after each row [rows, V]; returns the row that
        each of those kept now goes on from."""
        self.length += 1
        before, self.kept, rows = self.kept, [], []
        totals = torch.tensor([self._total(node) for node in before], dtype=torch.float64)
        looked_at = _lowest(totals[:, None] + costs, max(2, 1 + len(self.ends)) * self.width)
        for rank, (row, id) in enumerate(looked_at):
            fate, cost, place = self._fate(id, rank), float(costs[row, id]), len(self.nodes)
            self.nodes.append(Node(before[row], id, cost, float(totals[row]) + cost, self.length, fate))
            if fate == "kept":
                self.kept.append(place)
                rows.append(row)
            elif fate == "finished":
                self.finished.append((self._score(place), place))
        self.finished = sorted(self.finished, key=lambda one: -one[0])[: self.width]
        return rows

    def done(self) -> bool:
        """Whether nothing is left to go on from, or nothing that could still be among the results."""
        if self.length == self.count or not self.kept:
            return True
        full = len(self.finished) == self.width
        return full and self._score(self.kept[0]) <= self.finished[-1][0]

    def _fate(self, id: int, rank: int) -> str:
        if id in self.ends or self.length == self.count:
            return "finished" if rank < self.width else "pruned"
        return "kept" if len(self.kept) < self.width else "pruned"

    def _total(self, node: int | None) -> float:
        return 0.0 if node is None else self.nodes[node].total

    def _score(self, node: int) -> float:
        return -self._total(node) / self.length**self.length_penalty


def _lowest(totals: Tensor, count: int) -> list[tuple[int, int]]:
    """Row and column of the `count` lowest of [rows, V], the lowest first; of equal ones the first."""
    flat = totals.flatten()
    most = flat.topk(min(count, len(flat)), largest=False).values.max()
    low = (flat <= most).nonzero()[:, 0]
    order = low[flat[low].sort(stable=True).indices][:count]
    return [divmod(place, totals.shape[1]) for place in order.tolist()]


def _beam(model, tree: _Tree, score: float, leaf: int | None) -> Beam:
    ids = path(tree.nodes, leaf)
    ended = bool(ids) and ids[-1] in tree.ends
    ids = ids[:-1] if ended else ids
    text = model.tokenizer.decode(ids) if model.tokenizer else ""
    return Beam(ids, -tree.nodes[leaf].total if ids or ended else 0.0, score, ended, text, leaf)


def _check(width, length_penalty, best, max_new_tokens) -> None:
    for name, value in (("width", width), ("max_new_tokens", max_new_tokens), ("best", best)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} is {value!r}; it is a whole number from 1 upwards")
    if best > width:
        raise ValueError(f"best is {best!r}; a search that keeps {width} texts finds at most {width}")
    number = isinstance(length_penalty, Real) and not isinstance(length_penalty, bool)
    if not number or not -STRONGEST <= length_penalty <= STRONGEST:
        raise ValueError(
            f"length_penalty is {length_penalty!r}; it goes from −{STRONGEST} to {STRONGEST}, and is 0 for none"
        )
