"""Long computing in a process of its own: a job tells events while it runs, and can be asked for changes.

    def job(settings: dict, folder: Path) -> Iterator[Event]:
        model = …                                   # `folder` is its own, for files
        while …:
            asked = yield {"step": 12, "loss": 1.4, "weights": array}

kinds.py lists the jobs, messages.py is how events travel, __main__.py is the process.
"""

from engine.training.jobs.kinds import KINDS, job
from engine.training.jobs.messages import Event, read, write

__all__ = ["KINDS", "Event", "job", "read", "write"]
