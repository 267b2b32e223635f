"""One weight of one step, by hand: its gradient from finite differences in float64, the optimizer's rule with
plain numbers. Shares nothing with torch.optim, with autograd only the length of all other gradients."""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from engine.training.tasks.batches import IGNORED, Batch
from engine.training.tasks.lesson import Lesson
from engine.worked.recipes.terms import factor, number

STEP = 1e-5  # of the finite differences
BETA_1, BETA_2, MU, EPSILON = 0.9, 0.98, 0.9, 1e-8
SHORTEN = 1e-6  # is added to the length that a gradient is divided by


@dataclass(frozen=True)
class Line:
    """One line of the arithmetic: what it is, in symbols and in numbers (LaTeX), and its value."""

    name: str
    symbols: str
    numbers: str
    value: float


@dataclass(frozen=True)
class Worked:
    """A weight before and after a step.

    lines  the arithmetic, its last line the new value
    told   what the step itself made of the weight, and the gradient that it found (float32)
    noise  how far the two may lie apart by rounding alone
    """

    name: str
    at: tuple[int, ...]
    step: int
    before: float
    lines: tuple[Line, ...]
    told: float
    gradient: float
    noise: float
    gradient_noise: float

    @property
    def value(self) -> float:
        """The new value by hand."""
        return self.lines[-1].value

    @property
    def ok(self) -> bool:
        """Whether both routes agree: on the gradient and on the new value."""
        near = abs(self.lines[0].value - self.gradient) <= self.gradient_noise
        return near and abs(self.value - self.told) <= self.noise


def work(lesson: Lesson, name: str, at: tuple[int, ...]) -> Worked:
    """The next step of a lesson, which stays as it is, for one weight; a ValueError where there is none."""
    before = dict(lesson.model.named_parameters()).get(name)
    if (
        before is None
        or len(at) != before.dim()
        or not all(0 <= i < n for i, n in zip(at, before.shape, strict=True))
    ):
        shape = "" if before is None else f" of {' × '.join(map(str, before.shape))}"
        raise ValueError(f"there is no weight {name}{list(at)}{shape}: name one of the model's")
    told = step_by_torch(lesson, name, at)
    batch, exact = lesson.batch(), copy.deepcopy(lesson.model).double()
    losses, length = by_differences(exact, batch, name, at), length_of_all(exact, batch)
    slope = (losses[0] - losses[1]) / (2 * STEP)
    w, rest = float(before.detach()[at]), _kept(lesson, before, at)
    lines = [_gradient_line(*losses, slope), *_shortened(slope, length), _rate_line(lesson)]
    lines += RULES[lesson.recipe.optimizer](w, lines[-2].value, lines[-1].value, rest, lesson)
    rounding = 2e-8 * length + 1e-5 * abs(slope)
    noise = 3e-7 * abs(w) + 1e-4 * abs(lines[-1].value - w) + _sensitivity(lesson, lines) * rounding + 1e-9
    return Worked(name, tuple(at), lesson.done, w, tuple(lines), *told, noise, rounding)


def step_by_torch(lesson: Lesson, name: str, at: tuple[int, ...]) -> tuple[float, float]:
    """What the step makes of the weight, and its gradient before all were shortened: what is to be checked."""
    twin = copy.deepcopy(lesson)
    batch = twin.batch()
    found = nn.functional.cross_entropy(
        twin.model(batch.ids).flatten(0, 1), batch.asked.flatten(), ignore_index=IGNORED
    )
    (slope,) = torch.autograd.grad(found, [twin.model.get_parameter(name)])
    twin.step()
    return float(twin.model.get_parameter(name).detach()[at]), float(slope[at])


def steepest(lesson: Lesson, name: str) -> tuple[int, ...]:
    """The entry of a parameter with the largest gradient at the next step."""
    weight, batch = lesson.model.get_parameter(name), lesson.batch()
    logits = lesson.model(batch.ids).flatten(0, 1)
    loss = nn.functional.cross_entropy(logits, batch.asked.flatten(), ignore_index=IGNORED)
    (slope,) = torch.autograd.grad(loss, [weight])
    return tuple(int(i) for i in np.unravel_index(int(slope.abs().argmax()), slope.shape))


# --- the second route -----------------------------------------------------------------------------


@torch.no_grad()
def by_differences(model: nn.Module, batch: Batch, name: str, at: tuple[int, ...]) -> tuple[float, float]:
    """The loss with one weight a little larger, and with it a little smaller."""
    weight = model.get_parameter(name)
    w, losses = float(weight[at]), []
    for side in (1, -1):
        weight[at] = w + side * STEP
        losses.append(mean_loss(model(batch.ids).numpy(), batch.asked.numpy()))
    weight[at] = w
    return losses[0], losses[1]


def mean_loss(logits: np.ndarray, asked: np.ndarray) -> float:
    """−ln of the probability of each letter that is asked, on average; logits [B, T, V], asked [B, T]."""
    rows, wanted = logits[asked != IGNORED], asked[asked != IGNORED]
    most = rows.max(-1, keepdims=True)
    logs = rows - most - np.log(np.exp(rows - most).sum(-1, keepdims=True))
    return float(-logs[np.arange(len(wanted)), wanted].mean())


def length_of_all(model: nn.Module, batch: Batch) -> float:
    """The length of all gradients as one vector, in float64."""
    logits = model(batch.ids)
    wanted = batch.asked != IGNORED
    loss = -logits.log_softmax(-1)[wanted].gather(-1, batch.asked[wanted][:, None]).mean()
    found = torch.autograd.grad(loss, [p for p in model.parameters() if p.requires_grad], allow_unused=True)
    return math.sqrt(math.fsum(float((g.numpy() ** 2).sum()) for g in found if g is not None))


def _kept(lesson: Lesson, parameter: nn.Parameter, at: tuple[int, ...]) -> dict[str, float]:
    """What the optimizer kept of the weight from the steps before; nothing before the first."""
    state = lesson.optimizer.state.get(parameter, {})
    return {key: float(x[at]) for key, x in state.items() if torch.is_tensor(x) and x.dim()}


def _gradient_line(above: float, below: float, slope: float) -> Line:
    symbols = r"g = \frac{L(w+h) - L(w-h)}{2h}"
    numbers = rf"\frac{{{number(above, 12)} - {number(below, 12)}}}{{2 \cdot 10^{{-5}}}}"
    return Line("gradient", symbols, numbers, slope)


def _shortened(slope: float, length: float) -> list[Line]:
    share = min(1.0, 1.0 / (length + SHORTEN))
    symbols, numbers = (
        r"c = \min\left(1, \frac{1}{|g|}\right)",
        rf"\min(1, 1 / {number(length, 6)})",
    )
    short = Line("length", symbols, numbers, share)
    numbers = rf"{factor(share, 6)} \cdot {factor(slope, 6)}"
    return [short, Line("shortened", r"\hat g = c\,g", numbers, share * slope)]


def _rate_line(lesson: Lesson) -> Line:
    """The schedule once more: up along a line, down along half a cosine to a tenth."""
    r, done = lesson.recipe, lesson.done
    top = lesson.changes[-1][1] if lesson.changes else r.rate
    up = (done + 1) / r.warm_up if r.warm_up else 1.0
    down = 0.1 + 0.45 * (1 + math.cos(math.pi * min(done, r.steps) / r.steps))
    share = min(up, down, 1.0)
    return Line("rate", r"\eta_t = \eta \cdot s_t", rf"{number(top)} \cdot {number(share, 6)}", top * share)


def _adam(
    w: float, g: float, rate: float, kept: dict[str, float], lesson: Lesson, decay: float = 0.0
) -> list[Line]:
    t, m0, v0 = lesson.done + 1, kept.get("exp_avg", 0.0), kept.get("exp_avg_sq", 0.0)
    m, v = BETA_1 * m0 + (1 - BETA_1) * g, BETA_2 * v0 + (1 - BETA_2) * g * g
    mean, square = m / (1 - BETA_1**t), v / (1 - BETA_2**t)
    new = w * (1 - rate * decay) - rate * mean / (math.sqrt(square) + EPSILON)
    shrunk = rf"(1 - {number(rate)} \cdot {number(decay)})\," if decay else ""
    return [
        Line(
            "m", r"m = \beta_1 m + (1-\beta_1)\,\hat g", rf"0.9 \cdot {factor(m0)} + 0.1 \cdot {factor(g)}", m
        ),
        Line(
            "v",
            r"v = \beta_2 v + (1-\beta_2)\,\hat g^2",
            rf"0.98 \cdot {number(v0)} + 0.02 \cdot ({number(g)})^2",
            v,
        ),
        Line("m_hat", r"\hat m = \frac{m}{1-\beta_1^t}", rf"\frac{{{number(m)}}}{{1 - 0.9^{{{t}}}}}", mean),
        Line("v_hat", r"\hat v = \frac{v}{1-\beta_2^t}", rf"\frac{{{number(v)}}}{{1 - 0.98^{{{t}}}}}", square),
        Line(
            "new",
            (r"w' = (1-\eta_t\lambda)\,w" if decay else "w' = w")
            + r" - \eta_t\frac{\hat m}{\sqrt{\hat v}+\varepsilon}",
            rf"{shrunk}{number(w, 6)} - {number(rate)}\,"
            rf"\frac{{{number(mean)}}}{{\sqrt{{{number(square)}}} + 10^{{-8}}}}",
            new,
        ),
    ]


def _adamw(w: float, g: float, rate: float, kept: dict[str, float], lesson: Lesson) -> list[Line]:
    return _adam(w, g, rate, kept, lesson, lesson.recipe.decay)


def _sgd(w: float, g: float, rate: float, kept: dict[str, float], lesson: Lesson) -> list[Line]:
    numbers = rf"{number(w, 6)} - {number(rate)} \cdot {factor(g)}"
    return [Line("new", r"w' = w - \eta_t\,\hat g", numbers, w - rate * g)]


def _momentum(w: float, g: float, rate: float, kept: dict[str, float], lesson: Lesson) -> list[Line]:
    b0 = kept.get("momentum_buffer", 0.0)
    b = MU * b0 + g
    numbers = rf"{number(w, 6)} - {number(rate)} \cdot {factor(b)}"
    return [
        Line("b", r"b = \mu b + \hat g", rf"0.9 \cdot {factor(b0)} + {factor(g)}", b),
        Line("new", r"w' = w - \eta_t\,b", numbers, w - rate * b),
    ]


RULES = {"adamw": _adamw, "adam": _adam, "sgd": _sgd, "momentum": _momentum}


def _sensitivity(lesson: Lesson, lines: list[Line]) -> float:
    """How far the new value moves for a gradient that is off by one, at most."""
    found = {line.name: line.value for line in lines}
    if "v_hat" not in found:
        return found["rate"]
    return 2 * found["rate"] / (math.sqrt(found["v_hat"]) + EPSILON)
