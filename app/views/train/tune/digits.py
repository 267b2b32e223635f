"""Autoencoder pre-training: reconstruct digits without labels, then name them from few labels."""

import numpy as np

from app import components
from app.settings import read
from app.shared import shared
from app.text import say
from app.ui.charts import by_itself
from app.ui.figures import graph, series
from app.ui.page import columns, group, keep, text
from app.ui.source import code
from app.views.train.tune import charts, common
from app.views.train.tune.settings import Tune
from engine.training.jobs import Event
from engine.training.tuning import pictures
from engine.training.tuning.jobs.digits import EACH

WAYS = ("pretrained", "random")
COUNTS = [pictures.CLASSES * each for each in EACH]
SIDE = 8
MOST = 0.7  # of the axis: with one image of each digit less is wrong


def wanted(now: Tune) -> dict:
    return {"draws": now.image_draws, "pre": pictures.PRE_STEPS}


@shared(10)
def average(draws: int) -> list[charts.Point]:
    """The baseline: the nearest average of each digit's labelled images."""
    data, found = pictures.split(), []
    for each, count in zip(EACH, COUNTS, strict=True):
        right = [pictures.nearest_average(data, data.drawn(each, draw)) for draw in range(draws)]
        found.append(charts.point(count, np.stack(right).astype(np.uint8).tobytes(), draws, ""))
    return found


def draw() -> None:
    events = common.started("tune_digits", "digits/start", wanted)
    left, right = columns(3, 2)
    with left:
        _chart(events)
        text(_verdict(events))
    with right:
        _images(events)
        _losses(events)
    text(
        say(
            "tune",
            "digits/setting",
            put_out=pictures.PUT_OUT,
            steps=pictures.PRE_STEPS,
            fine=pictures.FINE_STEPS,
        )
    )
    with group("set", border=True):
        common.knobs("image_draws")
    common.take_along("digits", common.script("tune_digits", wanted(read(Tune))))
    code(pictures.Autoencoder, pictures.pretrain, pictures.named)


def _chart(events: list[Event]) -> None:
    """The error over the labelled images, as the lecture's chart has it."""
    draws = events[0]["draws"] if events else read(Tune).image_draws
    found = {way: charts.points(events, way) for way in WAYS}
    lines = [charts.line(say("tune", "digits/average"), average(draws), -1, error=True)]
    lines += [
        charts.line(say("tune", f"digits/{way}"), some, i, error=True)
        for i, (way, some) in enumerate(found.items())
        if some
    ]
    foot = say("tune", "foot", held=pictures.HELD_OUT, draws=draws)
    title, y = say("tune", "digits/chart"), say("tune", "axis/wrong")
    charts.over_examples(
        "digits", title, lines, COUNTS, y, x_name=say("tune", "axis/images"), foot=foot, least=0.0, most=MOST
    )


def _verdict(events: list[Event]) -> str:
    found = {way: {one.count: one for one in charts.points(events, way)} for way in WAYS}
    counts = set.intersection(*(set(each) for each in found.values()))
    if not counts:
        return say("tune", "digits/before")
    rule, told = {one.count: one for one in average(events[0]["draws"])}, []
    for count in sorted({min(counts), max(counts)}):
        errors = {way: 1 - found[way][count].share for way in WAYS} | {"average": 1 - rule[count].share}
        told.append(say("tune", "digits/verdict", n=count, **errors))
    return " ".join(told)


def _losses(events: list[Event]) -> None:
    steps = [event for event in events if event["kind"] == "pre"]
    if not steps:
        return
    x = [event["step"] for event in steps]
    lines = [
        series(say("tune", f"digits/{name}"), x, [event[name] for event in steps]) for name in ("loss", "held")
    ]
    title = say("tune", "digits/losses")
    figure = graph(lines, say("tune", "axis/step"), "‖x − x′‖²", height=180, zero=True)
    by_itself("pre", title, figure)


def _images(events: list[Event]) -> None:
    """Held-out digits, and what is made of them as it learns."""
    last = next((event for event in reversed(events) if event["kind"] == "pre"), None)
    first = pictures.split().shown().numpy()
    rows = [("truth", first)] + ([("shown", last["shown"])] if last else [])
    for key, pixels in rows:
        strip = np.concatenate([one.reshape(SIDE, SIDE) for one in pixels], 1).astype(np.float32)
        keep(f"digits-{key}", strip.clip(0, 1)[None])
        title = say("tune", f"digits/{key}", step=last["step"] if last else 0)
        header = {
            "src": f"digits-{key}",
            "title": title,
            "aria": title,
            "scale": "sequential",
            "max": 1.0,
            "height": 70,
            "axes": "RC",
            "rows": [str(i) for i in range(strip.shape[0])],
            "cols": [str(i) for i in range(strip.shape[1])],
            "rowName": say("tune", "digits/row"),
            "colName": say("tune", "digits/column"),
            "bare": True,
            "foot": "",
            "model": "",
        }
        components.matrix(f"matrix-digits-{key}", header)
