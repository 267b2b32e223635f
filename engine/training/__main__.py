"""Train a model of this project, on the command line.

    python -m engine.training FOLDER --name mymodel            a language model from a folder of text files
    python -m engine.training encoder FOLDER --name …          an encoder that fills gaps
    python -m engine.training translation FILE --name …        a translator from a file of sentence pairs
    python -m engine.training digits --name …                  a model that names handwritten digits
    python -m engine.training captions --name …                a model that says what a picture shows

    python -m engine.training measure NAME [FOLDER or FILE]    measure a finished model again
    python -m engine.training english RULE …                   print what the grammar writes

Ctrl+C stops, and the same command goes on where it stopped. Each has its own --help.
"""

import argparse
import random
import sys
from difflib import get_close_matches
from pathlib import Path

from engine.load.folder import read_json
from engine.training import captions, digits, encoder, language, run, translation
from engine.training.data.grammar import grammar
from engine.training.options import COMMON, Option, Parser, add, plain_name, whole
from engine.training.progress import say
from engine.training.task import Task

PROGRAM = "python -m engine.training"
TASKS = {module.TASK.name: module.TASK for module in (language, encoder, translation, digits, captions)}
ABOUT = {"about": Option("", str, "what the text is, a phrase for the card")}
REPLACE = {"replace": Option(False, None, "put the new model in the place of the one that has its name")}


def main(words: list[str] | None = None) -> int:
    """What was asked for on the command line; the exit status."""
    words = sys.argv[1:] if words is None else words
    try:
        command(words)
    except ValueError as error:
        say_wrong(str(error))
        return 2
    except OSError as error:
        say_wrong(f"{error.filename or 'a file'}: {error.strerror}")
        return 2
    except (run.Stopped, KeyboardInterrupt):
        say("Stopped. Nothing is lost: run the same command again to go on.")
        return 130
    return 0


def say_wrong(text: str) -> None:
    """A sentence on what went wrong, on a line of its own."""
    say("")
    print(text, file=sys.stderr)


def command(words: list[str]) -> None:
    """Run the command that the first word names; without one, train a language model."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(__doc__.strip())
    elif words[0] in OTHERS:
        OTHERS[words[0]](words[1:])
    elif words[0] in TASKS:
        run.train(TASKS[words[0]], parsed(TASKS[words[0]], words[1:]))
    elif words[0].startswith("-") or Path(words[0]).exists():
        run.train(language.TASK, parsed(language.TASK, words))
    else:
        known = (*TASKS, *OTHERS)
        near = get_close_matches(words[0], known, 1)
        meant = f"; did you mean {near[0]}?" if near else f". Commands are {', '.join(known)}"
        raise ValueError(f"there is no folder and no command {words[0]!r}{meant}")


def parsed(task: Task, words: list[str]) -> argparse.Namespace:
    """What the words after a task ask for."""
    parser = Parser(prog=f"{PROGRAM} {task.name}", description=f"Train {task.about}.", allow_abbrev=False)
    if task.reads:
        parser.add_argument("path", metavar=task.reads[0], help=task.reads[1])
    parser.add_argument("--name", required=True, type=plain_name, help="what the model is called")
    add(parser, (ABOUT if task.reads else {}) | COMMON | task.options | REPLACE)
    options = parser.parse_args(words)
    if task.reads and not options.about:
        options.about = f"the texts of {Path(options.path).resolve().stem}"
    return options


def measure(words: list[str]) -> None:
    """Measure a finished model again: scores, examples and card are written anew, from its weights alone."""
    parser = Parser(prog=f"{PROGRAM} measure", description=measure.__doc__.splitlines()[0], allow_abbrev=False)
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


def english(words: list[str]) -> None:
    """Print some texts of each rule of the grammar."""
    parser = Parser(prog=f"{PROGRAM} english", description=english.__doc__, allow_abbrev=False)
    parser.add_argument("rules", nargs="+", help="story, nature …: see assets/grammar")
    add(parser, {"count": Option(10, whole(1, 10**6), "texts of each"), "seed": COMMON["seed"]})
    parser.add_argument("--ask", action="store_true", help="questions on held-out combinations")
    options = parser.parse_args(words)
    draw = random.Random(options.seed)
    for rule in options.rules:
        if rule not in grammar().rules:
            near = ", ".join(get_close_matches(rule, grammar().rules, 3)) or "story, nature, things, talk"
            raise ValueError(f"the grammar has no rule {rule!r}; there are {near} …")
        for _ in range(options.count):
            print(grammar().question(rule, draw) if options.ask else grammar().text(rule, draw))
            print("-" * 40)


OTHERS = {"measure": measure, "english": english}

if __name__ == "__main__":
    sys.exit(main())
