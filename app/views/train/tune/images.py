"""A vision transformer that is pre-trained on more and more images, then learns other digits from few."""

from dataclasses import replace

import numpy as np

from app.settings import read
from app.shared import shared
from app.text import say
from app.ui.page import group, text
from app.ui.source import code
from app.views.train.tune import charts, common
from app.views.train.tune.settings import Tune
from engine.training.jobs import Event
from engine.training.tuning import pictures
from engine.training.tuning.jobs.digits import PRETRAINED

NOTHING = 10  # where no images at all stand on the axis


def wanted(now: Tune) -> dict:
    return {"draws": now.image_draws, "each": now.each}


@shared(50)
def rule(each: int, draws: int) -> charts.Point:
    """The baseline: the nearest average of the labelled 5 to 9."""
    data = pictures.split()
    right = [pictures.new_by_average(data, data.drawn(each, draw)) for draw in range(draws)]
    return charts.point(0, np.stack(right).astype(np.uint8).tobytes(), draws, "")


def draw() -> None:
    events = common.started("tune_images", "images/start", wanted)
    _chart(events)
    with group("set", border=True):
        common.knobs("each", "image_draws")
    common.take_along("images", common.script("tune_images", wanted(read(Tune))))
    code(pictures.vit_pretrain, pictures.vit_named, pictures.new_by_average)


def _chart(events: list[Event]) -> None:
    now, found = read(Tune), charts.points(events, "vit")
    draws = events[0]["draws"] if events else now.image_draws
    average = rule(events[0]["each"] if events else now.each, draws)
    ends = (PRETRAINED[0], PRETRAINED[-1])
    flat = [replace(average, count=n) for n in ends]
    lines = [
        charts.line(say("tune", "digits/average"), flat, bars=False, nothing=NOTHING),
        *([charts.line(say("tune", "images/vit"), found, nothing=NOTHING)] if found else []),
    ]
    charts.over_examples(
        "images",
        say("tune", "images/chart"),
        lines,
        PRETRAINED,
        say("tune", "axis/right"),
        x_name=say("tune", "axis/pretrained"),
        foot=say("tune", "foot", held=average.held, draws=draws),
        least=0.2,
        nothing=NOTHING,
    )
    text(_verdict(found, average))


def _verdict(found: list[charts.Point], average: charts.Point) -> str:
    """Has pre-training paid, and does the transformer do better than the rule?"""
    none, most = ([one for one in found if one.count == n] for n in (PRETRAINED[0], PRETRAINED[-1]))
    if not none or not most:
        return say("tune", "images/before", most=PRETRAINED[-1], average=average.told)
    (none,), (most,) = none, most
    told = dict(none=none.told, n=most.count, most=most.told, average=average.told)
    keys = f"images/verdict/{most.beside(none)}", "images/rule", f"images/rule/{average.beside(most)}"
    return " ".join(say("tune", key, **told) for key in keys)
