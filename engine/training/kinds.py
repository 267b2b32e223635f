"""The kinds of training that there are, by their names."""

from engine.training import captions, digits, encoder, language, positions, spans, translation

KINDS = (language, encoder, spans, translation, digits, captions, positions)
TASKS = {module.TASK.name: module.TASK for module in KINDS}
