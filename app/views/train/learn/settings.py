"""What can be set: the task, the model's shape, how it learns, and what is compared."""

from dataclasses import dataclass, replace

from app import settings, state
from app.jobs import Running
from app.settings import settings as kept_in
from app.state import one_of, ranged
from engine.training.tasks import CORPUS, TASKS, Corpus, Lesson, Recipe, Task
from engine.training.tasks.task import NORMS, OPTIMIZERS

ALL = (*TASKS, CORPUS)
POSITIONS = ("learned", "none", "sinusoidal", "rotary", "alibi")
PAIRS = {  # two runs side by side: what differs between them
    "positions": ({}, {"positions": "none"}),
    "divided": ({"divided": True}, {"divided": False}),
    "norm": ({"norm": "pre"}, {"norm": "post"}),
}
SHOWN_BY = {  # the settings, beside the usual ones, at which it matters
    "positions": {"causal": False},
    "divided": {"heads": 1},  # as wide as the model
    "norm": {"layers": 4},
}
RATES = [digit * 10.0**power for power in range(-5, 3) for digit in (1, 3)]
SHAPE = ("layers", "heads", "width", "positions", "norm", "residual", "divided", "causal", "optimizer")
SHAPE += ("batch", "steps", "rate", "seed")


@kept_in("learn")
@dataclass(frozen=True)
class Learn:
    """Those of a recipe, and what is looked at."""

    task: str = one_of("reverse", *ALL)
    pair: str = one_of("one", "one", *PAIRS)
    layers: int = ranged(2, 1, 4)
    heads: int = ranged(4, 1, 4)
    width: int = ranged(64, 16, 128)
    positions: str = one_of("learned", *POSITIONS)
    norm: str = one_of("pre", *NORMS)
    residual: bool = True
    divided: bool = True
    causal: bool = True
    optimizer: str = one_of("adamw", *OPTIMIZERS)
    batch: int = ranged(64, 1, 512)
    steps: int = ranged(3000, 10, 100_000)
    rate: float = ranged(3e-3, 1e-6, 1000.0)
    seed: int = ranged(0, 0, 2**31 - 1)
    kept: int = ranged(-1, -1, 10_000_000)  # the step of the checkpoint that is shown; -1: the last
    run: int = ranged(0, 0, 1)  # whose attention and weights are shown
    head: int = ranged(0, 0, 15)
    weight: str = "blocks.0.attn.q.weight"  # the parameter that is worked by hand
    row: int = ranged(-1, -1, 100_000)  # its entry; -1: the one with the largest gradient
    column: int = ranged(-1, -1, 100_000)


def set_to(**what) -> None:
    settings.change(Learn, **what)


def choose_task(name: str) -> None:
    """Another task, with its own recipe."""
    usual = TASKS.get(name, Corpus).recipe
    set_to(task=name, pair="one", kept=-1, **{key: getattr(usual, key) for key in SHAPE})


def choose_pair(pair: str) -> None:
    """What is compared, with settings that show it."""
    if pair in SHOWN_BY:
        choose_task("reverse")
    set_to(pair=pair, kept=-1, run=0, **SHOWN_BY.get(pair, {}))


def recipes(one: Learn) -> list[Recipe]:
    """The recipe of each run; a ValueError says what cannot be."""
    base = Recipe(**{key: getattr(one, key) for key in SHAPE})
    made = [replace(base, **changed) for changed in PAIRS.get(one.pair, ({},))]
    for recipe in made:
        recipe.config(1, 1)  # what does not go together, such as width and heads
    return made


def task_of(one: Learn, recipe: Recipe) -> Task | Corpus:
    return Corpus(state.current().corpus, recipe) if one.task == CORPUS else TASKS[one.task]


def job_settings(one: Learn) -> dict:
    """What the job is started with."""
    shapes = [{key: getattr(recipe, key) for key in SHAPE} for recipe in recipes(one)]
    corpus = state.current().corpus if one.task == CORPUS else ""
    return {"task": one.task, "corpus": corpus, "runs": shapes, "pair": one.pair}


def is_of(job: Running, wanted: dict | None) -> bool:
    """Whether a job does what is set; of a file that was opened, what was set when it was."""
    return wanted is not None and job.settings.get("set", job.settings) == wanted


def take_over(lesson: Lesson) -> dict:
    """Set the page to what a file holds, as far as it can be set; gives what is set then, or {}."""
    state.change(corpus=lesson.task.corpus[: state.LONGEST_TEXT])
    shape = {key: getattr(lesson.recipe, key) for key in SHAPE}
    set_to(task=lesson.task.name, pair="one", kept=-1, run=0, **shape)
    try:
        return job_settings(settings.read(Learn))
    except ValueError:
        return {}
