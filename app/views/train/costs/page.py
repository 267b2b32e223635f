"""What it costs: memory, optimizers, the rate's schedule, scaling, operations."""

from app.settings import read
from app.text import say
from app.ui.controls import choice
from app.ui.page import group
from app.views.train.costs import flops, landscape, memory, scaling, schedule
from app.views.train.costs.settings import PARTS, Costs

DRAW = {
    "memory": memory.draw,
    "optimizers": landscape.draw,
    "schedule": schedule.draw,
    "scaling": scaling.draw,
    "flops": flops.draw,
}


def draw() -> None:
    choice(say("costs", "parts"), "costs.part", {part: say("costs", f"{part}/name") for part in PARTS})
    part = read(Costs).part
    with group(f"costs-{part}"):
        DRAW[part]()
