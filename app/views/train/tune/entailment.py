"""Three scores on an encoder's [CLS]: does the second sentence follow from the first?"""

import numpy as np

from app import compute
from app.settings import read
from app.text import say
from app.ui.charts import by_itself
from app.ui.controls import number
from app.ui.figures import bars
from app.ui.page import columns, group, put, text
from app.ui.source import code
from app.views.train.tune import charts, common
from app.views.train.tune.settings import ENCODER, Tune, all_of
from engine.training.jobs import Event
from engine.training.tuning import runs
from engine.training.tuning.data import RELATIONS, entailment, overlap
from engine.training.tuning.head import Classifier, batch_of
from engine.training.tuning.jobs.entailment import PAIR_COUNTS

WAYS = ("all", "random")
RULES = ("words", "overlap", "hypothesis")


def wanted(now: Tune) -> dict:
    return all_of(now, model=ENCODER, ways=list(WAYS))


def draw() -> None:
    events = common.started("tune_entailment", "entailment/start", wanted)
    left, right = columns(3, 2)
    with left:
        _chart(events)
        text(_verdict(events))
        text(charts.simple("entailment", PAIR_COUNTS, read(Tune).draws))
    with right:
        _pair(events)
    with group("set", border=True):
        common.knobs("draws", "steps", "rate")
    if common.usable(read(Tune)):
        common.take_along("entailment", common.script("tune_entailment", wanted(read(Tune))))
    code(Classifier, runs.step, overlap)


def _chart(events: list[Event]) -> None:
    draws = events[0]["draws"] if events else read(Tune).draws
    rules = charts.rules("entailment", PAIR_COUNTS, draws)
    found = {way: charts.points(events, way, "entailment") for way in WAYS}
    lines = [charts.line(say("tune", f"rule/{name}"), rules[name], bars=False) for name in RULES]
    lines += [
        charts.line(say("tune", f"entailment/{way}"), some, i)
        for i, (way, some) in enumerate(found.items())
        if some
    ]
    foot = say("tune", "foot", held=len(entailment().held), draws=draws)
    title, y = say("tune", "entailment/chart"), say("tune", "axis/right")
    x = say("tune", "axis/pairs")
    counts = PAIR_COUNTS
    charts.over_examples("entailment", title, lines, counts, y, x_name=x, foot=foot, least=0.1, model=ENCODER)


def _verdict(events: list[Event]) -> str:
    found = charts.points(events, "all", "entailment")
    if not found:
        return say("tune", "entailment/before")
    last = found[-1]
    rules = charts.rules("entailment", PAIR_COUNTS, events[0]["draws"])
    best = max(
        (each for name in RULES for each in rules[name] if each.count == last.count), key=lambda one: one.share
    )
    key = "above" if last.low > best.share else "same" if last.low > 1 / 3 else "chance"
    return say("tune", f"entailment/verdict/{key}", n=last.count, told=last.told, best=best.share)


def _pair(events: list[Event]) -> None:
    """One held-out pair as the model reads it, and its three scores after the last fine-tuning."""
    now, held = read(Tune), entailment().held
    number(say("tune", "entailment/which", last=len(held) - 1), "tune.matrix")
    one = held[min(now.matrix, len(held) - 1)]
    model = compute.model(ENCODER)
    ids = batch_of(model, [one]).ids[0].tolist()
    shown = [model.tokenizer.shown(id).decode() for id in ids]
    put("text", "pair", ["div", ["p", ["strong", shown[0]], " " + " ".join(shown[1:])]])
    text(say("tune", "entailment/truth", label=say("tune", f"label/{RELATIONS[one.label]}")))
    points = [event for event in events if event["kind"] == "point" and event["way"] == "all"]
    if not points:
        return text(say("tune", "entailment/scores"))
    most = max(points, key=lambda event: event["count"])
    shares = np.asarray(most["shares"])[min(now.matrix, len(held) - 1)]
    rows = [
        {"label": say("tune", f"label/{name}"), "value": float(x), "mark": i == one.label}
        for i, (name, x) in enumerate(zip(RELATIONS, shares, strict=True))
    ]
    title = say("tune", "entailment/answer", n=most["count"])
    figure = bars(
        rows, say("tune", "entailment/label"), say("tune", "entailment/probability"), height=90, percent=True
    )
    by_itself("answer", title, figure, model=ENCODER)
