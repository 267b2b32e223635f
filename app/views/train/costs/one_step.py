"""One step of one coordinate by hand, from all gradients before it."""

import math

import numpy as np

from app import components, compute
from app.settings import read
from app.text import say
from app.ui.controls import choice
from app.ui.frame import written
from app.ui.page import columns, text
from app.views.train.costs.settings import Costs
from engine.training.landscape import Way
from engine.training.optimizers import OPTIMIZERS
from engine.worked import Check
from engine.worked.optimizers import TINY, Step, check_step, work_clip, work_step


def draw(way: Way, at: int, asked: dict) -> None:
    text(say("costs", "step/title"))
    a, b = columns(2, 1)
    with a:
        names = {name: say("costs", f"name/{name}") for name in OPTIMIZERS}
        choice(say("costs", "of/judged"), "costs.judged", names)
    with b:
        choice(say("costs", "of/axis"), "costs.axis", {"a": "a", "b": "b"})
    now = read(Costs)
    t = max(1, min(at, len(way.points) - 1))
    if len(way.points) < 2:
        return text(say("costs", "step/none"))
    worked, shown = by_hand(way, now.judged, "ab".index(now.axis), t, asked)
    text(say("costs", "step/lead", name=say("costs", f"name/{now.judged}"), axis=now.axis, t=t))
    _clipped(way, t, asked["clip"])
    for i, line in enumerate(worked.lines):
        for place, latex, kind in zip(columns(2, 3), line, ("symbols", "numbers"), strict=True):
            with place:
                components.formula(f"formula-{kind}-{i}", compute.formula(latex))
    _light(check_step(worked, shown), way.away, worked.value, shown)


def _light(check: Check, torchs: float, value: float, shown: float) -> None:
    """Whether the second route agrees, and torch's own optimizer with it."""
    green = check.ok and torchs <= check.allowed
    told = {name: written(x, digits) for name, x, digits in (
        ("value", value, 8), ("shown", shown, 8), ("away", check.largest, 1), ("torch", torchs, 1)
    )}  # fmt: skip
    header = {"name": "costs-step", "ask": False, "button": "", "ok": green}
    header["say"] = say("costs", "step/agrees" if green else "step/differs", **told)
    components.rest("light-step", header, lambda name: None)


def by_hand(way: Way, name: str, axis: int, t: int, asked: dict) -> tuple[Step, float]:
    """The step to point t along one axis, worked out, and where the optimizer went."""
    gradients = way.gradients[:t]
    if asked["clip"]:
        gradients = np.array([work_clip(g, asked["clip"])[1] for g in gradients])
    numbers = {key: asked[key] for key in ("rate", "beta1", "beta2")}
    before = float(way.points[t - 1][axis])
    decay = asked["decay"] if name == "adamw" else 0.0
    return work_step(name, before, gradients[:, axis], **numbers, decay=decay), float(way.points[t][axis])


def _clipped(way: Way, t: int, most: float) -> None:
    """What clipping did to the gradient of this step."""
    if not most or not math.isfinite(norm := float(np.hypot(*way.gradients[t - 1]))):
        return
    scaled = work_clip(way.gradients[t - 1], most)[1]
    key = "step/clipped" if norm > most else "step/not clipped"
    share = min(1.0, most / (norm + TINY))
    text(say("costs", key, norm=norm, most=most, after=math.hypot(*scaled), share=share))
