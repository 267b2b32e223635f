"""The kinds of training that there are, by their names."""

from engine.training import captions, digits, encoder, language, translation

TASKS = {module.TASK.name: module.TASK for module in (language, encoder, translation, digits, captions)}
