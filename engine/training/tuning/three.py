"""One toy learned three ways: from labels, without them, and from rewards. The same points in the plane.

Plain numpy: small enough to be read, and to run while a page is drawn.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np

KINDS, EACH = 3, 40  # groups of points, and points of each
SPREAD = 0.55
ROUNDS = 400  # of the learner that is rewarded


@dataclass(frozen=True, eq=False)
class Points:
    """Points [N, 2] and the group of each [N]: to learn from, and held out."""

    x: np.ndarray
    y: np.ndarray
    held_x: np.ndarray
    held_y: np.ndarray


def points(seed: int, spread: float = SPREAD) -> Points:
    """Three clouds at the corners of a triangle; the seed turns it and draws the points."""
    draw = np.random.default_rng(seed)
    turns = draw.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(KINDS) / KINDS
    middles = np.stack([np.cos(turns), np.sin(turns)], -1)
    y = np.tile(np.arange(KINDS), 2 * EACH)
    x = middles[y] + spread * draw.normal(size=(len(y), 2))
    half = len(y) // 2
    return Points(x[:half], y[:half], x[half:], y[half:])


def features(x: np.ndarray) -> np.ndarray:
    """x [N, 2] -> [N, 3], with a 1 for the bias."""
    return np.concatenate([x, np.ones((len(x), 1))], -1)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Scores [..., K] -> shares of 1."""
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Learned:
    """What a way came to: the group it gives to each held-out point [N], the shares that are right after each
    step, and how many numbers of teaching it was given: labels, or rewards."""

    guesses: np.ndarray
    shares: tuple[float, ...]
    teaching: int
    weights: np.ndarray  # [3, groups] of a linear classifier, or the middles [groups, 2]


def from_labels(data: Points, labels: int, steps: int = 100, rate: float = 1.0) -> Learned:
    """Supervised: a linear classifier goes down the gradient of the cross-entropy with the first `labels`
    points' labels."""
    x, y = features(data.x[:labels]), np.eye(KINDS)[data.y[:labels]]
    weights, shares = np.zeros((3, KINDS)), []
    for _ in range(steps):
        weights -= rate * x.T @ (softmax(x @ weights) - y) / len(x)
        shares.append(_share(features(data.held_x) @ weights, data.held_y))
    return Learned((features(data.held_x) @ weights).argmax(-1), tuple(shares), labels, weights)


def without_labels(data: Points, seed: int, steps: int = 15) -> Learned:
    """Unsupervised: k-means (Lloyd 1982) moves each middle to the mean of the points nearest to it. It has no
    names for the groups; to be counted, each gets the name that fits best of all ways to name them."""
    draw = np.random.default_rng(seed)
    middles, shares = data.x[draw.choice(len(data.x), KINDS, replace=False)].copy(), []
    for _ in range(steps):
        nearest = _nearest(data.x, middles)
        for k in range(KINDS):
            if (nearest == k).any():
                middles[k] = data.x[nearest == k].mean(0)
        shares.append(float((named(_nearest(data.held_x, middles), data.held_y) == data.held_y).mean()))
    return Learned(named(_nearest(data.held_x, middles), data.held_y), tuple(shares), 0, middles)


def from_rewards(data: Points, seed: int, rounds: int = ROUNDS, rate: float = 0.5) -> Learned:
    """Reinforced: at each point the learner picks a group by chance and hears only whether it was the right
    one (reward 1) or not (0). The policy goes up the gradient
    (reward − mean reward) · ∇ log p (Williams 1992)."""
    draw, mean = np.random.default_rng(seed), 0.0
    weights, shares = np.zeros((3, KINDS)), []
    for i in range(rounds):
        at = int(draw.integers(len(data.x)))
        x = features(data.x[at : at + 1])
        p = softmax(x @ weights)[0]
        picked = int(draw.choice(KINDS, p=p))
        reward = float(picked == data.y[at])
        weights += rate * (reward - mean) * x.T * (np.eye(KINDS)[picked] - p)
        mean += 0.05 * (reward - mean)
        if (i + 1) % 4 == 0:
            shares.append(_share(features(data.held_x) @ weights, data.held_y))
    return Learned((features(data.held_x) @ weights).argmax(-1), tuple(shares), rounds, weights)


def named(groups: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The groups with the names that fit best, of all ways to name them."""
    ways = [np.array(way)[groups] for way in permutations(range(KINDS))]
    return max(ways, key=lambda guess: (guess == truth).sum())


def _nearest(x: np.ndarray, middles: np.ndarray) -> np.ndarray:
    return ((x[:, None] - middles) ** 2).sum(-1).argmin(-1)


def _share(scores: np.ndarray, truth: np.ndarray) -> float:
    return float((scores.argmax(-1) == truth).mean())
