"""The first step: the base model and one that has learned from demonstrations answer the same requests."""

from app import compute, jobs
from app.settings import read
from app.shared import shared
from app.text import say
from app.ui.charts import by_itself
from app.ui.controls import number, text_field, unfold
from app.ui.figures import graph, series
from app.ui.jobs import bar
from app.ui.page import columns, notice, text
from app.ui.source import code
from app.ui.tables import table
from app.views.train.rewards import parts
from app.views.train.rewards.settings import TYPED, Rewards, sentence
from engine.training.rewards.settings import MODEL
from engine.training.rewards.supervised import (
    HELD_OUT,
    answer,
    answer_loss,
    batch_of,
    check_request,
    demonstrations,
)

SHOWN = 4  # demonstrations in sight


def draw() -> None:
    now = read(Rewards)
    a, b = columns(3, 1, align="end")
    with a:
        text_field(say("rewards", "request"), "rewards.request", TYPED)
    with b:
        number(say("rewards", "passes"), "rewards.passes")
    given, why = {"request": now.request, "passes": now.passes, "seed": now.seed}, refused(now.request)
    if why:
        notice(why, "warning")
    one = bar("supervised", given, say("rewards", "examples/start"), _told, ready=not why)
    events = one.events if one else []
    _answers(now.request, why, one.settings["request"] if one else "", events)
    if len(events) > 1:
        _curves(events)
    _demonstrations()
    parts.script("demonstrations", "supervised", one.settings if one else given)
    code(batch_of, answer_loss)


def refused(request: str) -> str:
    """A sentence where a request cannot be read."""
    try:
        check_request(compute.model(MODEL), request)
    except ValueError as error:
        return sentence(error)
    return ""


def _demonstrations() -> None:
    all = demonstrations()
    learned = all[:-HELD_OUT]
    some = learned[:: len(learned) // SHOWN][:SHOWN]
    text(say("rewards", "examples/some", n=len(learned), held=HELD_OUT))
    heads = [say("rewards", "examples/request"), say("rewards", "examples/answer")]
    table(heads, [[parts.quoted(cell) for cell in pair] for pair in some], right=9)
    place, open = unfold("demonstrations", say("rewards", "examples/all"))
    if open:
        with place:
            table(heads, [[parts.quoted(cell) for cell in pair] for pair in all], right=9)


@shared(200)
def _base_answer(request: str) -> tuple[str, bool]:
    return answer(compute.model(MODEL), request)


def _told(one: jobs.Running) -> str:
    last = one.events[-1]
    return say("rewards", "examples/told", step=last["step"], of=last["of"], seconds=last["seconds"])


def _answers(request: str, why: str, asked: str, events: list[dict]) -> None:
    """Side by side; what the tuned model says is not known before it has learned."""
    heads = [say("rewards", f"examples/{name}") for name in ("request", "base", "tuned")]
    found = events[-1].get("answers", []) if events else []
    rows = [[parts.quoted(one["request"]), _said(*one["base"]), _said(*one["tuned"])] for one in found]
    if not why and (not found or request != asked):
        rows.insert(
            0, [parts.quoted(request), _said(*_base_answer(request)), say("rewards", "examples/not yet")]
        )
    table(heads, rows, right=9)
    text(say("rewards", "examples/format"))


def _said(written: str, ended: bool) -> str:
    return parts.quoted(written) + say("rewards", "examples/ended" if ended else "examples/going on")


def _curves(events: list[dict]) -> None:
    """The loss on what it learns from and on what is held out."""
    learned = [event for event in events if "loss" in event]
    held = [event for event in events if "answers" not in event]
    lines = [
        series(say("rewards", "examples/learned"), [e["step"] for e in learned], [e["loss"] for e in learned]),
        series(say("rewards", "examples/held"), [e["step"] for e in held], [e["held"] for e in held]),
    ]
    lines = [line for line in lines if len(line.x)]
    title = say("rewards", "examples/curves")
    by_itself("examples", title, graph(lines, say("rewards", "step"), say("rewards", "bits"), zero=True))
    best = min(held, key=lambda event: event["held"])
    values = dict(first=held[0]["held"], best=best["held"], at=best["step"], last=held[-1]["held"])
    text(say("rewards", "examples/held out", **values))
