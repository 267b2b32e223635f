"""The one trainer: from the options of a task to a finished model, measured, with its card."""

import argparse
import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine.config import Config
from engine.load import glassbox
from engine.load.folder import read_json
from engine.model.build import model_of
from engine.training.data.corpus import token_row
from engine.training.evaluate import checkpoints, report
from engine.training.learn import Recipe, learn
from engine.training.progress import say
from engine.training.task import Material, Task

MODELS = Path(__file__).parents[2] / "assets" / "models"
UNFINISHED = ".unfinished"  # beside the models: what is in it is not complete, and nobody sees it
CARDS = Path(__file__).parent / "cards"
# options that may change when a run goes on
FREE = ("name", "about", "path", "work", "minutes", "no_checkpoints", "replace")
WHOLE_TEST = 60  # minutes of learning after which a model is asked the whole test; before, its share
LARGEST = 10**9  # parameters


class Stopped(Exception):
    """Somebody asked to stop; what was learned is kept."""


class Work:
    """The folder in which a run keeps what it needs to go on."""

    def __init__(self, folder: Path):
        self.folder, self.made = folder, []  # made: folders that were not there before

    def begin(self, asked: dict) -> None:
        """Write down what a run is begun with; or go on, with the same: its vocabulary was made by that."""
        begun = self.folder / "options.json"
        if begun.exists():
            before = read_json(begun)
            other = [f"{name} was {before.get(name)!r}" for name in asked if before.get(name) != asked[name]]
            if other:
                raise ValueError(
                    f"{self.folder} holds a training that was begun otherwise ({', '.join(other)}): "
                    "give the same, or another --name (or --work), or delete that folder to begin anew"
                )
        elif self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise ValueError(f"{self.folder} is there already and holds no training: give another --work")
        else:
            self.made = [place for place in (self.folder, *self.folder.parents) if not place.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            report.write(begun, asked)

    def forget(self) -> None:
        """Undo `begin`, where what was given turned out to be of no use."""
        if (self.folder / "state.safetensors").exists():
            return
        for file in self.folder.iterdir():
            if file.is_file():
                file.unlink()
        with contextlib.suppress(OSError):  # not empty: somebody else's
            for place in self.made:
                place.rmdir()

    def once(self, name: str, make: Callable[[Path], None]) -> Path:
        """A file that is made the first time, whole or not at all."""
        path = self.folder / name
        if not path.exists():
            part = path.with_name("part-" + name)
            make(part)
            part.replace(path)
        return path

    def row(self, name: str, texts: Iterable[str], tokenizer) -> np.ndarray:
        """Texts as one long row of ids."""
        return np.load(self.once(name, lambda path: np.save(path, token_row(texts, tokenizer))))


# --- before anything is read ---------------------------------------------------------------------


def train(task: Task, options: argparse.Namespace) -> None:
    """Train a model, or go on where an earlier call stopped; a ValueError says what is wrong with options."""
    check_new(options)
    check_packages(task)
    task.check(options)
    check_size(task.config(options, getattr(options, "vocabulary", 0)))
    files = task.reads[2](Path(options.path)) if task.reads else []
    keep_memory()
    work = Work(Path(options.work or Path("training-work") / options.name))
    asked = {name: value for name, value in vars(options).items() if name not in FREE}
    work.begin({"task": task.name} | asked | {"inputs": fingerprint(files)})
    try:
        material = task.read(options, work)
        config = task.config(options, len(material.tokenizer) if material.tokenizer else 0)
    except ValueError:
        work.forget()
        raise
    recipe = recipe_of(task, options, config)
    say(material.told)
    model, done = learn(
        config, material.train, material.held, recipe, work.folder, options.minutes, material.start
    )
    if not done:
        raise Stopped
    finish(task, material.attach(model), material, options, work)


def check_new(options: argparse.Namespace) -> None:
    """A ValueError where a model has that name, unless it is to be replaced."""
    names = {file.name.casefold() for file in MODELS.iterdir()} if MODELS.exists() else set()
    if options.name.casefold() in names and not options.replace:
        raise ValueError(
            f"there is a model {options.name} already: give another --name, "
            "or --replace to put the new one in its place once it is complete"
        )


def check_packages(task: Task) -> None:
    """A ValueError that says how to install what is missing."""
    for module, (package, what) in task.needs.items():
        if importlib.util.find_spec(module) is None:
            raise ValueError(f"{task.name} needs {package}, {what}: {sys.executable} -m pip install {package}")


def check_size(config) -> None:
    """A ValueError where a model would have more parameters than this trainer is made for."""
    with torch.device("meta"):  # shapes alone, no numbers
        count = sum(p.numel() for p in model_of(config).parameters())
    if count > LARGEST:
        raise ValueError(
            f"this model would have {count:,} parameters; {LARGEST:,} are the most: choose smaller sizes"
        )


def fingerprint(files: list[Path]) -> str:
    """Whether the files are still the same: by their names and sizes."""
    told = "\n".join(f"{file.name} {file.stat().st_size}" for file in files)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def recipe_of(task: Task, options: argparse.Namespace, config) -> Recipe:
    """How long and how fast to learn."""
    return Recipe(
        tokens=task.tokens(options, config),
        batch=options.batch,
        rate=options.rate,
        rate_rest=options.rate / task.rest,
        warm_up=options.warm_up,
        seed=options.seed,
        dropout=getattr(options, "dropout", None) or 0.0,
    )


def keep_memory() -> None:
    """Tell glibc to keep freed memory: each step frees and takes hundreds of megabytes (1.6× faster)."""
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(-4, 0)  # M_MMAP_MAX: no block of its own for a large tensor
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: never shrink the heap
    except (AttributeError, OSError, TypeError):
        pass  # not glibc


# --- after the last step -------------------------------------------------------------------------


def finish(task: Task, model: nn.Module, material: Material, options: argparse.Namespace, work: Work) -> None:
    """Write the finished model, as people will read it, measure it, and only then put it where it is seen."""
    place, unfinished = MODELS / options.name, MODELS / UNFINISHED / options.name
    shutil.rmtree(unfinished, ignore_errors=True)
    glassbox.write(model, unfinished)
    shutil.copyfile(work.folder / "log.jsonl", unfinished / "log.jsonl")
    if (place / "tried.md").exists():  # what somebody wrote down beside the model that is replaced
        shutil.copyfile(place / "tried.md", unfinished / "tried.md")
    here = ("path", "work", "name", "replace")  # of this machine and this call
    asked = {name: value for name, value in vars(options).items() if name not in here}
    report.write(unfinished / "options.json", {"task": task.name, **asked})
    share = min(1.0, (options.minutes or WHOLE_TEST) / WHOLE_TEST)
    say(
        "measuring it"
        + f" with a part of the whole test, as it learned for less than {WHOLE_TEST} minutes" * (share < 1)
    )
    if task.checkpoints and not options.no_checkpoints:
        steps, kept = logged(unfinished)["steps"], work.folder / "kept"
        checkpoints.write(model, unfinished, kept, material.test.row, options.seed, steps, share)
    measure(task, unfinished, material, options, share)
    reveal(unfinished, place)
    say(f"complete: {place}. The app shows it from its next start on; in Python, engine.load({options.name!r})")


def reveal(unfinished: Path, place: Path) -> None:
    """Put a complete model where it is seen, in the place of an old one, readable as other new files are."""
    mask = os.umask(0)
    os.umask(mask)
    for file in unfinished.rglob("*"):
        if file.is_file():  # safetensors writes files that nobody else may read
            file.chmod(0o666 & ~mask)
    with tempfile.TemporaryDirectory(dir=unfinished.parent) as old:
        if place.exists():
            place.rename(Path(old) / place.name)
        unfinished.rename(place)
    if not any(unfinished.parent.iterdir()):
        unfinished.parent.rmdir()


def measure(
    task: Task, folder: Path, material: Material, options: argparse.Namespace, share: float = 1.0
) -> None:
    """Measure the model of a folder, from its weights on disk, and write its scores, examples and card."""
    model, log = read_back(folder), logged(folder)
    found = task.measure(model, material, options, share, log["steps"])
    report.write(folder / "scores.json", {"rows": found.rows, **found.scores})
    report.write(folder / "examples.json", found.examples)
    facts = (
        card_facts(model, options)
        | log
        | {"table": report.told(found.rows, found.columns), "tried": tried(folder)}
    )
    card = (CARDS / f"{found.card or task.name}.md").read_text("utf-8").format(**facts | found.facts)
    (folder / "card.md").write_text(card, encoding="utf-8")


def measure_again(task: Task, folder: Path, options: argparse.Namespace) -> None:
    """Measure a finished model once more, with what it was trained with."""
    with tempfile.TemporaryDirectory() as place:
        for name in (*glassbox.VOCABULARIES, glassbox.BEGINS):
            if (folder / name).exists():  # its own: none is learned
                shutil.copyfile(folder / name, Path(place) / name)
        measure(task, folder, task.read(options, Work(Path(place))), options)
    say(f"measured: {folder / 'card.md'}")


def read_back(folder: Path) -> nn.Module:
    """A finished model from its folder."""
    model = glassbox.read(folder, read_json(folder / "config.json"))
    model.name = folder.name
    return model.requires_grad_(False).eval()


def logged(folder: Path) -> dict:
    """What the log of a finished run says of it, for the card."""
    last = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
    return {
        "tokens": last["tokens"],
        "steps": last["step"],
        "minutes": last["seconds"] / 60,
        "device": last["device"],
    }


def tried(folder: Path) -> str:
    """What else was tried, where somebody wrote that down beside the weights (tried.md)."""
    path = folder / "tried.md"
    return f"## What was tried\n\n{path.read_text('utf-8').strip()}\n\n" if path.exists() else ""


def card_facts(model: nn.Module, options: argparse.Namespace) -> dict:
    """What every card may say of a model: its sizes (of the stack that reads), its name, its seed."""
    first = model.config.stacks[0]
    patches = first.patches if isinstance(first, Config) and first.image else 0
    return asdict(first) | {
        "name": model.name,
        "patches": patches,
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": model.config.stacks[-1].vocabulary,
        "about": getattr(options, "about", ""),
        "batch": getattr(options, "batch", 0),
        "seed": options.seed,
    }
