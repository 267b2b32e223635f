"""A lesson: a small model that learns a task step by step, and what there is to see on the way."""

import math
import time
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn

from engine.model.build import fresh
from engine.training.tasks.batches import IGNORED, Batch, batch_of, examples
from engine.training.tasks.task import Recipe, Task

CHECKED = 512  # held-out examples that the accuracy is of
LOWEST = 0.1  # share of the rate at the end


@dataclass(frozen=True)
class Score:
    """What a model makes of held-out examples: mean loss in nats, share of exact answers, share of letters."""

    loss: float
    exact: float
    letters: float
    count: int


class Lesson:
    """A model, its optimizer, and how far it has come.

    `step` learns from one batch; `score` asks the held-out examples. The same task, recipe and number of steps
    give the same numbers again.
    """

    def __init__(self, task: Task, recipe: Recipe | None = None):
        self.task, self.recipe = task, recipe or task.recipe
        self.model = fresh(task.config(self.recipe), self.recipe.seed)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), self.recipe.rate, betas=(0.9, 0.98), weight_decay=self.recipe.decay
        )
        self.done, self.seconds = 0, 0.0
        self.examples = examples(task, self.recipe.seed, held=False)
        self.held = self._held()

    def _held(self) -> Batch:
        """Held-out examples, each once; they are the same for every seed and recipe."""
        found: dict[str, str] = {}
        for question, answer in islice(examples(self.task, 0, held=True), 20 * CHECKED):
            found.setdefault(question, answer)
            if len(found) == CHECKED:
                break
        return batch_of(self.task, self.recipe, list(found.items()))

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return sum(p.numel() for p in self.model.parameters())

    def rate(self) -> float:
        """The rate of the next step: rising at first, then falling along a cosine."""
        rising = (self.done + 1) / max(1, self.recipe.warm_up)
        falling = LOWEST + (1 - LOWEST) * 0.5 * (
            1 + math.cos(math.pi * min(1.0, self.done / self.recipe.steps))
        )
        return self.recipe.rate * min(1.0, rising, falling)

    def step(self) -> float:
        """Learn from one batch; gives its mean loss in nats before the step."""
        started = time.perf_counter()
        batch = batch_of(self.task, self.recipe, list(islice(self.examples, self.recipe.batch)))
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        loss = loss_of(self.model, batch)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.done += 1
        self.seconds += time.perf_counter() - started
        return loss.item()

    @torch.no_grad()
    def score(self) -> Score:
        """The held-out examples. An answer is exact where every letter is the likeliest one after the right
        ones before it, which is the same as writing it greedily without a slip."""
        logits = self.model(self.held.ids)
        wanted = self.held.asked != IGNORED
        right = (logits.argmax(-1) == self.held.asked) & wanted
        exact = (right == wanted).all(-1).float().mean().item()
        loss = _cross_entropy(logits, self.held.asked).item()
        return Score(loss, exact, (right.sum() / wanted.sum()).item(), len(self.held.questions))

    def guess(self) -> float:
        """The share of the held-out examples that the commonest answer gets right."""
        answers = self.held.answers
        return max(map(answers.count, set(answers))) / len(answers)


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """The mean loss of the letters that are asked, in nats."""
    return _cross_entropy(model(batch.ids), batch.asked)


def _cross_entropy(logits: Tensor, asked: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.flatten(0, 1), asked.flatten(), ignore_index=IGNORED)
