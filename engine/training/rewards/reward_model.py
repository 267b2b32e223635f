"""A reward model: a linear layer on the vectors of the frozen language model, learned from preferences."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.training.rewards.preference import Pair, bradley_terry, right, sides

STEPS, RATE, DECAY = 200, 2.0, 0.01  # of gradient descent; DECAY keeps the weights small


@dataclass(frozen=True, eq=False)
class RewardModel:
    """r(text) = the average over its tokens of weights · (h − mean) / spread.

    weights, mean, spread  [D]; h is a token's vector after the last norm
    losses                 of all pairs together, after each step of learning; the first before it
    """

    weights: Tensor
    mean: Tensor
    spread: Tensor
    losses: tuple[float, ...] = ()

    def tokens(self, vectors: Tensor) -> Tensor:
        """What each token's vector [..., D] is worth [...]."""
        return ((vectors - self.mean) / self.spread) @ self.weights

    def of(self, averages: Tensor) -> Tensor:
        """The rewards [B] of texts with these average vectors [B, D]."""
        return self.tokens(averages)


def averages(vectors: Tensor, mask: Tensor) -> Tensor:
    """The average vector [B, D] of each text's tokens."""
    shares = mask / mask.sum(1, keepdim=True).clamp(min=1)
    return (vectors * shares[..., None]).sum(1)


def fit(given: Tensor, pairs: Sequence[Pair]) -> RewardModel:
    """Learn from pairs of texts with these average vectors [B, D], by gradient descent on all pairs at once.

    Raises a ValueError if there is no pair.
    """
    if not pairs:
        raise ValueError(
            "there is no pair of texts of which one is better: rank some texts, or take another rule, another "
            "prompt, more rankings or more texts"
        )
    used = given[sorted({i for pair in pairs for i in pair})]
    mean, spread = used.mean(0), (used.std(0) + 1e-3) * given.shape[1] ** 0.5
    better, worse = sides(pairs)
    apart = (given[better] - given[worse]) / spread  # [P, D], so that r_w − r_l = apart · weights
    weights, losses = torch.zeros(given.shape[1]), []
    for _ in range(STEPS):
        difference = apart @ weights
        losses.append(bradley_terry(difference, torch.zeros(())).mean().item())
        gradient = -(apart * torch.sigmoid(-difference)[:, None]).mean(0) + DECAY * weights
        weights = weights - RATE * gradient
    return RewardModel(weights, mean, spread, tuple(losses))


def left_out(given: Tensor, groups: Sequence[Sequence[Pair]], held: Sequence[Sequence[Pair]]) -> int:
    """How many of the held-out pairs of each group a model tells right that has learned from the others."""
    count = 0
    for i, of in enumerate(held):
        others = [pair for j, group in enumerate(groups) if j != i for pair in group]
        if others and of:
            count += right(fit(given, others).of(given), of)
    return count
