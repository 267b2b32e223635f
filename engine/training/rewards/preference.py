"""Rankings of texts, the pairs that they hold, and how probable a preference is to a reward model."""

from collections.abc import Callable, Sequence
from itertools import combinations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

RANKED = 4  # texts in a ranking
Pair = tuple[int, int]  # the better text, the worse one, by their numbers


def pairs(ranking: Sequence[int]) -> list[Pair]:
    """Every pair of a ranking, best first: four texts make six."""
    return list(combinations(ranking, 2))


def pairs_by(score: Callable[[int], float], texts: Sequence[int]) -> list[Pair]:
    """Every pair of texts that a rule tells apart; equal ones make none."""
    found = [(a, b) if score(a) > score(b) else (b, a) for a, b in combinations(texts, 2)]
    return [(a, b) for a, b in found if score(a) != score(b)]


def bradley_terry(better: Tensor, worse: Tensor) -> Tensor:
    """−log σ(r_w − r_l) of pairs [P] with these rewards (Bradley & Terry 1952): the loss of a reward model."""
    return -logsigmoid(better - worse)


def right(rewards: Tensor, pairs: Sequence[Pair]) -> int:
    """In how many pairs the better text has the higher reward [B]."""
    return sum(bool(rewards[a] > rewards[b]) for a, b in pairs)


def sides(pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
    """The better ones' numbers and the worse ones' [P]."""
    both = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2)
    return both[:, 0], both[:, 1]
