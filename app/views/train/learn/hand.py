"""One weight of one step, by hand."""

from pathlib import Path

from app import components, compute, jobs
from app.shared import shared
from app.text import say
from app.ui.controls import number_of, select_of, unfold
from app.ui.page import columns, text
from app.views.train.learn.seen import Run
from app.views.train.learn.settings import Learn, set_to
from engine.training.tasks import saving, weight
from engine.training.tasks.live import file_of


def draw(one: jobs.Running, runs: list[Run], learn: Learn) -> None:
    place, open = unfold("learn-hand", say("learn", "hand"))
    if not open:
        return
    number = min(learn.run, len(runs) - 1)
    step = runs[number].kept[runs[number].at(learn.kept)]["step"]
    with place:
        text(say("learn", "hand/lead", step=step))
        try:
            _work(str(one.folder / file_of(number, step)), learn)
        except (ValueError, OSError) as error:
            text(say("learn", "hand/cannot", why=str(error)))


def _work(file: str, learn: Learn) -> None:
    shapes = shapes_of(file)
    name = learn.weight if learn.weight in shapes else next(iter(shapes))
    found = worked(file, name, learn.row, learn.column)
    a, b, c = columns(2, 1, 1)
    with a:
        select_of("learn-weight", say("learn", "hand/weight"), name, {one: one for one in shapes}, _pick)
    for place, axis, i in zip((b, c), ("row", "column"), range(len(shapes[name])), strict=False):
        with place:
            most = shapes[name][i] - 1
            number_of(
                f"learn-{axis}", say("learn", f"hand/{axis}"), found.at[i], 0, most, _setter(axis), of=name
            )
    text(say("learn", "hand/before", name=f"{name}{list(found.at)}", step=found.step + 1, value=found.before))
    for line in found.lines:
        text(say("learn", f"hand/{line.name}"))
        value = weight.number(line.value, 6)
        components.formula(f"hand-{line.name}", compute.formula(rf"{line.symbols} = {line.numbers} = {value}"))
    kind = "agrees" if found.ok else "differs"
    values = dict(value=found.value, told=found.told, slope=found.lines[0].value, gradient=found.gradient)
    header = {"name": "learn-hand", "ask": False, "button": "", "ok": found.ok}
    components.rest("learn-light", header | {"say": say("learn", f"hand/{kind}", **values)}, lambda name: None)


def _pick(name: str) -> None:
    set_to(weight=name, row=-1, column=-1)


def _setter(axis: str):
    return lambda i: set_to(**{axis: int(i)})


@shared(32)
def shapes_of(file: str) -> dict[str, tuple[int, ...]]:
    """The parameters of a run's file and their shapes."""
    return {name: tuple(p.shape) for name, p in saving.read(Path(file)).model.named_parameters()}


@shared(64)
def worked(file: str, name: str, row: int, column: int) -> weight.Worked:
    """The step after a checkpoint for one weight; where none is picked, the one with the largest gradient."""
    lesson = saving.read(Path(file))
    sizes = lesson.model.get_parameter(name).shape
    steepest = weight.steepest(lesson, name)
    picked = (row, column)[: len(sizes)]
    at = tuple(i if 0 <= i < n else j for i, j, n in zip(picked, steepest, sizes, strict=True))
    return weight.work(lesson, name, at)
