"""Checks, by the second route, of what learning from rewards is made of: a pair's loss, PPO's clipped step,
DPO's loss, the best of n. Plain arithmetic in float64, a number at a time."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from engine.worked.steps import Check, compare


def sigmoid(x: float) -> float:
    """1 / (1 + e⁻ˣ)."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def preference_loss(difference: float) -> float:
    """−log σ(difference)."""
    probability = sigmoid(difference)
    return -math.log(probability) if probability else -difference


def gain(ratio: float, advantage: float, epsilon: float) -> float:
    """A token's gain by cases: what goes beyond 1 ± ε in the direction of its advantage counts no further."""
    if advantage >= 0:
        return (1 + epsilon if ratio > 1 + epsilon else ratio) * advantage
    return (1 - epsilon if ratio < 1 - epsilon else ratio) * advantage


def dpo_difference(log_probabilities: Sequence[float], beta: float) -> float:
    """β times how much more the better text was raised than the worse, from their log-probabilities: better,
    worse, and both by the reference."""
    better, worse, better_reference, worse_reference = log_probabilities
    raised, other = better - better_reference, worse - worse_reference
    return beta * raised - beta * other


def best(n: int, rewards: Sequence[float], values: Sequence[float]) -> float:
    """The average value of the best of n, by going through all choices of n; of equals the first is best."""
    chosen = [max(some, key=lambda i: (rewards[i], -i)) for some in combinations(range(len(rewards)), n)]
    return sum(values[i] for i in chosen) / len(chosen)


def check_pairs(rewards: Sequence[Sequence[float]], losses: Sequence[float]) -> Check:
    """The loss of each pair from its two rewards, the better text's first."""
    value = [preference_loss(better - worse) for better, worse in rewards]
    size = [1 + abs(better) + abs(worse) for better, worse in rewards]
    return compare(losses, np.array(value), np.array(size))


def check_gains(
    old: Sequence[float], new: Sequence[float], advantage: float, epsilon: float, gains: Sequence[float]
) -> Check:
    """The gain of each token of a text, from its log-probability when it was drawn and now."""
    value = [gain(math.exp(b - a), advantage, epsilon) for a, b in zip(old, new, strict=True)]
    size = [abs(x) * (2 + abs(a) + abs(b)) for x, a, b in zip(value, old, new, strict=True)]
    return compare(gains, np.array(value), np.array(size))


def check_dpo(log_probabilities: Sequence[float], beta: float, loss: float) -> Check:
    """The loss of a pair."""
    size = 1 + beta * sum(map(abs, log_probabilities))
    return compare(
        [loss], np.array([preference_loss(dpo_difference(log_probabilities, beta))]), np.array([size])
    )


def check_best(n: int, rewards: Sequence[float], values: Sequence[float], shown: float) -> Check:
    """The expected value of the best of n, of few enough texts to go through all choices."""
    size = max(map(abs, values)) * len(rewards)
    return compare([shown], np.array([best(n, rewards, values)]), np.array([size]))
