"""Which jobs there are: where each one's generator function stands."""

from collections.abc import Callable, Generator
from importlib import import_module
from pathlib import Path

from engine.training.jobs.messages import Event

Job = Callable[[dict, Path], Generator[Event, dict, None]]

KINDS: dict[str, str] = {
    "lesson": "engine.training.tasks.live:job",
    "landscape": "engine.training.landscape:job",
    "scaling": "engine.training.costs.runs:job",
    "tune": "engine.training.tuning.jobs.curves:curves",
    "tune_options": "engine.training.tuning.jobs.options:options",
    "tune_lora": "engine.training.tuning.jobs.adapter:adapter",
    "tune_digits": "engine.training.tuning.jobs.digits:reconstructed",
    "tune_images": "engine.training.tuning.jobs.digits:images",
    "tune_entailment": "engine.training.tuning.jobs.entailment:related",
    "supervised": "engine.training.rewards.supervised:supervised",
    "judge": "engine.training.rewards.job:judge",
    "align": "engine.training.rewards.job:align",
}


def job(kind: str) -> Job:
    """The generator function of a kind of job."""
    module, _, function = KINDS[kind].partition(":")
    return getattr(import_module(module), function)
