"""Optimizers as their papers write them, one step each; for numbers, arrays and tensors alike.

    weight, memory = adam(weight, gradient, memory, Settings(rate=0.01))

`memory` is what an optimizer keeps from step to step, {} before the first. Also here: what bounds a step from
outside, the schedule of the rate and clipping.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """rate: η; beta1: also that of momentum; decay: λ of AdamW, the share of a weight that a step of rate 1
    takes away."""

    rate: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    decay: float = 0.01


def sgd(weight, gradient, memory: dict, s: Settings) -> tuple:
    """Against the gradient: w ← w − η·g (Robbins & Monro 1951)."""
    return weight - s.rate * gradient, memory


def momentum(weight, gradient, memory: dict, s: Settings) -> tuple:
    """A ball that rolls on: v ← β·v + g, w ← w − η·v (Polyak 1964; Sutskever et al. 2013)."""
    v = s.beta1 * memory.get("v", 0.0) + gradient
    return weight - s.rate * v, {"v": v}


def adam(weight, gradient, memory: dict, s: Settings) -> tuple:
    """Each weight at its own pace, by the mean of its gradients and of their squares (Kingma & Ba 2015,
    algorithm 1)."""
    t = memory.get("t", 0) + 1
    m = s.beta1 * memory.get("m", 0.0) + (1 - s.beta1) * gradient
    v = s.beta2 * memory.get("v", 0.0) + (1 - s.beta2) * gradient**2
    mean, square = m / (1 - s.beta1**t), v / (1 - s.beta2**t)
    return weight - s.rate * mean / (square**0.5 + s.eps), {"t": t, "m": m, "v": v}


def adamw(weight, gradient, memory: dict, s: Settings) -> tuple:
    """Adam, and apart from it every weight shrinks (Loshchilov & Hutter 2019, algorithm 2)."""
    return adam(weight - s.rate * s.decay * weight, gradient, memory, s)


OPTIMIZERS: dict[str, Callable] = {"sgd": sgd, "momentum": momentum, "adam": adam, "adamw": adamw}


def clip(gradients: Sequence, most: float) -> tuple[list, float]:
    """All gradients times one number, so that their common norm is at most `most`; and the norm before
    (Pascanu et al. 2013, algorithm 1). As torch has it: 10⁻⁶ is added to the norm that divides."""
    norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
    share = min(1.0, most / (norm + 1e-6))
    return [g * share for g in gradients], norm


def cosine(step: int, steps: int, warm_up: int, lowest: float = 0.1) -> float:
    """The share of the rate at a step, counted from 0: it rises evenly over `warm_up` steps (Goyal et al.
    2017), then falls along half a cosine to `lowest` (Loshchilov & Hutter 2017; GPT-3, appendix B)."""
    if step < warm_up:
        return (step + 1) / warm_up
    done = min(1.0, (step - warm_up) / max(1, steps - warm_up))
    return lowest + (1 - lowest) * (1 + math.cos(math.pi * done)) / 2


def inverse_root(step: int, warm_up: int, width: int) -> float:
    """The rate itself at a step, counted from 0: D^−½ · min(t^−½, t · warm-up^−³ᐟ²), t = step + 1 (Vaswani et
    al. 2017, equation 3)."""
    t, warm_up = step + 1, max(1, warm_up)
    return width**-0.5 * min(t**-0.5, t * warm_up**-1.5)
