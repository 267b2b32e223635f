"""What there is to see of the runs: told by the job so far, or of models that have not learned yet."""

from dataclasses import dataclass, field

import numpy as np

from app.jobs import Running
from app.shared import shared
from app.text import say
from app.views.train.learn.settings import PAIRS, Learn, recipes
from engine.training.tasks import Lesson, Recipe
from engine.training.tasks.batches import IGNORED
from engine.training.tasks.live import SHOWN, lessons, look, parts_of, read_of, task_of, wanted_of


@dataclass
class Run:
    """One run.

    curves     step, loss, rate, norms [parts] of each told step
    kept       step, loss, accuracy, letters, answers of each checkpoint; beside it attention and map
    """

    name: str
    task: str
    recipe: Recipe
    last: int  # the step at which it ends
    parts: list[str]
    read: list[str]
    used: int  # letters of it that are no padding after its end
    questions: list[str]
    wanted: list[str]
    letters: str
    guess: float
    held: int  # examples that are held out
    by_letter: bool
    parameters: int
    curves: dict[str, list] = field(default_factory=lambda: {"step": [], "loss": [], "rate": [], "norms": []})
    kept: list[dict] = field(default_factory=list)
    attention: list[np.ndarray] = field(default_factory=list)  # [L, H, T, T]
    maps: list[np.ndarray] = field(default_factory=list)  # [V, 2]
    done: int = 0
    ended: str = ""
    peak: float = 0.0
    speed: float = 0.0

    def at(self, step: int) -> int:
        """The number of the checkpoint at a step, or the nearest before it; the last for −1."""
        steps = [one["step"] for one in self.kept]
        return len(steps) - 1 if step < 0 else max((i for i, s in enumerate(steps) if s <= step), default=0)

    def accuracy(self, kept: dict) -> float:
        return kept["letters" if self.by_letter else "accuracy"]


def told(one: Running) -> list[Run]:
    """The runs of a job, from all that it has told."""
    last = one.settings.get("steps", 0)
    named = zip(_names(one.settings), _lessons(one), strict=False)
    runs = [_fresh(name, lesson, last) for name, lesson in named]
    for event in one.events:
        for i, found in enumerate(event["runs"]):
            run = runs[i]
            for key, values in found["curves"].items():
                run.curves[key] += values
            run.kept += found["kept"]
            run.attention += list(event.get(f"attention_{i}", ()))
            run.maps += list(event.get(f"map_{i}", ()))
            run.done, run.ended, run.peak = found["done"], found["ended"], found["peak"]
            run.speed = found["speed"] or run.speed
    return runs


def untrained(one: Learn, corpus: str) -> list[Run]:
    """The runs before their first step."""
    made = []
    for name, recipe in zip(_names({"pair": one.pair}), recipes(one), strict=False):
        lesson, found = _untrained(one.task, corpus, recipe)
        run = _fresh(name, lesson)
        run.kept, run.attention, run.maps = [dict(found)], [found["attention"]], [found["map"]]
        run.peak = recipe.rate
        made.append(run)
    return made


@shared(16)
def _untrained(task: str, corpus: str, recipe: Recipe) -> tuple[Lesson, dict]:
    lesson = Lesson(task_of(task, corpus, recipe), recipe)
    return lesson, look(lesson)[0]


def _lessons(one: Running) -> list[Lesson]:
    if file := one.settings.get("file"):
        return _of_file(file)
    told = one.settings
    return [_untrained(told["task"], told["corpus"], Recipe(**shape))[0] for shape in told["runs"]]


@shared(8)
def _of_file(file: str) -> list[Lesson]:
    return lessons({"file": file})


def _names(settings: dict) -> list[str]:
    pair = settings.get("pair", "one")
    return (
        [say("learn", f"pair/{pair}/{i}") for i in range(2)] if pair in PAIRS else [say("learn", "pair/alone")]
    )


def _fresh(name: str, lesson: Lesson, last: int = 0) -> Run:
    return Run(
        name,
        lesson.task.name,
        lesson.recipe,
        last or lesson.recipe.steps,
        list(parts_of(lesson)),
        read_of(lesson),
        used_of(lesson),
        list(lesson.held.questions[:SHOWN]),
        wanted_of(lesson),
        lesson.task.letters,
        lesson.guess(),
        len(lesson.held.ids),
        lesson.task.by_letter,
        lesson.parameters,
    )


def used_of(lesson: Lesson) -> int:
    """How many places of the first fixed example are looked at: what comes after its end is seen by none of a
    causal model."""
    if not lesson.recipe.causal:
        return len(lesson.held.ids[0])
    return int((lesson.held.asked[0] != IGNORED).nonzero().max()) + 1


def widest(runs: list[Run]) -> int:
    """The step at which the x axis of all curves ends."""
    return max(max(run.last, run.done) for run in runs)
