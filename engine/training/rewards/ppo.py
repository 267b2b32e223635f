"""A policy gradient with PPO's clipped step (Schulman et al. 2017), and a leash: a price on going away from the
model that one began with (Ouyang et al. 2022)."""

import torch
from torch import Tensor

EPSILON = 1e-6


def leashed(rewards: Tensor, log_ratio: Tensor, beta: float) -> Tensor:
    """What a text is worth less the leash: R − β · log(π(text) / π_ref(text)), all [B]."""
    return rewards - beta * log_ratio


def advantages(worth: Tensor) -> Tensor:
    """How much better each text [B] is than the batch's average, in its standard deviations. A batch of equals
    has none."""
    return (worth - worth.mean()) / (worth.std(correction=0) + EPSILON)


def ratio(new: Tensor, old: Tensor) -> Tensor:
    """How much more probable a token is than when it was drawn, from log-probabilities."""
    return (new - old).exp()


def clipped(ratio: Tensor, advantage: Tensor, epsilon: float) -> Tensor:
    """min(ratio · A, clip(ratio, 1 − ε, 1 + ε) · A): what a token gains by a step, no further than ε."""
    return torch.minimum(ratio * advantage, ratio.clamp(1 - epsilon, 1 + epsilon) * advantage)


def ppo_loss(new: Tensor, old: Tensor, advantage: Tensor, mask: Tensor, epsilon: float) -> Tensor:
    """Minus the average gain of all written tokens.

    new, old   log-probabilities [B, N] now and when the texts were drawn
    advantage  of each text [B], the same for all its tokens
    mask       [B, N], True = a token that was written
    """
    gains = clipped(ratio(new, old), advantage[:, None], epsilon)
    return -(gains * mask).sum() / mask.sum()
