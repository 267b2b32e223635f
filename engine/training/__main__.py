"""Train a model of this project, on the command line.

    python -m engine.training FOLDER --name mymodel            a language model from a folder of text files
    python -m engine.training encoder FOLDER --name …          an encoder that fills gaps
    python -m engine.training spans FOLDER --name …            an encoder–decoder that fills spans
    python -m engine.training translation FILE --name …        a translator from a file of sentence pairs
    python -m engine.training digits --name …                  a model that names handwritten digits
    python -m engine.training captions --name …                a model that says what a picture shows
    python -m engine.training positions FOLDER --name …        a small decoder whose positions can be chosen

    python -m engine.training measure NAME [FOLDER or FILE]    measure a finished model again
    python -m engine.training english RULE …                   print what the grammar writes
    python -m engine.training vectors FOLDER                   fixed word vectors, the same in every sentence

Ctrl+C stops, and the same command goes on where it stopped. Each has its own --help.
"""

import argparse
import sys
from difflib import get_close_matches
from pathlib import Path

from engine.training import english, language, measure, run, vectors
from engine.training.kinds import TASKS
from engine.training.options import COMMON, PROGRAM, Option, Parser, add, plain_name
from engine.training.progress import say
from engine.training.task import Task

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
        say("Stopped: the same command goes on from here.")
        return 130
    return 0


def say_wrong(text: str) -> None:
    """A sentence on what went wrong, on a line of its own."""
    say("")
    print(text, file=sys.stderr)


def command(words: list[str]) -> None:
    """Run the command that the first word names; without one, train a language model."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(__doc__.strip().replace("python -m engine.training", PROGRAM))
        print("\nFor a language model:\n\n" + parser_of(language.TASK).format_help().rstrip())
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


def parser_of(task: Task) -> Parser:
    """What may be said after a task's name."""
    parser = Parser(prog=f"{PROGRAM} {task.name}", description=f"Train {task.about}.", allow_abbrev=False)
    if task.reads:
        parser.add_argument("path", metavar=task.reads[0], help=task.reads[1])
    parser.add_argument("--name", required=True, type=plain_name, help="what the model is called")
    add(parser, (ABOUT if task.reads else {}) | COMMON | task.options | REPLACE)
    return parser


def parsed(task: Task, words: list[str]) -> argparse.Namespace:
    """What the words after a task ask for."""
    options = parser_of(task).parse_args(words)
    if task.reads and not options.about:
        options.about = f"the texts of {Path(options.path).resolve().stem}"
    return options


OTHERS = {"measure": measure.main, "english": english.main, "vectors": vectors.main}

if __name__ == "__main__":
    sys.exit(main())
