"""Small tasks that a small transformer learns in a minute: copy, reverse, sort, add, count, …

    python -m engine.training.tasks                            the list
    python -m engine.training.tasks reverse --seconds 60       learn one

task.py says what a task is, examples.py lists them, batches.py turns examples into ids, lesson.py learns.
"""

from engine.training.tasks.examples import TASKS
from engine.training.tasks.lesson import Lesson
from engine.training.tasks.task import Recipe, Task

__all__ = ["TASKS", "Lesson", "Recipe", "Task"]
