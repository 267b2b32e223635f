"""Operations of the lectures' trainings, and days of a device."""

import numpy as np

from app.shared import shared
from app.text import counted, say
from app.ui.charts import by_itself
from app.ui.figures import graph, series
from app.ui.page import columns, text
from app.ui.source import code
from app.ui.tables import table
from app.views.train.costs.settings import DECODERS, typed
from app.views.train.costs.shown import heads, scientific
from engine.training.costs import runs
from engine.training.costs.flops import PER_PARAMETER, Training, trainings

TERA = 1e12
CLUSTER = 24_576  # GPUs: assets/examples/facts_hardware
H100 = 989e12  # FLOPs a second in 16 bits, without sparsity: NVIDIA's data sheet
CARD_HOURS = {"Llama 3 8B": 1.3e6, "Llama 3 70B": 6.4e6}  # GPU hours: Meta's model card of Llama 3


@shared()
def _trainings() -> list[Training]:
    return trainings()


@shared()
def _ours() -> list[tuple[runs.Finished, float, str]]:
    """The shipped decoders, with the seconds that they took and on what."""
    found = [one for one in runs.finished() if one.name in DECODERS]
    return [(one, runs.curve(one.name).seconds, runs.curve(one.name).device) for one in found]


def draw() -> None:
    left, right = columns(5, 3)
    with right:
        speed = typed("speed", 1e-6, 1e6) * TERA
        share = typed("kept_up", 0.01, 100) / 100
        many = typed("many", 1, 1e7, whole=True)
        text(say("costs", "flops/speed"))
    with left:
        _drawn(_trainings())
    _table(speed, share, many)
    _slides(speed, share)
    _own()
    code(Training)


def _drawn(found: list[Training]) -> None:
    """Tokens against parameters, and where twenty tokens stand for each parameter."""
    n = np.array([one.n for one in found])
    d = np.array([one.d for one in found])
    points = series(say("costs", "flops/models"), n, d, [one.name for one in found])
    points.mode, ends = "markers", np.geomspace(n.min() / 2, n.max() * 2, 40)
    line = series(say("costs", "flops/twenty", n=PER_PARAMETER), ends, PER_PARAMETER * ends)
    marks = [(one.n, one.d, one.name) for one in found if one.name in ("GPT-3", "Llama 3 70B", "BERT large")]
    figure = graph([points, line], "N", "D", log=True, marks=marks, height=300)
    figure.layout.yaxis.update(type="log", rangemode=None, dtick=1)
    by_itself("flops", say("costs", "flops/picture"), figure)


def _table(speed: float, share: float, many: int) -> None:
    rows = []
    for one in _trainings():
        told = f"{scientific(one.told)} ({one.told_from})" if one.told else "–"
        sizes = [
            one.name,
            counted(round(one.n)),
            counted(round(one.d)),
            one.d_from,
            scientific(one.flops),
            told,
        ]
        rows.append([*sizes, f"{one.days(speed, share):,.0f}", f"{one.days(speed, share, many):,.3g}"])
    text(say("costs", "flops/table", speed=speed / TERA, share=share, many=f"{many:,}"))
    table(["", "N", "D", *heads("from", "6ND", "said", "days", "days of all")], rows, right=9)


def _slides(speed: float, share: float) -> None:
    found = {one.name: one for one in _trainings()}
    small, large = (found[name] for name in CARD_HOURS)
    days = dict(small=small.days(speed, share, CLUSTER), large=large.days(speed, share, CLUSTER))
    kept = [one.flops / (CARD_HOURS[one.name] * 3600 * H100) for one in (small, large)]
    text(say("costs", "flops/slides", **days, small_kept=kept[0], large_kept=kept[1]))


def _own() -> None:
    """The shipped models: their operations by the rule, and what the machine did in a second."""
    rows = []
    for one, seconds, device in _ours():
        flops = 6 * one.n * one.tokens
        rows.append(
            [one.name, f"{one.n:,}", counted(one.tokens), scientific(flops), f"{seconds / 60:,.0f}", device]
        )
        rows[-1].append(f"{flops / seconds / 1e9:.1f}")
    text(say("costs", "flops/own"))
    table(["", "N", "D", *heads("6ND", "minutes", "on", "a second")], rows)
