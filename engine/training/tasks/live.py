"""A lesson as a job: one run, or two side by side, told while they go.

Points of the curves and pictures stand at fixed steps, so the same settings tell the same numbers; only how
many of them one event brings depends on the clock.
"""

import time
from collections.abc import Generator
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.device import choose
from engine.training.tasks import saving
from engine.training.tasks.batches import IGNORED
from engine.training.tasks.corpus import CORPUS, Corpus
from engine.training.tasks.examples import TASKS
from engine.training.tasks.lesson import Lesson, NoNumber, Score, score_of
from engine.training.tasks.task import Recipe

APART = 0.2  # seconds between two events
SHOWN = 6  # fixed examples
LOOKED = 128  # held-out examples that are scored on the way; at the end all are
MOST_RUNS = 2
LARGE = 300_000  # parameters, from where on every run keeps fewer files
KEPT_EVERY = ((100, 10), (500, 50), (1000, 100), (4000, 250), (10**9, 500))  # until which step: how often
TOLD_EVERY = 5  # steps between points of a curve
ENDS = {"embed": "embeddings", "final_norm": "output", "logits": "output"}  # the layers around the blocks
ARRAYS = ("attention", "map")


def job(settings: dict, folder: Path) -> Generator[dict, dict, None]:
    """Learn, and tell {"runs": what each has to tell, "attention_0": …, "map_0": … of what the first kept}.

    settings: `task`, `corpus` (of the task "text") and `runs`, one or two recipes as dicts, which learn by
    turns; or `file`, a saved run that is gone on with; `steps`, at which they end (else the recipe's).
    """
    runs = [Run(lesson, folder, number) for number, lesson in enumerate(lessons(settings))]
    last = settings.get("steps") or max(run.lesson.recipe.steps for run in runs)
    for run in runs:
        run.until = last
        run.keep()
    at = _hear(runs, (yield told(runs)))
    while going := [run for run in runs if not run.ended and run.lesson.done < last]:
        for run in going:
            run.step()
        if time.monotonic() - at >= APART:
            at = _hear(runs, (yield told(runs)))
    for run in runs:
        run.keep(whole=True)
    yield told(runs)


def _hear(runs: list["Run"], asked: dict | None) -> float:
    """Do what the page asks meanwhile: {"rate": another learning rate}, {"keep": True}. Gives the time."""
    for run in runs:
        if asked and "rate" in asked:
            run.lesson.change_rate(asked["rate"])
        if asked and asked.get("keep"):
            run.keep()
    return time.monotonic()


def told(runs: list["Run"]) -> dict:
    """An event: what all runs have not yet told."""
    found = [run.told() for run in runs]
    arrays = {f"{name}_{i}": one.pop(name) for i, one in enumerate(found) for name in ARRAYS if name in one}
    return {"runs": found} | arrays


def lessons(settings: dict) -> list[Lesson]:
    """The runs that settings ask for, at their start; a ValueError says what cannot be."""
    if settings.get("file"):
        return [saving.read(Path(settings["file"]), choose())]
    recipes = [recipe_of(told) for told in settings["runs"]]
    if not 1 <= len(recipes) <= MOST_RUNS:
        raise ValueError(f"{len(recipes)} runs were asked for; one or two learn at once")
    name, corpus = settings["task"], settings.get("corpus", "")
    return [Lesson(task_of(name, corpus, one), one, choose()) for one in recipes]


def recipe_of(told: dict) -> Recipe:
    """A recipe from a dict; a ValueError where it has unknown entries."""
    if strange := told.keys() - {one.name for one in fields(Recipe)}:
        raise ValueError(f"a recipe has no {', '.join(sorted(strange))}")
    return Recipe(**told)


def task_of(name: str, corpus: str, recipe: Recipe):
    """The task of a name; a ValueError lists those that there are."""
    if name == CORPUS:
        return Corpus(corpus, recipe)
    if name not in TASKS:
        raise ValueError(f"there is no task {name!r}; there are {', '.join((*TASKS, CORPUS))}")
    return TASKS[name]


def kept_at(step: int, parameters: int) -> bool:
    """Whether a run is kept after this step: often at first, then ever more rarely; a large one less often."""
    every = next(every for until, every in KEPT_EVERY if step < until)
    return step % (every * (1 + parameters // LARGE)) == 0


@dataclass
class Run:
    """One lesson of a job: what it still has to tell, and how it ended."""

    lesson: Lesson
    folder: Path
    number: int = 0
    until: int = 0  # the step at which it ends, where it is kept by another look
    ended: str = ""
    curves: dict[str, list] = field(default_factory=dict)
    kept: list[dict] = field(default_factory=list)
    last: int = -1  # the step that was kept last
    before: Tensor | None = None  # the map of the embeddings that the next one is turned to
    tokens: int = 0  # read since the last event
    since: float = field(default_factory=time.monotonic)

    def step(self) -> None:
        """One step; a loss that is no number ends the run, and nothing that was kept is lost."""
        lesson = self.lesson
        try:
            loss = lesson.step()
        except NoNumber as error:
            self.ended = str(error)
            return
        self.tokens += lesson.recipe.batch * lesson.task.context(lesson.recipe)
        if lesson.done % TOLD_EVERY == 1 or lesson.done < 2 * TOLD_EVERY:
            found = {"step": lesson.done, "loss": loss, "rate": lesson.optimizer.param_groups[0]["lr"]}
            for name, value in (found | {"norms": norms_of(lesson)}).items():
                self.curves.setdefault(name, []).append(value)
        if kept_at(lesson.done, lesson.parameters) and lesson.done != self.until:
            self.keep()

    def keep(self, whole: bool = False) -> None:
        """Write the run to its folder, and have what is seen of it told; once a step. whole: all held-out
        examples are scored, not only some."""
        if self.ended or self.last == self.lesson.done:
            return
        found, before = look(self.lesson, self.before, None if whole else LOOKED)
        if not np.isfinite(found["loss"]):
            self.ended = str(NoNumber(self.lesson.done, found["loss"]))
            return
        saving.write(self.lesson, self.folder / file_of(self.number, self.lesson.done))
        self.kept.append(found)
        self.before, self.last = before, self.lesson.done

    def told(self) -> dict:
        """What has not yet been told."""
        now, kept = time.monotonic(), self.kept
        found = {"done": self.lesson.done, "ended": self.ended, "peak": self.lesson.peak, "curves": self.curves}
        found["speed"] = self.tokens / max(now - self.since, 1e-9)
        if kept:
            found |= {name: np.stack([one.pop(name) for one in kept]) for name in ARRAYS}
        found["kept"] = kept
        self.curves, self.kept, self.tokens, self.since = {}, [], 0, now
        return found


def file_of(run: int, step: int) -> str:
    """The name of the file of a run after so many steps."""
    return f"{run}-{step:07}.safetensors"


def kept_steps(folder: Path, run: int) -> list[int]:
    """The steps after which a run was kept."""
    return sorted(int(path.stem.partition("-")[2]) for path in folder.glob(f"{run}-*.safetensors"))


# --- what is seen of a run --------------------------------------------------------------------------


def parts_of(lesson: Lesson) -> dict[str, list[str]]:
    """The layers of a model by name, from its first to its last, and the parameters of each."""
    parts: dict[str, list[str]] = {}
    for name, _ in lesson.model.named_parameters():
        pieces = name.split(".")
        part = f"block {pieces[1]}" if pieces[0] == "blocks" else ENDS[pieces[0]]
        parts.setdefault(part, []).append(name)
    return parts


def norms_of(lesson: Lesson) -> list[float]:
    """The length of each part's gradient at the last step, in the order of `parts_of`."""
    squares = {name: p.grad.square().sum() for name, p in lesson.model.named_parameters()}
    sums = [torch.stack([squares[name] for name in names]).sum() for names in parts_of(lesson).values()]
    return torch.stack(sums).sqrt().tolist()


@torch.no_grad()
def look(lesson: Lesson, before: Tensor | None = None, many: int | None = LOOKED) -> tuple[dict, Tensor]:
    """What is seen of a lesson as it stands: its score on the first held-out examples (None: on all), its
    attention on the first fixed example [L, H, T, T], what it answers to the fixed examples, a map of its
    embeddings [V, 2]; and that map, for the next time."""
    held, model = lesson.held.first(many or len(lesson.held.ids)), lesson.model
    logits = model(held.ids)
    found: Score = score_of(logits, held)
    seen: dict[str, Tensor] = {}
    model(held.ids[:1], tap=_Watch(seen))
    patterns = torch.stack([seen[f"blocks.{i}.attn.pattern"][0] for i in range(len(model.blocks))])
    points = aligned(flat(model.embed.token.weight.cpu()), before)
    told = {
        "step": lesson.done,
        "of": found.count,
        "loss": found.loss,
        "accuracy": found.exact,
        "letters": found.letters,
    }
    told |= {"attention": patterns.numpy(force=True).copy(), "map": points.numpy().copy()}
    return told | {"answers": answers_of(lesson, logits[:SHOWN])}, points


class _Watch:
    """A tap that keeps the weights of attention, and changes nothing."""

    def __init__(self, seen: dict[str, Tensor], path: str = ""):
        self.seen, self.path = seen, path

    def __call__(self, name: str, x: Tensor) -> Tensor:
        if name == "pattern":
            self.seen[f"{self.path}{name}"] = x
        return x

    def at(self, name: str) -> "_Watch":
        return _Watch(self.seen, f"{self.path}{name}.")


def answers_of(lesson: Lesson, logits: Tensor) -> list[str]:
    """The likeliest letter at each place that is asked, after the right letters before it."""
    letters = lesson.task.letters
    rows = zip(logits.argmax(-1).tolist(), lesson.held.asked.tolist(), strict=False)
    return ["".join(letters[i] for i, a in zip(*row, strict=True) if a != IGNORED) for row in rows]


def wanted_of(lesson: Lesson) -> list[str]:
    """What should stand there."""
    letters = lesson.task.letters
    return ["".join(letters[a] for a in row if a != IGNORED) for row in lesson.held.asked[:SHOWN].tolist()]


def read_of(lesson: Lesson) -> list[str]:
    """The letters of the first fixed example, as the model reads them."""
    return [lesson.task.letters[i] for i in lesson.held.ids[0].tolist()]


def flat(vectors: Tensor) -> Tensor:
    """Vectors [N, D] on their two main axes [N, 2] (PCA)."""
    centred = (vectors - vectors.mean(0)).double()
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    points = centred @ axes[:2].T
    return torch.nn.functional.pad(points, (0, 2 - points.shape[1])).float()


def aligned(points: Tensor, before: Tensor | None) -> Tensor:
    """A map turned and mirrored so that its points lie as near as can be to where they lay before (orthogonal
    Procrustes, Schönemann 1966): an axis of PCA has no direction of its own."""
    if before is None:
        return points
    u, _, v = torch.linalg.svd(points.T.double() @ before.double())
    return points @ (u @ v).float()
