"""The kinds of training that there are, by their names."""

from engine.training import captions, digits, encoder, language, spans, translation

TASKS = {module.TASK.name: module.TASK for module in (language, encoder, spans, translation, digits, captions)}
