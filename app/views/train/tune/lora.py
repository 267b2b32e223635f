"""LoRA by the number: which matrices, how many numbers, what is added to W, and whether merged is applied."""

import numpy as np

from app import components, compute
from app.settings import change, read
from app.text import say
from app.ui.charts import by_itself
from app.ui.controls import choice, select_of, text_field
from app.ui.figures import bars, graph, series
from app.ui.page import columns, group, keep, notice, text
from app.ui.source import code
from app.views.train.tune import charts, common
from app.views.train.tune.settings import Tune, all_of, planned, rank_of
from engine.training.jobs import Event
from engine.training.tuning.data import own_reviews
from engine.training.tuning.lora import TARGETS, LoRA, check_layer, check_merged, merge

MOST_OWN = 400  # characters of a person's own reviews


def wanted(now: Tune) -> dict:
    own = own_reviews(now.own) if now.own.strip() else []
    return all_of(now, own=own)


def draw() -> None:
    left, right = columns(3, 1, align="end")
    with left:
        names = {name: say("tune", f"lora/target/{name}") for name in TARGETS}
        choice(say("tune", "lora/targets"), "tune.targets", names)
    with right:
        common.knobs("rank")
    _plan(read(Tune))
    events = common.started("tune_lora", "lora/start", wanted)
    _result(events)
    found = next((event for event in reversed(events) if event["kind"] == "lora"), None)
    if found:
        _matrix(events[0]["model"], found)
    else:
        _before(read(Tune))
    _losses(events)
    _own(events)
    with group("set", border=True):
        common.pick_model()
        common.knobs("count", "steps", "lora_rate", "seed")
    if common.usable(read(Tune)):
        common.take_along("lora", common.script("tune_lora", wanted(read(Tune))))
    code(LoRA, merge, check_layer, check_merged)


def _plan(now: Tune) -> None:
    """How many numbers that is, before anything runs."""
    try:
        matrices, numbers = planned(now.model, rank_of(now.rank), now.targets)
    except ValueError:
        return  # told beside the button
    rank = rank_of(now.rank)
    text(say("tune", "lora/plan", matrices=len(matrices), numbers=numbers, rank=rank))


def _before(now: Tune) -> None:
    """The matrix W that stays, and how many numbers it has beside A and B."""
    try:
        names, _ = planned(now.model, rank_of(now.rank), now.targets)
    except ValueError:
        return
    name, rank = names[min(now.matrix, len(names) - 1)], rank_of(now.rank)
    weight = compute.model(now.model).get_submodule(name).weight.detach().cpu().numpy()
    left, right = columns(3, 2)
    with left:
        _pick(names, name)
        _heat("W", say("tune", "lora/W", name=name), np.ascontiguousarray(weight), now.model, 300)
    with right:
        out, into = weight.shape
        sizes = {"W": out * into, f"B, {out} × {rank}": out * rank, f"A, {rank} × {into}": rank * into}
        rows = [{"label": label, "value": n, "note": f"{n:,}"} for label, n in sizes.items()]
        title = say("tune", "lora/numbers")
        figure = bars(rows, say("tune", "lora/which"), say("tune", "lora/count"), height=100)
        by_itself("lora-numbers", title, figure, model=now.model)


def _pick(names: list[str], name: str) -> None:
    act = lambda name: change(Tune, matrix=names.index(name))  # noqa: E731
    select_of("matrix", say("tune", "lora/which"), name, {name: name for name in names}, act, of=names)


def _losses(events: list[Event]) -> None:
    steps = [event for event in events if event["kind"] == "step"]
    if not steps:
        return
    line = series(say("tune", "axis/loss"), [e["step"] for e in steps], [e["loss"] for e in steps])
    title = say("tune", "lora/losses")
    figure = graph([line], say("tune", "axis/step"), say("tune", "axis/loss"), height=220, zero=True)
    by_itself("lora-loss", title, figure, model=events[0]["model"])


def _result(events: list[Event]) -> None:
    for one in charts.points(events, "lora", "reviews"):
        last = next(event for event in events if event["kind"] == "point")
        told = dict(n=one.count, told=one.told, numbers=last["numbers"], seconds=last["seconds"])
        text(say("tune", "lora/result", **told))
    bits = {event["way"]: event["bits"] for event in events if event["kind"] == "forgot"}
    if len(bits) == 2:
        text(say("tune", "lora/forgot", before=bits["before"], after=bits["lora"]))


def _light(found: Event) -> dict:
    key = "ok" if found["ok"] else "off"
    return {"ok": bool(found["ok"]), "text": say("tune", f"lora/light/{key}", apart=found["apart"])}


def _matrix(model: str, found: Event) -> None:
    """ΔW = s B A of one matrix, its two factors, its singular values."""
    names = list(found["names"])
    at = min(read(Tune).matrix, len(names) - 1)
    a, b = found[f"A.{at}"], found[f"B.{at}"]
    _pick(names, names[at])
    delta = (found["scale"] * (b @ a)).astype(np.float32)
    left, right = columns(3, 2)
    with left:
        told = dict(name=names[at], out=len(delta), into=delta.shape[1])
        _heat("delta", say("tune", "lora/delta", **told), delta, model, 330, _light(found))
    with right:
        _heat("B", say("tune", "lora/B", out=b.shape[0], rank=b.shape[1]), b, model, 150)
        _heat("A", say("tune", "lora/A", rank=a.shape[0], into=a.shape[1]), a, model, 90)
        _singular(found[f"singular.{at}"], len(a), model)
    text(
        say(
            "tune",
            "lora/size",
            name=names[at],
            size=found["sizes"][at],
            numbers=a.size + b.size,
            all=delta.size,
        )
    )


def _heat(key: str, title: str, values: np.ndarray, model: str, height: int, light: dict | None = None) -> None:
    keep(f"lora-{key}", values[None])
    header = {
        "src": f"lora-{key}",
        "title": title,
        "aria": title,
        "scale": "diverging",
        "height": height,
        "axes": "RC",
        "rows": [str(i) for i in range(values.shape[0])],
        "cols": [str(i) for i in range(values.shape[1])],
        "rowName": say("tune", "lora/row"),
        "colName": say("tune", "lora/column"),
        "bare": True,
        "foot": f"[{values.shape[0]}, {values.shape[1]}]",
        "model": model,
    }
    components.matrix(f"matrix-{key}", header | ({"light": light} if light else {}))


def _singular(values: np.ndarray, rank: int, model: str) -> None:
    shown = values[: max(8, 2 * rank)]
    title = say("tune", "lora/singular", rank=rank)
    line = series(title, range(1, len(shown) + 1), shown)
    figure = graph([line], say("tune", "lora/number"), say("tune", "lora/value"), height=150, zero=True)
    by_itself("singular", title, figure, model=model)


def _own(events: list[Event]) -> None:
    """A person's own review, and what the tuned model says of it."""
    now = read(Tune)
    with group("own", border=True):
        text_field(say("tune", "lora/own"), "tune.own", MOST_OWN)
        try:
            typed = own_reviews(now.own)
        except ValueError:
            return text(say("tune", "lora/own/empty"))
        told = next((event for event in events if event["kind"] == "own"), None)
        if told is None or list(events[0]["own"]) != typed:
            return text(say("tune", "lora/own/run"))
        for words, share in zip(typed, told["positive"], strict=True):
            text(say("tune", "lora/own/said", words=words, share=float(share)))
        learned = next(event["count"] for event in events if event["kind"] == "point")
        notice(say("tune", "lora/own/note", n=learned))
