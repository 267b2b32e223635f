"""The third step: best of n, PPO with its leash and without, and DPO, on one prompt and one budget."""

from app import jobs
from app.settings import read
from app.text import say
from app.ui.controls import choice, number, slider, text_field, unfold
from app.ui.jobs import bar
from app.ui.page import columns, notice, text
from app.ui.source import code
from app.ui.tables import table
from app.views.train.rewards import course, parts, step
from app.views.train.rewards.settings import NUMBER, TYPED, Rewards, asked
from engine.training.rewards.dpo import dpo_loss
from engine.training.rewards.ppo import advantages, clipped, leashed, ppo_loss
from engine.training.rewards.rejection import best_of
from engine.training.rewards.rule import RULES
from engine.training.rewards.settings import SOURCES


def draw() -> None:
    _controls()
    given, why = asked()
    if why:
        notice(why, "warning")
    one = bar("align", given, say("rewards", "policy/start"), _told, ready=not why)
    events = one.events if one else []
    if events:
        parts.changed(one.settings, given)
    if any(event["method"] == "base" for event in events):
        course.charts(events, one.settings)
        course.results(events, one.settings)
        course.hacking(events)
        step.draw(events, one.settings)
    else:
        parts.drawn(events, one.settings["prompt"] if one else "")
        text(say("rewards", "policy/before"))
        table(
            [say("rewards", "method"), say("rewards", "method/does"), say("rewards", "method/needs")],
            [
                [say("rewards", f"{where}/{name}") for where in ("method", "does", "needs")]
                for name in ("best", "ppo", "cut", "dpo")
            ],
        )
    parts.script("policy", "align", one.settings if one else given)
    code(leashed, advantages, clipped, ppo_loss, best_of, dpo_loss)


def _controls() -> None:
    now = read(Rewards)
    sources = {one: say("rewards", f"source/{one}") for one in SOURCES}
    choice(say("rewards", "source"), "rewards.source", sources)
    if now.source != "mine":
        choice(say("rewards", "rule"), "rewards.rule", {one: say("rewards", f"rule/{one}") for one in RULES})
    a, b, c = columns(3, 1, 1, align="end")
    with a:
        text_field(say("rewards", "prompt"), "rewards.prompt", TYPED)
    with b:
        text_field(say("rewards", "beta"), "rewards.beta", NUMBER)
    with c:
        number(say("rewards", "seed"), "rewards.seed")
    place, open = unfold("rewards-more", say("rewards", "more"))
    if open:
        with place:
            _more()


def _more() -> None:
    a, b, c = columns(1, 1, 1, align="end")
    with a:
        text_field(say("rewards", "rate"), "rewards.rate", NUMBER)
        slider(say("rewards", "texts"), "rewards.texts", 1)
    with b:
        text_field(say("rewards", "epsilon"), "rewards.epsilon", NUMBER)
        slider(say("rewards", "steps/count"), "rewards.steps", 1)
    with c:
        slider(say("rewards", "rankings"), "rewards.rankings", 1)
        slider(say("rewards", "length"), "rewards.length", 1)


def _told(one: jobs.Running) -> str:
    last = one.events[-1]
    values = dict(seconds=last["seconds"], step=last.get("step", 0), of=last.get("of", 0))
    return (
        say("rewards", f"now/{last['method']}", **values)
        if one.state != "done"
        else say("rewards", "now/done", **values)
    )
