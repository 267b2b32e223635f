"""What several parts have: the job's bar, controls, examples, what to take along."""

from collections.abc import Callable, Sequence

from app import components
from app.settings import read
from app.text import say
from app.ui import jobs
from app.ui.controls import choice, number, text_field
from app.ui.page import columns, notice, put, text
from app.views.train.tune.charts import last_step
from app.views.train.tune.settings import Tune, all_of, decoders
from engine.training.jobs import Event
from engine.training.tuning.data import Example


def started(kind: str, label: str, settings: Callable[[Tune], dict]) -> list[Event]:
    """The bar of a job; the events of the visitor's, if there is one. Settings that cannot be used are told."""
    try:
        wanted, ready = settings(read(Tune)), True
    except ValueError as error:
        why = str(error)
        notice(why[:1].upper() + why[1:], "warning")
        wanted, ready = {}, False
    one = jobs.bar(kind, wanted, say("tune", label), lambda one: last_step(one.events), ready=ready)
    return list(one.events) if one else []


def usable(now: Tune) -> bool:
    """Whether all that was typed can be used."""
    try:
        return bool(all_of(now))
    except ValueError:
        return False


def pick_model() -> None:
    choice(say("tune", "models"), "tune.model", {name: name for name in decoders()})


def knobs(*names: str) -> None:
    """Controls side by side: those named."""
    for place, name in zip(columns(*[1] * len(names), align="end"), names, strict=True):
        with place:
            label = say("tune", f"set/{name}")
            if name in ("rate", "lora_rate", "rank"):
                text_field(label, f"tune.{name}", 40)
            else:
                number(label, f"tune.{name}")


def samples(examples: Sequence[Example], labels: Sequence[str], key: str) -> None:
    """Some examples with their labels, so that one sees what is learned."""
    rows = [[say("tune", f"label/{labels[one.label]}"), " → ".join(one.texts)] for one in examples]
    cells = [["tr", ["td", ["strong", label]], ["td", shown]] for label, shown in rows]
    put("text", f"samples-{key}", ["div", ["table", ["tbody", *cells]]])


def take_along(key: str, script: str) -> None:
    """A script that gives the same numbers, as a file."""
    header = {"acts": [("save", say("tune", "take"))], "words": {}, "file": f"{key}.py", "most": 0}
    components.sheet(f"take-{key}", header | {"text": script.lstrip()})
    text(say("tune", "take/say", file=f"{key}.py"))


SCRIPT = """
from pathlib import Path
from tempfile import mkdtemp

import torch

from engine.training.jobs import job

torch.set_num_threads(1)
for event in job({kind!r})({settings!r}, Path(mkdtemp())):
    if event["kind"] == "point":
        print({{name: event[name] for name in ("way", "count", "draw")}}, f"{{event['right'].mean():.3f}}")
    elif event["kind"] != "step":
        print({{name: x for name, x in event.items() if isinstance(x, str | int | float)}})
"""


def script(kind: str, settings: dict) -> str:
    return SCRIPT.format(kind=kind, settings=settings)
