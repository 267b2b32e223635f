"""Backpropagation: on single numbers, by modules, and three ways beside each other."""

from app import settings
from app.text import say
from app.ui.controls import choice
from app.ui.page import group
from app.views.train.backprop import modules, scalar, ways
from app.views.train.backprop.settings import Backprop

DRAW = {"scalar": scalar.draw, "modules": modules.draw, "ways": ways.draw}


def draw() -> None:
    choice(say("backprop", "views"), "backprop.show", {name: say("backprop", f"view/{name}") for name in DRAW})
    now = settings.read(Backprop)
    with group(f"backprop-{now.show}"):
        DRAW[now.show](now)
