"""Greedy search, samples and beam search on one tree; and the most probable text of a few tokens, exactly."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.decode.beam import search
from engine.decode.choosing import choose
from engine.decode.decoding import Decoding
from engine.decode.growing import check_scores, ends_of, grow, next_logits, one_text, written_in
from engine.decode.node import Node, path

MOST = 4096  # texts that an exact search reads at one length
ROUNDING = 1e-4  # of a sum of costs: a model reads one text, and several at once, with other rounding errors


class TooMany(ValueError):
    """An exact search would read more texts of one length than it may; `count` says how many."""

    def __init__(self, count: int, step: int, most: int):
        super().__init__(
            f"{count:,} beginnings of texts, {step} tokens long, are more probable than the whole text that "
            f"greedy search finds; at most {most:,} are read: ask for fewer `max_new_tokens`, "
            "or for a few `branches`"
        )
        self.count = count


@dataclass(frozen=True)
class Tree:
    """What several ways of writing looked at, each node once.

    nodes  a parent always before its children; `fate` is that of the way that got furthest
    by     for each node the ways that lead through it: "greedy", "sample 0", …, "beam", "exact"
    ends   for each way its leaves: indices of nodes, the best first
    steps  for each way its cost in steps: a step is one more token read in one text (the prompt is one)
    """

    nodes: list[Node]
    by: list[set[str]]
    ends: dict[str, list[int | None]]
    steps: dict[str, int]

    def total(self, way: str) -> float:
        """−ln of the probability of the best text of one way, in nats."""
        leaf = self.ends[way][0]
        return 0.0 if leaf is None else self.nodes[leaf].total

    def ids(self, way: str) -> list[int]:
        """The tokens of that text, its end included."""
        return path(self.nodes, self.ends[way][0])


@dataclass(frozen=True)
class Exact:
    """The most probable text, found for certain among all that were asked for.

    nodes  all prefixes that are more probable than what greedy search finds, and that text's own
    leaf   the index of its last node
    steps  as a Tree's
    """

    nodes: list[Node]
    leaf: int | None
    steps: int


def tree(
    model,
    prompt: str | list[int] | Tensor,
    max_new_tokens: int = 5,
    seeds: Iterable[int] = (0, 1, 2),
    width: int = 4,
    length_penalty: float = 1.0,
    best: int | None = None,
    target: str | list[int] | None = None,
    exactly: bool = False,
    most: int = MOST,
) -> Tree:
    """Greedy search, an ancestral sample for each seed, and a beam search, as one tree.

    best     how many of the beam search's results are leaves; None: all
    exactly  with the exact search over the full vocabulary, too, which reads at most `most` texts of a length
    The other arguments are those of `engine.decode.search`.
    """
    asked = dict(max_new_tokens=max_new_tokens, target=target)
    greedy = search(model, prompt, 1, length_penalty, **asked)
    ways = {"greedy": (greedy.nodes, [beam.leaf for beam in greedy.beams], greedy.steps)}
    for seed in seeds:
        ways[f"sample {seed}"] = sample(model, prompt, seed, **asked)
    beams = search(model, prompt, width, length_penalty, width if best is None else best, **asked)
    ways["beam"] = (beams.nodes, [beam.leaf for beam in beams.beams], beams.steps)
    if exactly:
        found = exact(model, prompt, most=most, **asked)
        ways["exact"] = (_followed(found), [found.leaf], found.steps)
    return _joined(ways)


def _followed(found: Exact) -> list[Node]:
    """The nodes of an exact search, all pruned but those of the text that it found."""
    on, at = set(), found.leaf
    while at is not None:
        on.add(at)
        at = found.nodes[at].parent
    return [node if i in on else replace(node, fate="pruned") for i, node in enumerate(found.nodes)]


def _joined(ways: dict[str, tuple[list[Node], list[int | None], int]]) -> Tree:
    """The trees of several ways as one: equal paths are one."""
    nodes: list[Node] = []
    by: list[set[str]] = []
    at: dict[tuple[int | None, int], int] = {}
    ends: dict[str, list[int | None]] = {}
    for way, (own, leaves, _) in ways.items():
        place: dict[int | None, int | None] = {None: None}
        for i, node in enumerate(own):
            key = (place[node.parent], node.id)
            if key not in at:
                at[key] = len(nodes)
                nodes.append(replace(node, parent=key[0]))
                by.append(set())
            place[i] = at[key]
            nodes[at[key]] = replace(nodes[at[key]], fate=_further(nodes[at[key]].fate, node.fate))
            if node.fate != "pruned":
                by[at[key]].add(way)
        ends[way] = [place[leaf] for leaf in leaves]
    return Tree(nodes, by, ends, {way: steps for way, (*_, steps) in ways.items()})


def _further(one: str, other: str) -> str:
    return max(one, other, key=("pruned", "finished", "kept").index)


@torch.inference_mode()
def sample(
    model, prompt, seed: int = 0, max_new_tokens: int = 20, target=None
) -> tuple[list[Node], list[int | None], int]:
    """One ancestral sample, as the nodes of its path, its leaf, and its cost in steps.

    The tokens are those of `generate` with the same seed, at temperature 1 and without cuts; the end is one.
    """
    inputs = one_text(model, prompt, target)
    ids, ends, random = written_in(inputs), ends_of(model), torch.Generator().manual_seed(seed)
    count = min(model.reads[-1].context - ids.shape[1], max_new_tokens)
    score = next_logits(model, inputs, model.new_cache(room=ids.shape[1] + count))
    nodes: list[Node] = []

    def pick(scores: Tensor) -> Tensor:
        check_scores(model, scores)
        return torch.tensor([choose(scores[0].double().softmax(-1), Decoding("sample"), random)])

    for step, (new, scores) in enumerate(grow(ids, score, pick, count), 1):
        id, parent = int(new), len(nodes) - 1 if nodes else None
        cost = -scores[0].double().log_softmax(-1)[id].item()
        fate = "finished" if id in ends or step == count else "kept"
        nodes.append(Node(parent, id, cost, cost + (nodes[-1].total if nodes else 0.0), step, fate))
        if id in ends:
            break
    return nodes, [len(nodes) - 1 if nodes else None], len(nodes)


@torch.inference_mode()
def exact(
    model,
    prompt: str | list[int] | Tensor,
    max_new_tokens: int = 4,
    branches: int | None = None,
    target: str | list[int] | None = None,
    most: int = MOST,
) -> Exact:
    """The most probable text of `max_new_tokens` tokens, or of fewer that end.

    branches  look only at the so many most probable tokens after each prefix; None: at the whole vocabulary
    No text is missed: probabilities only fall along a path, so that whatever begins with a prefix less probable
    than the whole text that greedy search finds is less probable than it, too. Where that text has the
    probability p, no more than 1/p prefixes of one length are read; a ValueError where that is above `most`.
    """
    greedy, inputs = search(model, prompt, 1, 0.0, 1, max_new_tokens, target), one_text(model, prompt, target)
    bound, steps = -greedy.beams[0].log_probability * (1 + ROUNDING) + ROUNDING, greedy.steps
    ids, ends = written_in(inputs), ends_of(model)
    count = min(model.reads[-1].context - ids.shape[1], max_new_tokens)
    cache = model.new_cache(room=ids.shape[1] + count)
    score, nodes, kept = next_logits(model, inputs, cache), [], [None]
    for step in range(1, count + 1):
        steps += len(ids)
        costs = -score(ids).double().log_softmax(-1)
        totals = torch.tensor([0.0 if i is None else nodes[i].total for i in kept], dtype=torch.float64)
        before, kept, rows = kept, [], []
        for row, id in _below(costs, bound - totals, branches):
            fate, cost = "finished" if id in ends or step == count else "kept", float(costs[row, id])
            nodes.append(Node(before[row], id, cost, float(totals[row]) + cost, step, fate))
            if fate == "kept":
                kept.append(len(nodes) - 1)
                rows.append(row)
        if not kept:
            break
        if len(kept) > most:
            raise TooMany(len(kept), step, most)
        ids = torch.cat([ids[rows], ids.new_tensor([[nodes[i].id] for i in kept])], 1)
        cache.select(torch.tensor(rows, device=ids.device))
    whole = (i for i, node in enumerate(nodes) if node.fate == "finished")
    return Exact(nodes, min(whole, key=lambda i: nodes[i].total, default=None), steps)


def _below(costs: Tensor, room: Tensor, branches: int | None) -> list[tuple[int, int]]:
    """Row and token where a cost [rows, V] is at most the row's `room`, the cheapest of each row first."""
    if branches is not None:
        few = costs.topk(min(branches, costs.shape[1]), largest=False).indices
        costs = torch.full_like(costs, torch.inf).scatter(1, few, costs.gather(1, few))
    found = (costs <= room[:, None]).nonzero()
    order = costs[found[:, 0], found[:, 1]].sort(stable=True).indices
    order = order[found[order, 0].sort(stable=True).indices]
    return [tuple(pair) for pair in found[order].tolist()]
