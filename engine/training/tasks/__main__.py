"""Learn a small task on the command line.

python -m engine.training.tasks                       the list of tasks
python -m engine.training.tasks NAME --seconds 60     learn one, and say how well
python -m engine.training.tasks NAME --json           the same for machines
"""

import argparse
import json
import sys
import time
from dataclasses import replace

from engine.device import choose
from engine.training.options import Parser, real
from engine.training.progress import say, show
from engine.training.tasks import TASKS, Lesson, Task
from engine.training.tasks.lesson import Score
from engine.training.tasks.words import words_of

ENOUGH = 0.999  # exact answers at which a task counts as learned, and the lesson ends
ASKED_EVERY = 100  # steps


def main(words: list[str] | None = None) -> int:
    """What was asked for on the command line; the exit status."""
    options = _parser().parse_args(sys.argv[1:] if words is None else words)
    if options.name is None:
        _list(options.json)
        return 0
    task = TASKS[options.name]
    lesson, score = learn(task, options.seconds or task.seconds, options.seed, quiet=options.json)
    _tell(result(lesson, score), options.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m engine.training.tasks", description="Learn a small task.", allow_abbrev=False
    )
    parser.add_argument("name", nargs="?", choices=TASKS, metavar="NAME", help=f"one of {', '.join(TASKS)}")
    parser.add_argument(
        "--seconds", type=real(0.1, 86_400), help="how long to learn at most (the task's own time)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random start and of the examples (0)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    return parser


def learn(task: Task, seconds: float, seed: int = 0, quiet: bool = True) -> tuple[Lesson, Score]:
    """Learn until the held-out examples are answered, the recipe has no more steps, or the time is over."""
    lesson = Lesson(task, replace(task.recipe, seed=seed), choose())
    until = time.monotonic() + seconds
    score = lesson.score()
    while lesson.done < lesson.recipe.steps and time.monotonic() < until and score.exact < ENOUGH:
        loss = lesson.step()
        if lesson.done % ASKED_EVERY == 0:
            score = lesson.score()
        if not quiet:
            show(f"step {lesson.done:,}: loss {loss:.3f} nats, {score.exact:.1%} of held-out answers right")
    return lesson, lesson.score()


def result(lesson: Lesson, score: Score) -> dict:
    """What is printed of a lesson."""
    return {
        "task": lesson.task.name,
        "parameters": lesson.parameters,
        "steps": lesson.done,
        "seconds": round(lesson.seconds, 1),
        "loss": score.loss,
        "accuracy": score.exact,
        "held_out": score.count,
        "guess": lesson.guess(),
    }


def _tell(found: dict, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found))
        return
    say("")
    print(
        "{task}: {parameters:,} parameters, {steps:,} steps in {seconds} s; on {held_out} held-out examples"
        " {accuracy:.1%} exact (guessing the commonest answer: {guess:.1%}), loss {loss:.4f} nats".format(
            **found
        )
    )


def _list(as_json: bool) -> None:
    if as_json:
        told = [
            {"task": name, "about": words_of(name)["about"], "seconds": task.seconds}
            | {"fails": words_of(name)["fails"]}
            for name, task in TASKS.items()
        ]
        print(json.dumps(told))
        return
    for name, task in TASKS.items():
        print(f"{name:<26}{words_of(name)['about']}" + " (known to fail)" * task.fails)


if __name__ == "__main__":
    sys.exit(main())
