"""A run in a file: weights, the optimizer's state and how far it has come, as safetensors with JSON in their
metadata. What is read is checked like any file from elsewhere."""

import json
import os
from dataclasses import asdict, fields
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save, save_file
from torch import Tensor

from engine.device import CPU
from engine.load.files import check_file
from engine.tokenize.characters import CharacterTokenizer
from engine.training.tasks.batches import GIVEN, PADDING
from engine.training.tasks.corpus import CORPUS, Corpus
from engine.training.tasks.examples import TASKS
from engine.training.tasks.lesson import Lesson
from engine.training.tasks.task import Recipe

META, FORMAT = "glassbox_lesson", 1
MOST_STEPS, MOST_CHANGES = 10_000_000, 1000
LONGEST = 1e9  # seconds
POSITIVE = (".step", ".exp_avg_sq")  # of what Adam keeps: a count, and a mean of squares
EXAMPLES = 6
FILE_MOST = 64 * 2**20  # bytes


def contents(lesson: Lesson) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a file that holds a lesson."""
    tensors = {f"model.{name}": p.detach().contiguous() for name, p in lesson.model.named_parameters()}
    for name, state in _states(lesson).items():
        tensors |= {f"optimizer.{name}.{key}": x.detach().contiguous() for key, x in state.items()}
    told = {"format": FORMAT, "task": lesson.task.name, "corpus": lesson.task.corpus}
    told |= {"recipe": asdict(lesson.recipe), "done": lesson.done, "seconds": lesson.seconds}
    return tensors, {META: json.dumps(told | {"changes": lesson.changes})}


def _states(lesson: Lesson) -> dict[str, dict[str, Tensor]]:
    """What the optimizer keeps of each parameter, by its name."""
    named = {p: name for name, p in lesson.model.named_parameters()}
    return {
        named[p]: {key: torch.as_tensor(x) for key, x in state.items() if x is not None}
        for p, state in lesson.optimizer.state.items()
    }


def write(lesson: Lesson, path: Path) -> None:
    """Keep a lesson; a file that is there stays whole until the new one is."""
    tensors, told = contents(lesson)
    beside = path.with_suffix(".new")
    save_file(tensors, beside, told)
    os.replace(beside, path)


def to_bytes(lesson: Lesson) -> bytes:
    """The same file in memory."""
    return save(*contents(lesson))


def read(path: Path, device: torch.device = CPU) -> Lesson:
    """The lesson of a file, to be gone on with; a ValueError says what is wrong with one that holds none."""
    check_file(path, FILE_MOST)
    try:
        with safe_open(path, "pt") as file:
            told, tensors = file.metadata() or {}, file.get_tensors()
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path.name} is damaged or not a safetensors file: {error}") from None
    if META not in told:
        raise ValueError(f"{path.name} is no saved run: its metadata has no {META}")
    lesson = _lesson(path.name, told[META], device)
    _fill(path.name, lesson, tensors)
    return lesson


def _lesson(name: str, text: str, device: torch.device) -> Lesson:
    """A fresh lesson of the settings that a file tells, as far as it says it has come."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{name}: its metadata is not JSON") from None
    match told:
        case {
            "format": 1,
            "task": str(task),
            "corpus": str(corpus),
            "recipe": dict(recipe),
            "done": int(done),
            "seconds": int() | float() as seconds,
            "changes": list(changes),
        } if 0 <= done <= MOST_STEPS and 0 <= seconds <= LONGEST and len(changes) <= MOST_CHANGES:
            pass
        case _:
            raise ValueError(f"{name}: its metadata does not tell task, recipe and steps as a saved run does")
    if task not in (*TASKS, CORPUS):
        raise ValueError(f"{name} is of the task {task[:40]!r}; known are {', '.join((*TASKS, CORPUS))}")
    strange = recipe.keys() - {field.name for field in fields(Recipe)}
    if strange:
        raise ValueError(f"{name}: the recipe has unknown entries: {', '.join(sorted(map(str, strange)))[:80]}")
    shape = Recipe(**recipe)
    lesson = Lesson(Corpus(corpus, shape) if task == CORPUS else TASKS[task], shape, device)
    for change in changes:
        match change:
            case [int(at), int() | float() as rate] if 0 <= at <= done:
                lesson.done = at
                lesson.change_rate(rate)
            case _:
                raise ValueError(f"{name}: a change of the rate is [steps, rate], not {str(change)[:40]}")
    lesson.done, lesson.seconds = done, float(seconds)
    return lesson


def _fill(name: str, lesson: Lesson, tensors: dict[str, Tensor]) -> None:
    """Put a file's numbers into a lesson; all must be there, of the right shape, and finite."""
    parameters = dict(lesson.model.named_parameters())
    wanted = {f"model.{key}": p.shape for key, p in parameters.items()}
    for key, shape in _kept_by(lesson).items():
        wanted |= {f"optimizer.{p}.{key}": parameters[p].shape if shape is None else shape for p in parameters}
    if wrong := sorted(wanted.keys() ^ tensors.keys()):
        raise ValueError(f"{name} lacks, or has beyond what its recipe asks for: {', '.join(wrong[:4])[:200]}")
    for key, x in tensors.items():
        if x.dtype != torch.float32 or x.shape != wanted[key] or not x.isfinite().all():
            raise ValueError(
                f"{name}: {key} is {str(x.dtype).removeprefix('torch.')} {list(x.shape)}; it must be "
                f"float32 {list(wanted[key])}, every number finite"
            )
        if key.endswith(POSITIVE) and (x < 0).any():
            raise ValueError(f"{name}: {key} has numbers below 0, which no optimizer keeps there")
    with torch.no_grad():
        for key, p in parameters.items():
            p.copy_(tensors[f"model.{key}"])
            if kept := _kept_by(lesson):
                state = {one: tensors[f"optimizer.{key}.{one}"] for one in kept}
                lesson.optimizer.state[p] = {one: x.to(lesson.device, copy=True) for one, x in state.items()}


def _kept_by(lesson: Lesson) -> dict[str, torch.Size | None]:
    """What the optimizer keeps of each parameter after a step: names, and shapes if not the parameter's."""
    if lesson.recipe.optimizer in ("adam", "adamw") and lesson.done:
        return {"step": torch.Size([]), "exp_avg": None, "exp_avg_sq": None}
    return {"momentum_buffer": None} if lesson.recipe.optimizer == "momentum" and lesson.done else {}


def open_in(folder: Path, lesson: Lesson) -> Path:
    """A folder that `engine.load` reads the lesson's model from, its numbers as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"format": "glassbox"} | asdict(lesson.model.config)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    save_file(
        {n: p.detach().contiguous() for n, p in lesson.model.named_parameters()}, folder / "model.safetensors"
    )
    end = "." if lesson.task.corpus == "" else ""
    CharacterTokenizer(lesson.task.letters, end).write(folder / CharacterTokenizer.FILE)
    examples = [{"text": text, "note": text} for text in dict.fromkeys(prompts(lesson))]
    (folder / "examples.json").write_text(json.dumps({"examples": examples}), encoding="utf-8")
    return folder


def prompts(lesson: Lesson) -> list[str]:
    """What the model reads before it answers the first held-out questions."""
    questions, task = lesson.held.questions[:EXAMPLES], lesson.task
    if task.by_letter:
        return [question[: max(1, len(question) // 2)] for question in questions]
    if lesson.recipe.causal:
        return [question + GIVEN for question in questions]
    return [question.ljust(task.context(lesson.recipe), PADDING) for question in questions]
