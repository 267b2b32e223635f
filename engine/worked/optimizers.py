"""One weight after some steps of an optimizer, by hand: from all its gradients at once, not step by step.

Momentum is a sum of past gradients, and Adam's means are sums with shares that fall by β: written out, they
need no memory. Nothing here is shared with engine.training.optimizers, which goes from step to step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.worked.steps import Check

TINY = 1e-6  # which torch adds to the norm that divides
ROUNDING = 1e-9  # of a number near 1, after some dozens of operations in float64


@dataclass(frozen=True)
class Step:
    """The last step of a weight: formulas and numbers in LaTeX, line by line, and the weight after it."""

    lines: tuple[tuple[str, str], ...]
    value: float


def work_step(
    name: str,
    weight: float,
    gradients: Sequence[float],
    rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    decay: float = 0.0,
) -> Step:
    """The step of an optimizer (sgd, momentum, adam, adamw) that all gradients up to it lead to.

    weight     before the step
    gradients  of this weight, the latest last
    """
    g, t, kept = float(gradients[-1]), len(gradients), list(map(float, gradients))
    if name == "sgd":
        value = weight - rate * g
        return Step(((r"w - \eta g", _numbers(weight, rate, g)),), value)
    if name == "momentum":
        v = math.fsum(beta1**i * past for i, past in enumerate(reversed(kept)))
        value = weight - rate * v
        sum_of = (r"v = \sum_i \beta^{t-i} g_i", f"v = {_series(kept, beta1)} = {_n(v)}")
        return Step((sum_of, (r"w - \eta v", _numbers(weight, rate, v))), value)
    mean, square = _mean(kept, beta1), _mean([x * x for x in kept], beta2)
    before = weight * (1 - rate * decay) if name == "adamw" else weight
    value = before - rate * mean / (math.sqrt(square) + eps)
    lines = [
        (
            r"\hat m = \frac{1-\beta_1}{1-\beta_1^t} \sum_i \beta_1^{t-i} g_i",
            rf"\hat m = {_n((1 - beta1) / (1 - beta1**t))} \cdot ({_series(kept, beta1)}) = {_n(mean)}",
        ),
        (
            r"\hat v = \frac{1-\beta_2}{1-\beta_2^t} \sum_i \beta_2^{t-i} g_i^2",
            rf"\hat v = {_n((1 - beta2) / (1 - beta2**t))} \cdot "
            rf"({_series([x * x for x in kept], beta2)}) = {_n(square)}",
        ),
    ]
    if name == "adamw":
        lines.append((r"w' = (1 - \eta\lambda) w", rf"w' = (1 - {_n(rate)} \cdot {_n(decay)}) \cdot "
                      rf"{_n(weight)} = {_n(before)}"))  # fmt: skip
    w = "w'" if name == "adamw" else "w"
    last = rf"{_n(before)} - {_n(rate)} \cdot \frac{{{_n(mean)}}}{{\sqrt{{{_n(square)}}} + {_n(eps)}}}"
    lines.append((rf"{w} - \eta \frac{{\hat m}}{{\sqrt{{\hat v}} + \epsilon}}", f"{last} = {_n(value)}"))
    return Step(tuple(lines), value)


def check_step(worked: Step, shown: float) -> Check:
    """Where an optimizer went, beside the step worked out."""
    away, allowed = abs(worked.value - shown), ROUNDING * max(1.0, abs(shown))
    return Check(away, allowed, away <= allowed)


def work_clip(gradients: Sequence[float], most: float) -> tuple[float, list[float]]:
    """The common norm of some numbers, and these times most / (norm + 10⁻⁶) where that makes them smaller."""
    norm = math.hypot(*map(float, gradients))
    larger = norm + TINY > most
    return norm, [float(g) * most / (norm + TINY) if larger else float(g) for g in gradients]


def _mean(values: Sequence[float], beta: float) -> float:
    """The mean of values whose shares fall by β from the latest back; the shares sum to 1."""
    shares = [beta**i for i in range(len(values))]
    return math.fsum(s * x for s, x in zip(shares, reversed(values), strict=True)) / math.fsum(shares)


SHOWN = 3  # terms of a sum


def _series(values: Sequence[float], beta: float) -> str:
    latest = list(reversed(values))
    terms = [(rf"{_n(beta**i)} \cdot " if i else "") + _n(x) for i, x in enumerate(latest[:SHOWN])]
    return " + ".join(terms) + (r" + \dots" if len(latest) > SHOWN else "")


def _numbers(weight: float, rate: float, step: float) -> str:
    return rf"{_n(weight)} - {_n(rate)} \cdot {_n(step)} = {_n(weight - rate * step)}"


def _n(x: float) -> str:
    """A number in LaTeX, to six digits; a negative one in brackets."""
    mantissa, e, power = f"{x:.6g}".partition("e")
    text = rf"{mantissa} \cdot 10^{{{int(power)}}}" if e else mantissa
    return f"({text})" if x < 0 else text
