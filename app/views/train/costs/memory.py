"""The homework: a model of any size on little memory. What each way to save it saves, and what it costs."""

from app.settings import change, read
from app.text import counted, say
from app.ui.charts import by_itself
from app.ui.controls import choice_of, select_of, switch
from app.ui.figures import stacked
from app.ui.page import columns, notice, text
from app.ui.source import code
from app.ui.tables import table
from app.views.train.costs import checked, ways
from app.views.train.costs.settings import DECODERS, OWN, STAGES, Costs, config_of, typed
from app.views.train.costs.shown import bytes_of, heads
from engine.config import Config
from engine.training.costs import SHAPES, Memory, Plan, memory_of
from engine.training.costs.memory import KEPT, OFFLOADS, activation_bytes, devices_needed, parameters

HELD = ("weights", "gradients", "optimizer", "activations", "gathered")
GB = 1e9
CARDS = (24, 80)  # GB of the devices that are told of
MOST = 1_000_000


def draw() -> None:
    left, right = columns(5, 3)
    with right:
        config, plan, room = _controls()
    with left:
        _ladder(config, plan, room)
        _verdict(config, plan, room)
        ways.draw(config, plan)
    _formulas(config, plan)
    checked.draw()
    code(memory_of, activation_bytes)


def _controls() -> tuple[Config, Plan, float]:
    now = read(Costs)
    names = {name: name for name in (*SHAPES, *DECODERS)} | {OWN: say("costs", "own")}
    select_of("shape", say("costs", "of/shape"), now.shape, names, lambda name: change(Costs, shape=name))
    config = _own() if now.shape == OWN else config_of(now.shape)
    a, b = columns(1, 1)
    with a:
        tokens = typed("tokens", 1, 1e6, whole=True, empty=config.context)
        filled = typed("filled", 1, 100) / 100
        texts = typed("texts", 1, MOST, whole=True)
        parts = typed("parts", 1, MOST, whole=True)
        rank = typed("rank", 0, 10_000, whole=True)
    with b:
        room = typed("room", 0.001, 1e6)
        devices = typed("devices", 1, MOST, whole=True)
        split = typed("split", 1, MOST, whole=True)
        for name in ("mixed", "checkpoints", "fused", "dynamic"):
            switch(say("costs", f"of/{name}"), f"costs.{name}")
    _named("optimizer", KEPT)
    _named("stage", STAGES)
    _named("offload", OFFLOADS)
    own = dict(mixed=now.mixed, checkpoints=now.checkpoints, fused=now.fused, optimizer=now.optimizer)
    own |= dict(stage=int(now.stage), offload=now.offload, rank=rank, filled=filled, dynamic=now.dynamic)
    return config, _plan(own | dict(tokens=tokens, texts=texts), parts, devices, split), room * GB


def _named(name: str, names) -> None:
    choice_of(
        name,
        say("costs", f"of/{name}"),
        getattr(read(Costs), name),
        {x: say("costs", f"{name}/{x}") for x in names},
        lambda x: change(Costs, **{name: x}),
        named=True,
    )


def _own() -> Config:
    """A decoder like GPT-3 of one's own sizes; GPT-3 itself where they do not go together."""
    a, b = columns(1, 1)
    with a:
        layers = typed("layers", 1, 10_000, whole=True)
        width = typed("width", 1, MOST, whole=True)
    with b:
        among = typed("heads", 1, MOST, whole=True)
        vocabulary = typed("vocabulary", 1, 1e8, whole=True)
    try:
        return Config(vocabulary, 2048, width, layers, among, 4 * width)
    except ValueError as error:
        notice(say("costs", "no shape", why=str(error)), "warning")
        return SHAPES["GPT-3"]


def _plan(settled: dict, parts: int, devices: int, split: int) -> Plan:
    """The plan; what does not go together is told, and left out."""
    for more in (dict(parts=parts, devices=devices, split=split), dict(parts=parts, devices=devices), {}):
        try:
            return Plan(**settled, **more)
        except ValueError as error:
            notice(say("costs", "no plan", why=str(error)), "warning")
    raise AssertionError("a plan of one device always goes together")


def _ladder(config: Config, plan: Plan, room: float) -> None:
    """Nothing saved, then one way after the other: what one device holds."""
    found = [(ways.label(name, each), memory_of(config, each)) for name, each in ways.ladder(plan)]
    last = len(found) - 1
    rows = [
        {
            "label": name,
            "values": [getattr(one, part) / GB for part in HELD],
            "note": bytes_of(one.total),
            "mark": i == last,
        }
        for i, (name, one) in enumerate(found)
    ]
    told = say("costs", "memory/told", first=bytes_of(found[0][1].total), last=bytes_of(found[-1][1].total))
    figure = stacked(rows, [say("costs", f"held/{part}") for part in HELD], "GB", lines=[room / GB])
    by_itself("ladder", say("costs", "memory/picture", n=counted(parameters(config))), figure, told)
    lines = sorted({room / GB, *CARDS} if found[-1][1].total <= 4 * room else {room / GB})
    figure = stacked(rows[-1:], [say("costs", f"held/{part}") for part in HELD], "GB", lines=lines, bar=44)
    held = [
        f"{say('costs', f'held/{part}')} {bytes_of(x)}" for part in HELD if (x := getattr(found[-1][1], part))
    ]
    told = say(
        "costs", "memory/enlarged told", parts=", ".join(held), lines=", ".join(f"{x:g} GB" for x in lines)
    )
    by_itself("enlarged", say("costs", "memory/enlarged"), figure, told)


def _verdict(config: Config, plan: Plan, room: float) -> None:
    one = memory_of(config, plan)
    fits = say("costs", "memory/fits" if one.total <= room else "memory/too much", **_told(one, plan, room))
    needed = [_needed(config, plan, size * GB) for size in CARDS]
    text(
        fits
        + " "
        + " ".join(needed)
        + (say("costs", "memory/host", host=bytes_of(one.host)) if one.host else "")
    )


def _told(one: Memory, plan: Plan, room: float) -> dict[str, str]:
    return {"each": bytes_of(one.total), "room": bytes_of(room), "devices": f"{plan.devices:,}"}


def _needed(config: Config, plan: Plan, room: float) -> str:
    fewest = devices_needed(config, plan, room)
    if fewest is None:
        return say("costs", "memory/never", room=bytes_of(room))
    return say("costs", "memory/needed", room=bytes_of(room), n=f"{fewest:,}")


def _formulas(config: Config, plan: Plan) -> None:
    """Every part with its formula, its numbers and where it is from."""
    one, rows = memory_of(config, plan), []
    for part in (*HELD, "host"):
        formula = f"{say('costs', f'formula/{part}')} ({say('costs', f'source/{part}')})"
        numbers = ways.numbers(part, config, plan)
        rows.append([say("costs", f"held/{part}"), formula, numbers, bytes_of(getattr(one, part))])
    text(say("costs", "memory/formulas"))
    table(heads("part", "formula", "numbers", "bytes"), rows, right=9)
