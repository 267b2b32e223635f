"""Trainings to be compared: those of the shipped models, from their folders, and small ones, as a job."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from engine.config import Config
from engine.load import SHIPPED, shipped
from engine.load.files import read_json
from engine.training.costs.memory import parameters

MEASURED = "bits per byte, books"
WIDTHS = (4, 8, 16, 32, 64)
ASKED_EVERY = 50  # steps


@dataclass(frozen=True)
class Curve:
    """Of a training: tokens read, and the loss of the batch at that time in nats per token; seconds of all."""

    tokens: list[int]
    losses: list[float]
    seconds: float
    device: str


def curve(name: str) -> Curve:
    """The log of a shipped model."""
    lines = [json.loads(line) for line in (SHIPPED / name / "log.jsonl").read_text("utf-8").splitlines()]
    return Curve(
        [x["tokens"] for x in lines], [x["loss"] for x in lines], lines[-1]["seconds"], lines[-1]["device"]
    )


def held_out(name: str) -> tuple[list[int], list[float]]:
    """(tokens, bits per byte of the held-out books) at the checkpoints of a training; the random start has none
    to stand at on a log axis."""
    per_step = curve(name).tokens[-1] / json.loads(_last(name))["step"]
    found = read_json(SHIPPED / name / "learning.json")["checkpoints"]
    later = [c for c in found if c["step"]]
    return [round(c["step"] * per_step) for c in later], [c["bits"] for c in later]


def _last(name: str) -> str:
    return (SHIPPED / name / "log.jsonl").read_text("utf-8").splitlines()[-1]


@dataclass(frozen=True)
class Finished:
    """A shipped decoder: parameters, tokens read, bits per byte of the held-out books with their interval."""

    name: str
    n: int
    tokens: int
    bits: float
    low: float
    high: float


def finished() -> list[Finished]:
    """The shipped models whose score on the held-out books is in their folder."""
    found = []
    for name in shipped():
        config = read_json(SHIPPED / name / "config.json")
        rows = read_json(SHIPPED / name / "scores.json").get("rows", [])
        row = next((row for row in rows if row["name"] == MEASURED), None)
        if row is not None and "vocabulary" in config:
            shape = Config(**{key: x for key, x in config.items() if key != "format"})
            low, high = row["intervals"][0]
            found.append(Finished(name, parameters(shape), curve(name).tokens[-1], row["values"][0], low, high))
    return found


def job(settings: dict, folder: Path) -> Iterator[dict]:
    """One task by models of several widths, each for the same number of steps.

    settings: task, widths, layers, steps, seed
    events: width, parameters, step, steps, tokens, loss (held out, nats a letter), exact (share of answers),
            done
    """
    from engine.training.tasks import TASKS, Lesson

    torch.set_num_threads(1)
    task = TASKS[settings["task"]]
    for width in settings["widths"]:
        recipe = replace(
            task.recipe,
            width=width,
            heads=min(4, width // 2),
            layers=settings["layers"],
            steps=settings["steps"],
            seed=settings["seed"],
        )
        lesson = Lesson(task, recipe)
        each = recipe.batch * task.context(recipe)
        while lesson.done < recipe.steps:
            lesson.step()
            if lesson.done % ASKED_EVERY == 0 or lesson.done == recipe.steps:
                score = lesson.score()
                yield {
                    "width": width,
                    "parameters": lesson.parameters,
                    "step": lesson.done,
                    "steps": recipe.steps,
                    "tokens": lesson.done * each,
                    "loss": score.loss,
                    "exact": score.exact,
                    "done": lesson.done == recipe.steps,
                }
