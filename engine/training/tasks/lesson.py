"""A lesson: a small model that learns a task step by step, and what there is to see on the way."""

import math
import time
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from engine.device import CPU
from engine.model.build import fresh
from engine.training.tasks.batches import IGNORED, Batch
from engine.training.tasks.corpus import Corpus
from engine.training.tasks.task import Recipe, Task

LOWEST = 0.1  # share of the rate at the end
LONGEST = 1.0  # of all gradients together: a longer one is shortened to this (Pascanu et al. 2013)
BETAS, MOMENTUM, EPS = (0.9, 0.98), 0.9, 1e-8  # of Adam and AdamW; of momentum


class NoNumber(ValueError):
    """The loss is infinite, or no number at all; the model is as it was before."""

    def __init__(self, step: int, loss: float):
        self.step = step
        super().__init__(
            f"the loss is no number any more after step {step:,} ({loss}): choose a lower learning rate"
        )


@dataclass(frozen=True)
class Score:
    """What a model makes of held-out examples: mean loss in nats, share of exact answers, share of letters."""

    loss: float
    exact: float
    letters: float
    count: int


class Lesson:
    """A model, its optimizer, and how far it has come.

    `step` learns from one batch; `score` asks the held-out examples. The same task, recipe, changes of the rate
    and number of steps give the same numbers again.

    device   where it computes; it begins with the same weights and reads the same examples on every one
    changes  (after how many steps, the rate from there on) of the rates that were changed on the way
    """

    def __init__(self, task: Task | Corpus, recipe: Recipe | None = None, device: torch.device = CPU):
        self.task, self.recipe, self.device = task, recipe or task.recipe, device
        self.model = fresh(task.config(self.recipe), self.recipe.seed).to(device)
        self.optimizer = optimizer_of(self.model, self.recipe)
        self.done, self.seconds = 0, 0.0
        self.changes: list[tuple[int, float]] = []
        self.held = task.held(self.recipe).to(device)

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return sum(p.numel() for p in self.model.parameters())

    @property
    def peak(self) -> float:
        """The rate between its rise and its fall, as it was last set."""
        return self.changes[-1][1] if self.changes else self.recipe.rate

    def change_rate(self, rate: float) -> None:
        """Go on with another rate; a ValueError where it can be none."""
        replace(self.recipe, rate=rate)
        if rate != self.peak:
            self.changes.append((self.done, float(rate)))

    def rate(self) -> float:
        """The rate of the next step: rising at first, then falling along a cosine."""
        rising = (self.done + 1) / max(1, self.recipe.warm_up)
        falling = LOWEST + (1 - LOWEST) * 0.5 * (
            1 + math.cos(math.pi * min(1.0, self.done / self.recipe.steps))
        )
        return self.peak * min(1.0, rising, falling)

    def batch(self) -> Batch:
        """What the next step learns from."""
        return self.task.batch(self.recipe, self.done).to(self.device)

    def step(self) -> float:
        """Learn from one batch; gives its mean loss in nats before the step, or raises NoNumber."""
        started = time.perf_counter()
        loss = loss_of(self.model, self.batch())
        if not math.isfinite(told := loss.item()):
            raise NoNumber(self.done, told)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), LONGEST)
        self.optimizer.step()
        self.done += 1
        self.seconds += time.perf_counter() - started
        return told

    @torch.no_grad()
    def score(self) -> Score:
        """The held-out examples. An answer is exact where every letter is the likeliest one after the right
        ones before it, which is the same as writing it greedily without a slip."""
        return score_of(self.model(self.held.ids), self.held)

    def guess(self) -> float:
        """The share of the held-out examples that the commonest answer gets right; of a text, its commonest
        letter."""
        if self.task.by_letter:
            return float(self.held.asked.flatten().bincount().max() / self.held.asked.numel())
        answers = self.held.answers
        return max(map(answers.count, set(answers))) / len(answers)


def optimizer_of(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimizer that a recipe names, for all that a model learns."""
    parameters, rate = model.parameters(), recipe.rate
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, rate, BETAS, EPS, weight_decay=recipe.decay, fused=True)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, rate, BETAS, EPS, fused=True)
    momentum = MOMENTUM if recipe.optimizer == "momentum" else 0.0
    return torch.optim.SGD(parameters, rate, momentum, fused=True)


def score_of(logits: Tensor, held: Batch) -> Score:
    """What logits [B, T, V] make of held-out examples."""
    wanted = held.asked != IGNORED
    right = (logits.argmax(-1) == held.asked) & wanted
    exact = (right == wanted).all(-1).float().mean().item()
    loss = _cross_entropy(logits, held.asked).item()
    return Score(loss, exact, (right.sum() / wanted.sum()).item(), len(held.questions))


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """The mean loss of the letters that are asked, in nats."""
    return _cross_entropy(model(batch.ids), batch.asked)


def _cross_entropy(logits: Tensor, asked: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.flatten(0, 1), asked.flatten(), ignore_index=IGNORED)
