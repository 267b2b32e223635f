"""The three steps, one at a time."""

from app.settings import read
from app.text import say
from app.ui.controls import choice
from app.ui.page import group, text
from app.views.train.rewards import examples, judge, policy
from app.views.train.rewards.settings import STEPS, Rewards

DRAW = {"examples": examples.draw, "judge": judge.draw, "policy": policy.draw}


def draw() -> None:
    step = read(Rewards).step
    choice(say("rewards", "steps"), "rewards.step", {one: say("rewards", f"{one}/name") for one in STEPS})
    with group(f"rewards-{step}"):
        text(say("rewards", f"{step}/lead"))
        DRAW[step]()
        text(say("rewards", f"{step}/toy"))
