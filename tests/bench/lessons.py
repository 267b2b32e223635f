"""How fast a lesson learns beside a plain torch loop of the same model: python -m tests.bench.lessons"""

import copy
import tempfile
from pathlib import Path

import torch
from torch import nn

from engine.training.tasks import TASKS, Lesson, Recipe, live
from engine.training.tasks.batches import IGNORED
from tests.bench.engine import compare
from tests.bench.report import machine, table

STEPS = 250  # of a measurement: in as many a run of this age is kept once
THREADS = 1  # of both sides, as a job has them on two cores
SHAPES = {"the usual one": Recipe(), "the smallest": Recipe(layers=1, heads=1, width=16, batch=16)}


def main() -> None:
    machine()
    torch.set_num_threads(THREADS)
    print(f"torch {torch.__version__}, {THREADS} thread")
    rows = []
    for name, recipe in SHAPES.items():
        tokens = STEPS * recipe.batch * TASKS["reverse"].context(recipe)
        told, plain = compare(_told(recipe), _plain(recipe), seconds=10, least=3)
        rows.append(
            [name, Lesson(TASKS["reverse"], recipe).parameters, tokens / told * 1000, tokens / plain * 1000]
        )
        rows[-1] += [plain / told, 1.0]
    head = ("model", "parameters", "tokens/s, told", "plain loop", "ratio", "target (at least)")
    table(f"{STEPS} steps of a lesson with all that is told of it, beside a plain loop", head, rows)


def _told(recipe: Recipe):
    """Steps of a run as a job makes them: curves, gradients' lengths, and what is kept."""
    folder = Path(tempfile.mkdtemp())
    run = live.Run(Lesson(TASKS["reverse"], recipe), folder)
    run.lesson.done = 1000  # where it is kept as rarely as in most of its time

    def steps() -> None:
        for _ in range(STEPS):
            run.step()
        live.told([run])

    return steps


def _plain(recipe: Recipe):
    """The loop that anybody writes: the same batches, the model, cross-entropy, clipping, AdamW."""
    task = TASKS["reverse"]
    model = copy.deepcopy(Lesson(task, recipe).model)
    optimizer = torch.optim.AdamW(model.parameters(), recipe.rate, betas=(0.9, 0.98), weight_decay=recipe.decay)
    done = [0]

    def steps() -> None:
        for _ in range(STEPS):
            batch = task.batch(recipe, done[0])
            loss = nn.functional.cross_entropy(
                model(batch.ids).flatten(0, 1), batch.asked.flatten(), ignore_index=IGNORED
            )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            done[0] += 1
        loss.item()

    return steps


if __name__ == "__main__":
    main()
