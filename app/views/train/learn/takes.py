"""What can be taken from a checkpoint: into the other pages, as a file, as a script; a file brought back."""

from pathlib import Path

import numpy as np

from app import components, jobs, session_models, state
from app.shared import shared
from app.text import say
from app.ui.controls import button, unfold
from app.ui.page import columns, keep, notice, text
from app.views.train.learn.seen import Run
from app.views.train.learn.settings import Learn, take_over
from engine.training.tasks import saving
from engine.training.tasks.live import file_of
from engine.training.tasks.script import script

KIND = "lesson"
MORE = 1000  # steps of a run that had made all of its own


def open_in_walk(one: jobs.Running, runs: list[Run], learn: Learn) -> None:
    """The picked checkpoint, in the Walk."""
    number, step, file = _picked(one, runs, learn)
    newest = learn.kept < 0  # then the button stays what it is while others come
    label = say("learn", "takes/walk", {"newest": newest}, step=step)
    button("learn-walk", label, lambda: _walk(file), of=(str(one.folder), number))


def _picked(one: jobs.Running, runs: list[Run], learn: Learn) -> tuple[int, int, Path]:
    """Of the checkpoint that is looked at: its run, its step, its file."""
    number = min(learn.run, len(runs) - 1)
    step = runs[number].kept[runs[number].at(learn.kept)]["step"]
    return number, step, one.folder / file_of(number, step)


def draw(one: jobs.Running | None, runs: list[Run], learn: Learn) -> None:
    place, open = unfold("learn-takes", say("learn", "takes"))
    if not open:
        return
    with place:
        if one is not None:
            _, step, file = _picked(one, runs, learn)
            if file.exists():
                _file(file, step)
                _script(file, step)
        text(say("learn", "takes/bring"))
        components.open_file("learn-open", _open_header(), _brought)


def troubles() -> None:
    """What was wrong with a file that was brought."""
    if why := state.noted("learn trouble"):
        notice(say("learn", "takes/wrong", why=str(why)), "warning")


def _walk(file: Path) -> None:
    """Open a checkpoint in the Walk, on the first fixed example; from there in all other pages."""
    lesson = saving.read(file)
    name = session_models.put(lesson)
    state.anew(model=name, prompt=saving.prompts(lesson)[0], image="", target="", edits=())
    state.leave("walk")


def _file(path: Path, step: int) -> None:
    """The checkpoint as a file to be kept, and the run gone on with from it."""
    text(say("learn", "takes/file", step=step))
    a, b, _ = columns(1, 1, 2)
    told = path.read_bytes()
    src = f"file|{path.parent.name}-{path.stem}"
    with a:
        keep(src, np.frombuffer(told, np.uint8)[None, None], apart=True)
        header = {
            "src": src,
            "name": f"lesson-{step}.safetensors",
            "label": say("learn", "takes/save", size=len(told)),
        }
        components.download("learn-save", header)
    with b:
        button("learn-from", say("learn", "takes/from", step=step), lambda: _brought(told), of=step)


def _open_header() -> dict:
    return {"label": say("learn", "takes/open"), "accept": ".safetensors", "most": saving.FILE_MOST}


def _brought(content: bytes) -> None:
    """A file that was opened: checked, then gone on with; what is wrong is said."""
    state.forget("learn trouble")
    path = session_models.file(content)
    try:
        lesson = saving.read(path)
    except ValueError as error:
        own = say("learn", "takes/itself")  # it was called otherwise where it came from
        state.note("learn trouble", str(error).replace(str(path), own).replace(path.name, own))
        return
    steps = lesson.recipe.steps if lesson.done < lesson.recipe.steps else lesson.done + MORE
    jobs.start(KIND, {"file": str(path), "steps": steps, "set": take_over(lesson)})


def _script(file: Path, step: int) -> None:
    """The run up to the checkpoint as a script that gives the same numbers."""
    text(say("learn", "takes/script", step=step))
    header = {
        "acts": [("save", say("learn", "takes/script/save"))],
        "file": "lesson.py",
        "text": written(str(file)),
    }
    components.sheet("learn-script", header | {"words": {}, "most": 0})


@shared(16)
def written(file: str) -> str:
    lesson = saving.read(Path(file))
    return script(lesson.task.name, lesson.recipe, lesson.done, lesson.changes)
