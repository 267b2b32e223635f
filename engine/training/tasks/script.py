"""A run as a script: the same numbers without the page."""

from dataclasses import fields

from engine.training.tasks.task import Recipe

BODY = '''"""The same run without the page: python {name}"""

from pathlib import Path

from engine.training.tasks import {kinds}
from engine.training.tasks.saving import write

{task}
recipe = Recipe({recipe})
lesson = Lesson({made}, recipe)
rates = {changes}  # after how many steps the rate was changed, and to what
while lesson.done < {steps}:
    if lesson.done in rates:
        lesson.change_rate(rates[lesson.done])
    loss = lesson.step()
    if lesson.done % 100 == 0 or lesson.done == {steps}:
        print(lesson.done, loss, lesson.score())
write(lesson, Path("lesson.safetensors"))
'''


def script(
    task: str, recipe: Recipe, steps: int, changes: list[tuple[int, float]], name: str = "lesson.py"
) -> str:
    """A script that learns the same; of a text, it reads the text from corpus.txt beside it."""
    text = task == "text"
    told = {
        one.name: getattr(recipe, one.name)
        for one in fields(Recipe)
        if getattr(recipe, one.name) != one.default
    }
    return BODY.format(
        name=name,
        kinds="Corpus, Lesson, Recipe" if text else "TASKS, Lesson, Recipe",
        task='corpus = Path("corpus.txt").read_text("utf-8")' if text else f'task = TASKS["{task}"]',
        made="Corpus(corpus, recipe)" if text else "task",
        recipe=", ".join(f"{key}={value!r}" for key, value in told.items()),
        changes=dict(changes),
        steps=steps,
    )
