"""Option A and option B: the same examples by fine-tuning, and in the prompt."""

from collections.abc import Sequence

from app.settings import read
from app.text import say
from app.ui.charts import by_itself
from app.ui.controls import choice
from app.ui.figures import graph, series
from app.ui.page import columns, group, put, text
from app.ui.source import code
from app.views.train.tune import charts, common
from app.views.train.tune.settings import Tune, all_of
from engine.training.jobs import Event
from engine.training.tuning import prompted, runs
from engine.training.tuning.data import reviews
from engine.training.tuning.jobs.options import PROMPT_COUNTS

COUNTS = [n for n in PROMPT_COUNTS if n >= 2]


def wanted(now: Tune) -> dict:
    return all_of(now, way=now.way)


def draw() -> None:
    common.pick_model()
    events = common.started("tune_options", "options/start", wanted)
    now = read(Tune)
    left, right = columns(3, 2)
    with left:
        _chart(now, events)
        text(_verdict(events))
        text(charts.simple("reviews", COUNTS, now.draws))
    with right:
        _prompt()
        text(say("tune", f"options/model/{now.model}"))
    if events:
        for place, name in zip(columns(1, 1), ("seconds", "memory"), strict=True):
            with place:
                _cost(name, events)
        text(say("tune", "options/costs"))
    with group("set", border=True):
        text(say("tune", "options/way"))
        names = {way: say("tune", f"way/{way}") for way in ("all", "lora", "head")}
        choice(say("tune", "options/way"), "tune.way", names)
        common.knobs("draws", "steps", "rate", "lora_rate", "rank")
    if common.usable(now):
        common.take_along("options", common.script("tune_options", wanted(now)))
    code(prompted.prompted, prompted.prompt_of, runs.step)


def _prompt() -> None:
    """What is read before a question, with two examples."""
    text(say("tune", "options/prompt"))
    few = [one for one in reviews().train if len(one.text) < 50][:2]
    held = next(one for one in reviews().held if len(one.text) < 50)
    lines = prompted.prompt_of(few).splitlines() + prompted.FORM.format(x=held.text).splitlines()
    with group("prompt", border=True):
        for i, line in enumerate(lines):
            put("text", f"line-{i}", ["div", ["p", line]])


def _ways(events: Sequence[Event]) -> dict[str, str]:
    """The two lines: way -> its name."""
    tuned = next((e["way"] for e in events if e["kind"] == "point" and e["way"] != "prompt"), read(Tune).way)
    return {
        "prompt": say("tune", "options/b"),
        tuned: say("tune", "options/a", way=say("tune", f"way/{tuned}")),
    }


def _chart(now: Tune, events: list[Event]) -> None:
    draws = events[0]["draws"] if events else now.draws
    found = {name: charts.points(events, way, "reviews") for way, name in _ways(events).items()}
    rules = charts.rules("reviews", tuple(COUNTS), draws)
    lines = [charts.line(name, some, i) for i, (name, some) in enumerate(found.items())]  # in colours that stay
    lines += [charts.line(say("tune", "rule/words"), rules["words"], -1)]
    lines += [charts.line(say("tune", "rule/commonest"), rules["commonest"], bars=False)]
    foot = say("tune", "foot", held=len(reviews().held), draws=draws)
    model = events[0]["model"] if events else now.model
    title, y = say("tune", "options/chart"), say("tune", "axis/right")
    counts = PROMPT_COUNTS
    charts.over_examples("options", title, lines, counts, y, foot=foot, least=0.4, model=model)


def _verdict(events: list[Event]) -> str:
    """Does the prompt do better than chance, and how far does it reach?"""
    found = charts.points(events, "prompt", "reviews")
    if not found:
        return say("tune", "options/before")
    best = max(found, key=lambda one: one.share)
    key = "chance" if best.low <= 0.5 else "above"
    told = dict(n=best.count, told=best.told, room=events[0]["room"], context=events[0]["context"])
    return f"{say('tune', f'options/verdict/{key}', **told)} {_tuned(events)}".strip()


def _tuned(events: list[Event]) -> str:
    """How far option A has come with the most examples."""
    way = next((e["way"] for e in events if e["kind"] == "point" and e["way"] != "prompt"), None)
    if not way:
        return ""
    most = charts.points(events, way, "reviews")[-1]
    called = say("tune", f"way/{way}")
    return say("tune", "options/verdict/tuned", way=called, n=most.count, told=most.told)


def _cost(name: str, events: list[Event]) -> None:
    """Seconds or bytes over the number of examples."""
    lines = []
    for way, called in _ways(events).items():
        found: dict[int, list[float]] = {}
        for event in events:
            if event["kind"] == "point" and event["way"] == way:
                found.setdefault(event["count"], []).append(event[name] / (1 if name == "seconds" else 2**20))
        if found:
            counts = sorted(found)
            lines.append(series(called, counts, [sum(found[n]) / len(found[n]) for n in counts]))
    if not lines:
        return
    title = say("tune", f"options/{name}")
    figure = graph(lines, say("tune", "axis/examples"), say("tune", f"axis/{name}"), height=220, zero=True)
    by_itself(name, title, figure, model=events[0]["model"])
