"""Four ways to learn from the same labelled reviews, beside the simplest rules."""

from collections.abc import Sequence

from app.settings import read
from app.text import say
from app.ui.page import columns, group, text
from app.ui.source import code
from app.ui.tables import table
from app.views.train.tune import charts, common
from app.views.train.tune.settings import Tune, all_of, numbers_of
from engine.training.jobs import Event
from engine.training.tuning import runs
from engine.training.tuning.data import Labelled, bag_of_words, reviews
from engine.training.tuning.head import Classifier
from engine.training.tuning.jobs.curves import COUNTS

SHOWN = 6  # reviews as examples


def draw() -> None:
    events = common.started("tune", "ways/start", all_of)
    now = read(Tune)
    left, right = columns(3, 2)
    with left:
        _chart(now, events)
        text(_verdict(now, events))
        text(charts.simple("reviews", COUNTS, now.draws))
    with right:
        _table(now, events)
        common.samples(_few(), reviews().labels, "ways")
        text(say("tune", "ways/set", n=len(reviews().train), held=len(reviews().held)))
    _forgot(events)
    with group("set", border=True):
        common.pick_model()
        common.knobs("draws", "steps", "rate", "lora_rate", "rank")
    if common.usable(now):
        common.take_along("ways", common.script("tune", all_of(now)))
    code(runs.tune, runs.step, Classifier, Labelled.drawn, bag_of_words)


def _few():
    return [one for one in reviews().train if len(one.text) < 60][:SHOWN]


def _chart(now: Tune, events: list[Event]) -> None:
    """Accuracy over the number of examples: the ways as far as they have come, and the rules."""
    draws = events[0]["draws"] if events else now.draws
    rules = charts.rules("reviews", COUNTS, draws)
    lines = [charts.line(say("tune", "rule/words"), rules["words"], -2)]
    lines += [charts.line(say("tune", "rule/commonest"), rules["commonest"], bars=False)]
    for i, way in enumerate(runs.WAYS):
        if found := charts.points(events, way, "reviews"):
            lines.append(charts.line(say("tune", f"way/{way}"), found, i - 1))
    foot = say("tune", "foot", held=len(reviews().held), draws=draws)
    y, title = say("tune", "axis/right"), say("tune", "ways/chart")
    model = events[0]["model"] if events else now.model
    charts.over_examples("ways", title, lines, COUNTS, y, foot=foot, least=0.4, model=model)


def _verdict(now: Tune, events: list[Event]) -> str:
    """What the curves say at the largest number of examples that all have reached, a sentence."""
    found = {way: {one.count: one for one in charts.points(events, way, "reviews")} for way in runs.WAYS}
    if not events:
        return say("tune", "ways/before", model=now.model)
    count = max(set.intersection(*map(set, found.values())), default=0)
    if not count:
        return say("tune", "ways/during", n=COUNTS[-1])
    best = max(found, key=lambda way: found[way][count].share)
    words = next(
        one for one in charts.rules("reviews", COUNTS, events[0]["draws"])["words"] if one.count == count
    )
    one = found[best][count]
    key = "above" if one.low > words.share else "same"
    told = dict(n=count, way=say("tune", f"way/{best}"), told=one.told, words=words.told)
    read, new = found["all"][count], found["random"][count]
    worth = say("tune", f"ways/worth/{read.beside(new)}", all=read.told, random=new.told)
    return f"{say('tune', f'ways/verdict/{key}', **told)} {worth}"


def _table(now: Tune, events: Sequence[Event]) -> None:
    """What each way trains, and what it cost."""
    numbers = events[0]["numbers"] if events else numbers_of(now)
    heads = [say("tune", f"ways/head/{name}") for name in ("way", "numbers", "seconds", "memory")]
    rows = []
    for way in runs.WAYS:
        points = [event for event in events if event["kind"] == "point" and event["way"] == way]
        last = max(points, key=lambda event: event["count"], default=None)
        trained = say("tune", "count", n=numbers[way]) if way in numbers else "–"
        cost = [
            say("tune", "seconds", s=last["seconds"]) if last else "–",
            say("tune", "bytes", n=last["memory"]) if last else "–",
        ]
        rows.append([say("tune", f"way/{way}"), trained, *cost])
    table(heads, rows)


def _forgot(events: Sequence[Event]) -> None:
    """What a passage of a book costs before and after."""
    bits = {event["way"]: event["bits"] for event in events if event["kind"] == "forgot"}
    if "before" not in bits:
        return
    told = [say("tune", "forgot/before", bits=bits["before"])]
    told += [
        say("tune", "forgot/after", way=say("tune", f"way/{way}"), bits=x, times=2 ** (x - bits["before"]))
        for way, x in bits.items()
        if way != "before"
    ]
    size = next(event["bytes"] for event in events if event["kind"] == "forgot")
    text(f"{say('tune', 'forgot', bytes=size)} {' '.join(told)} {say('tune', 'forgot/head')}")
