"""Which jobs there are: where each one's generator function stands."""

from collections.abc import Callable, Generator
from importlib import import_module
from pathlib import Path

from engine.training.jobs.messages import Event

Job = Callable[[dict, Path], Generator[Event, dict, None]]

KINDS: dict[str, str] = {
    "supervised": "engine.training.rewards.supervised:supervised",
    "judge": "engine.training.rewards.job:judge",
    "align": "engine.training.rewards.job:align",
}


def job(kind: str) -> Job:
    """The generator function of a kind of job."""
    module, _, function = KINDS[kind].partition(":")
    return getattr(import_module(module), function)
