"""Small tasks that a small transformer learns in a minute: copy, reverse, sort, add, count, …

    python -m engine.training.tasks                            the list
    python -m engine.training.tasks reverse --seconds 60       learn one

task.py says what a task is, examples.py lists them, corpus.py makes one of a text, batches.py turns examples
into ids, lesson.py learns, saving.py keeps a lesson in a file, live.py tells it while it goes, weight.py works
one weight of one step by hand.
"""

from engine.training.tasks.corpus import CORPUS, Corpus
from engine.training.tasks.examples import TASKS
from engine.training.tasks.lesson import Lesson
from engine.training.tasks.task import Recipe, Task

__all__ = ["CORPUS", "TASKS", "Corpus", "Lesson", "Recipe", "Task"]
