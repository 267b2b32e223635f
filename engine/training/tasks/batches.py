"""Examples as rows of ids, with the letters that are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from engine.training.tasks.task import END, GIVEN, Recipe, Task, held_out

IGNORED = -100  # cross-entropy's mark for a place that is not asked


@dataclass(frozen=True)
class Batch:
    """ids [B, T] and, for each place, the id that is asked there [B, T] (or IGNORED); the texts beside it."""

    ids: Tensor
    asked: Tensor
    questions: tuple[str, ...]
    answers: tuple[str, ...]


def examples(task: Task, seed: int, held: bool) -> Iterator[tuple[str, str]]:
    """Questions and answers without end: those that training sees, or those held out."""
    dice = Random(f"{task.name} {seed} {held}")
    while True:
        question, answer = task.ask(dice)
        if held_out(question) == held:
            yield question, answer


def batch_of(task: Task, recipe: Recipe, drawn: list[tuple[str, str]]) -> Batch:
    """Examples as a batch, padded on the right."""
    place = {letter: at for at, letter in enumerate(task.letters)}
    T = task.context(recipe)
    ids = torch.zeros(len(drawn), T, dtype=torch.long)
    asked = torch.full((len(drawn), T), IGNORED)
    for row, (question, answer) in enumerate(drawn):
        if recipe.causal:
            text = [place[letter] for letter in question + GIVEN + answer + END]
            ids[row, : len(text) - 1] = torch.tensor(text[:-1])
            asked[row, len(question) : len(text) - 1] = torch.tensor(text[len(question) + 1 :])
        else:
            ids[row, : len(question)] = torch.tensor([place[letter] for letter in question])
            asked[row, : len(answer)] = torch.tensor([place[letter] for letter in answer])
    questions, answers = zip(*drawn, strict=True)
    return Batch(ids, asked, questions, answers)
