"""Measure a finished model again, with what it was trained with: `python -m engine.training measure NAME …`."""

import argparse
import sys
from pathlib import Path

from engine.load.folder import read_json
from engine.training import run
from engine.training.kinds import TASKS
from engine.training.options import COMMON, PROGRAM, Parser, plain_name
from engine.training.task import Task


def main(words: list[str]) -> None:
    """Measure a finished model again: scores, examples and card are written anew, from its weights alone."""
    parser = Parser(prog=f"{PROGRAM} measure", description=main.__doc__, allow_abbrev=False)
    parser.add_argument("name", type=plain_name, help="the model's folder in assets/models")
    parser.add_argument("path", nargs="?", help="what it was trained with (none: pictures)")
    given = parser.parse_args(words)
    folder = run.MODELS / given.name
    if not (folder / "options.json").exists():
        raise ValueError(f"there is no model {given.name} that was trained here")
    task, options = asked_for(folder)
    if task.reads:
        if given.path is None:
            raise ValueError(f"{given.name} was trained with a {task.reads[0].lower()}: give it, too")
        task.reads[2](Path(given.path))
    options.path = given.path
    run.check_packages(task)
    run.measure_again(task, folder, options)


def asked_for(folder: Path) -> tuple[Task, argparse.Namespace]:
    """The task of a finished model and the options that it was trained with, as far as it says so."""
    given = read_json(folder / "options.json")
    task = TASKS[given.pop("task")]
    defaults = {name: option.default for name, option in (COMMON | task.options).items()}
    return task, argparse.Namespace(**defaults | given)


if __name__ == "__main__":
    from engine.training.__main__ import main as command

    sys.exit(command(["measure", *sys.argv[1:]]))
