"""Three ways beside each other: written out by hand, modules with a tape, PyTorch."""

from dataclasses import replace

import numpy as np

from app import components, settings
from app.text import say
from app.ui.controls import choice_of, select_of, slider_of_names
from app.ui.labels import escape
from app.ui.page import columns, group, notice, text
from app.ui.source import code
from app.views.train.backprop import bugs, given, listings, runs
from app.views.train.backprop.beside import numbers_beside, table
from app.views.train.backprop.descent import read_rate
from app.views.train.backprop.settings import WAYS, Backprop
from app.views.train.backprop.symbols import plain
from engine.autodiff import line_by_line, slopes
from engine.examples.value import Misfit, Value, value

TOPICS = ("step", "register", "call")
INDICES = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def draw(now: Backprop) -> None:
    names = {way: say("backprop", f"way/{way}") for way in WAYS}
    take = lambda way: settings.change(Backprop, way=way, line=-1)  # noqa: E731
    choice_of("way", say("backprop", "ways/which"), now.way, names, take)
    sheet = runs.sheet_of()
    values, ignored = given.read(sheet, now.given)
    try:
        runs.others(now.given)
    except ValueError as error:
        notice(escape(say("backprop", "ways/infinite", why=str(error))), "warning")
    else:
        _way(now)
    with group("typed"):
        text(f"#### {say('backprop', 'modules/given')}")
        given.draw(sheet, values, ignored, _put)
    code(line_by_line, slopes)


def _put(name: str, new: Value) -> None:
    if np.isinf(new.numbers).any():
        raise Misfit(say("backprop", "given/infinite", name=plain(name)))
    now, sheet = settings.read(Backprop), runs.sheet_of()
    values, _ = given.read(sheet, now.given)
    settings.change(Backprop, given=given.write(sheet, values | {name: new}))


def _way(now: Backprop) -> None:
    run = _run(now)
    last = len(run.lines) - 1
    at = min(now.line, last) if now.line >= 0 else last
    with group(f"lines-{now.way}-{now.topic}-{now.bug}"):
        first, second = columns(1, 2) if now.way != "tape" else (None, *columns(1))
        if now.way == "procedure":
            with first:
                bugs.choose(now)
        if now.way == "torch":
            topics = {topic: say("backprop", f"topic/{topic}") for topic in TOPICS}
            with first:
                select_of("topic", say("backprop", "topics"), now.topic, topics, _topic)
        names = [f"{i + 1} / {last + 1}" for i in range(last + 1)]
        move = lambda i: settings.change(Backprop, line=i)  # noqa: E731
        with second:
            slider_of_names("line", say("backprop", "ways/line"), at, names, move, of=(now.way, now.topic))
    left, right = columns(1, 1)
    with left:
        _listing(now, run, at)
    with right:
        kind = f"{now.way}/{now.topic}" if now.way == "torch" else now.way
        text(say("backprop", f"ways/{kind}", rate=f"{_rate(now):g}"))
        if now.way == "procedure" and now.bug:
            bugs.told(now, run)
        _state(now, run, at)
        _beside(now, run, at)


def _topic(topic: str) -> None:
    settings.change(Backprop, topic=topic, line=-1)


def _run(now: Backprop) -> runs.Run:
    if now.way == "torch" and now.topic != "step":
        return runs.registered(now.given) if now.topic == "register" else runs.called(now.given)
    return _of(now, now.way)


def _of(now: Backprop, way: str) -> runs.Run:
    """The run of a way that has gradients."""
    if way == "procedure":
        return runs.procedure(now.given, now.bug)
    return runs.taped(now.given) if way == "tape" else runs.torched(now.given, _rate(now))


def _rate(now: Backprop) -> float:
    try:
        return read_rate(now.rate)
    except Misfit:
        return read_rate(Backprop.rate)


def _listing(now: Backprop, run: runs.Run, at: int) -> None:
    name = now.topic if now.way == "torch" else now.way
    suspects = now.way == "procedure" and now.bug > 0
    verdicts = bugs.verdicts(now, run) if suspects else {}
    head = listings.header(name, run, at, pickable=suspects, verdicts=verdicts)
    count = sum(len(listing.lines) for listing in run.listings)
    components.listing("listing", head, count, bugs.suspect if suspects else None)


# --- the gradients ------------------------------------------------------------------------------------------


def _beside(now: Backprop, run: runs.Run, at: int) -> None:
    """Every number of both gradients, three ways and measured."""
    if now.way == "torch" and now.topic != "step":
        return
    base = _base(now, run, at)
    others = runs.others(base)
    known = {way: _of(replace(now, given=base), way).gradients for way in WAYS if way != now.way}
    known[now.way] = _so_far(now.way, run, at)
    names, rows, found = [], [], {way: {} for way in (*WAYS, "differences")}
    for name in ("alpha", "beta"):
        for (i, j), slope in np.ndenumerate(others.slopes[name]):
            key = f"{name}{i}{j}"
            names.append(key)
            rows.append(f"dJ/d{plain(name)}{i + 1}{j + 1}".translate(INDICES))
            found["differences"][key] = float(slope)
            for way in WAYS:
                found[way][key] = float(known[way][name][i, j]) if name in known[way] else None
    if now.way == "procedure" and now.bug:  # where to look comes first
        _quantities(known["procedure"], others)
    numbers_beside("beside", rows, found, names, max(others.allowed["alpha"], others.allowed["beta"]))
    if now.way == "procedure" and not now.bug:
        _quantities(known["procedure"], others)


def _quantities(known: runs.Gradients, others: runs.Others) -> None:
    """Line by line: the gradient of every quantity beside what finite differences measured of it."""
    order = ("y_hat", "b", "beta", "z", "a", "alpha")
    cells, marks = [], {}
    for i, name in enumerate(order):
        gap = float(np.abs(known[name] - others.slopes[name]).max()) if name in known else None
        cells.append([say("backprop", "graph/notYet") if gap is None else listings.written(gap, 1)])
        if gap is not None:
            ok = gap <= others.allowed[name]
            marks[f"{i},0"] = {"ok": ok, "text": say("backprop", f"beside/{'ok' if ok else 'off'}")}
    rows = tuple(f"g_{plain(name)}" for name in order)
    heads = (say("backprop", "beside/difference"),)
    table(
        "quantities",
        say("backprop", "ways/quantities"),
        rows,
        heads,
        cells,
        marks,
        after=[say("backprop", "ways/quantities")],
    )


def _so_far(way: str, run: runs.Run, at: int) -> runs.Gradients:
    """The gradients that are there after line `at`."""
    if way == "procedure":
        now = run.lines[at]
        if now.function != run.listings[1].function.__qualname__:
            return {}
        return {name[2:]: g for name, g in now.values.items() if name.startswith("g_")}
    if way == "torch":
        model = _model_at(run, at) or {}
        there = {name: model.get(layer, {}).get("grad") for name, layer in runs.LAYERS.items()}
        return {name: g for name, g in there.items() if g is not None}
    return {name: g for name, g in run.gradients.items() if _came_back(run, at, name)}


def _came_back(run: runs.Run, at: int, name: str) -> bool:
    """Has the tape gone back through the layer of these weights? It is done with the last line of apply_bwd."""
    layers = [one for one in run.lines[: at + 1] if one.function == "Applied.apply_bwd"]
    done = [one for one in layers if one.values["self"]["is"] == "Linear" and len(one.values) > 1]
    wanted = run.gradients[name]
    return any(
        isinstance(one.values.get("gradient"), np.ndarray) and np.array_equal(one.values["gradient"], wanted)
        for one in done
    )


def _state(now: Backprop, run: runs.Run, at: int) -> None:
    """What else is to be seen at the line: the tape; where PyTorch keeps weights and gradients."""
    if now.way == "tape":
        stack = _stack(run, at)
        text(
            say(
                "backprop",
                "ways/stack",
                n=len(stack),
                modules=", ".join(stack) or say("backprop", "ways/empty"),
            )
        )
    if now.way == "torch" and now.topic == "step":
        _weights(run, at)
    if now.way == "torch" and now.topic == "register":
        names = list(run.lines[at].values["self"])
        text(say("backprop", "ways/registered", n=len(names)))
        shapes = [[str(list(run.lines[at].values["self"][name]["numbers"].shape))] for name in names]
        if names:
            heads = (say("backprop", "graph/head/shape"),)
            table("registered", say("backprop", "topic/register"), tuple(names), heads, shapes, {})


def _stack(run: runs.Run, at: int) -> list[str]:
    """The modules on the tape: put there by apply_fwd, taken by tape_bwd."""
    found: list[str] = []
    sources = {listing.function.__qualname__: listing.lines for listing in run.listings}
    for one in run.lines[: at + 1]:
        line = sources[one.function][one.line]
        if "tape.modules.append" in line:
            found.append(one.values["self"]["is"])
        elif "tape.modules.pop" in line:
            found.pop()
    return found


def _weights(run: runs.Run, at: int) -> None:
    """Each parameter and its .grad, as they are after the line."""
    model = _model_at(run, at)
    if model is None:
        return
    rows = {name: one["numbers"] for name, one in model.items()}
    rows |= {f"{name}.grad": one["grad"] for name, one in model.items()}
    cells = [[listings.told(numbers)] for numbers in rows.values()]
    name, heads = say("backprop", "ways/weights"), (say("backprop", "ways/now"),)
    table("weights", name, tuple(rows), heads, cells, {})


def _model_at(run: runs.Run, at: int) -> dict | None:
    """PyTorch's parameters after a line."""
    return next((one.values["model"] for one in reversed(run.lines[: at + 1]) if "model" in one.values), None)


def _base(now: Backprop, run: runs.Run, at: int) -> str:
    """The numbers of which the gradients at this line were computed: PyTorch's steps move the weights."""
    if now.way != "torch":
        return now.given
    sources = {listing.function.__qualname__: listing.lines for listing in run.listings}
    backs = [one for one in run.lines[: at + 1] if "loss.backward()" in sources[one.function][one.line]]
    if not backs:
        return now.given
    sheet = runs.sheet_of()
    values, _ = given.read(sheet, now.given)
    weights = {name: value(backs[-1].values["model"][layer]["numbers"]) for name, layer in runs.LAYERS.items()}
    return given.write(sheet, values | weights)
