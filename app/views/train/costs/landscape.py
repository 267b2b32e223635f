"""Optimizers on two directions of a real loss: the landscape, the ways on it, and one step of one by hand."""

import numpy as np

from app import compute, jobs, state
from app.settings import change, read
from app.shared import shared
from app.text import say
from app.ui import jobs as job_bar
from app.ui.charts import by_itself
from app.ui.controls import number, select_of, slider_of, text_field
from app.ui.figures import contours, surface
from app.ui.page import columns, group, text
from app.ui.source import code
from app.ui.tables import table
from app.views.train.costs import one_step
from app.views.train.costs.settings import DECODERS, MATRICES, Costs, typed
from app.views.train.costs.shown import heads
from engine.training.landscape import FAR, Way, path, random_directions, slice_of, torchs_step
from engine.training.optimizers import OPTIMIZERS, Settings, clip

MOST = 24  # tokens of the text
LONGEST = 200  # characters
GROUND = ("model", "ids", "matrix", "seed", "reach", "rows")  # what the landscape depends on
ALL_BLOCKS = "blocks.{}.{}.weight"


def draw() -> None:
    left, right = columns(5, 3)
    with right:
        asked = _controls()
    with left:
        told = say("costs", "landscape/go" if _ground(asked) is None else "landscape/ways")
        sent = asked | ({"rows": 0} if _ground(asked) is not None else {})
        one = job_bar.bar("landscape", sent, told, _how_far, paused=False)
        if one and one.events:
            _pictures(one, asked)
        else:
            text(say("costs", "landscape/before", model=asked["model"], n=len(asked["ids"]) - 1))
        ways = _ways(one, asked)
        first = ways["sgd"]
        (a, b), (da, db) = first.points[0], first.gradients[0]
        text(say("costs", "landscape/begin", a=a, b=b, loss=first.losses[0], da=da, db=db))
        with group("steps"):
            at = _scrubbed(ways, asked)
            _table(ways, at, asked["clip"])
    one_step.draw(ways[read(Costs).judged], at, asked)
    code(*OPTIMIZERS.values(), clip, random_directions, path)


def _controls() -> dict:
    """The controls, and the job's settings."""
    now = read(Costs)
    text_field(say("costs", "of/text"), "prompt", LONGEST)
    names = {name: name for name in DECODERS}
    select_of("landscape-model", say("costs", "of/model"), now.model, names, lambda x: change(Costs, model=x))
    planes = {"random": say("costs", "plane/random")} | {x: say("costs", "plane/two", of=x) for x in MATRICES}
    select_of("plane", say("costs", "of/plane"), now.plane, planes, lambda x: change(Costs, plane=x))
    a, b = columns(1, 1)
    with a:
        rate = typed("rate", 0, 1e9)
        beta1 = typed("beta1", 0, 0.9999)
        beta2 = typed("beta2", 0, 0.999999)
        decay = typed("decay", 0, 100)
        clip_to = typed("clip", 0, 1e9)
    with b:
        start = [typed(name, -50, 50) for name in ("a", "b")]
        reach = typed("reach", 0.001, 50)
        number(say("costs", "of/dice"), "costs.dice")
        number(say("costs", "of/rows"), "costs.rows")
        number(say("costs", "of/steps"), "costs.steps")
    own = dict(model=now.model, ids=list(read_of(now.model)), matrix=matrix_of(now.model, now.plane))
    own |= dict(seed=now.dice, reach=reach, rows=now.rows, start=start, steps=now.steps, rate=rate)
    return own | dict(beta1=beta1, beta2=beta2, decay=decay, clip=float(clip_to))


def read_of(name: str) -> tuple[int, ...]:
    """The tokens that the loss is of: the first of the prompt, two at least."""
    tokenizer = compute.model(name).tokenizer
    ids = tokenizer.encode(state.current().prompt[:LONGEST])[:MOST]
    return tuple(ids) if len(ids) > 1 else tuple(tokenizer.encode(state.PROMPT))


def matrix_of(name: str, plane: str) -> str:
    """The name of a matrix of the last block; empty: random directions."""
    last = compute.model(name).config.layers - 1
    return "" if plane == "random" else ALL_BLOCKS.format(last, plane)


# --- what the job has told -----------------------------------------------------------------------


def _key(settings: dict) -> tuple:
    return tuple(str(settings[name]) for name in GROUND)


def _ground(settings: dict) -> tuple[np.ndarray, np.ndarray] | None:
    """The landscape of these settings, if this visitor has had it drawn."""
    key, ground = state.noted("costs-ground", (None, None))
    return ground if key == _key(settings) else None


def _heights(one: jobs.Running, asked: dict) -> tuple[np.ndarray, np.ndarray] | None:
    """The axis and the losses [b, a] that a job has told, or that it was started with."""
    rows = [event for event in list(one.events) if "row" in event]
    if not rows:
        return _ground(asked) if one.settings["rows"] == 0 else None
    axis = rows[0]["axis"]
    heights = np.full((len(axis), len(axis)), np.nan)
    for event in rows:
        heights[event["row"]] = event["losses"]
    if len(rows) == len(axis):
        state.note("costs-ground", (_key(one.settings), (axis, heights)))
    return axis, heights


def _ways(one: jobs.Running | None, asked: dict) -> dict[str, Way]:
    """The ways that were told; before that, the first step of each optimizer."""
    told = [event for event in list(one.events) if "path" in event] if one else []
    same = one and all(one.settings[name] == asked[name] for name in asked if name != "rows")
    if same and len(told) >= len(OPTIMIZERS):
        return {event["path"]: way_of(event) for event in told if event["clip"] == asked["clip"]}
    numbers = (asked["rate"], asked["beta1"], asked["beta2"], asked["decay"], asked["clip"])
    of = (asked["model"], tuple(asked["ids"]), asked["matrix"], asked["seed"], *asked["start"])
    return {name: first_step(name, numbers, *of) for name in OPTIMIZERS}


def way_of(event: dict) -> Way:
    return Way(event["points"], event["losses"], event["gradients"], event["away"])


@shared(64)
def _slope(model: str, ids: tuple[int, ...], matrix: str, seed: int, a: float, b: float):
    return slice_of(compute.model(model), list(ids), matrix, seed).gradient(np.array([a, b]))


def first_step(name: str, numbers: tuple, *of) -> Way:
    """The first step of an optimizer from where it starts; the loss after it is not known yet."""
    (loss, g), (*rates, decay, most) = _slope(*of), numbers
    used = clip([g], most)[0][0] if most else g
    start, s = np.array(of[-2:], float), Settings(*rates, decay=decay)
    after, _ = OPTIMIZERS[name](start, used, {}, s)
    away = float(np.abs(torchs_step(name, start, used, s) - after).max())
    unknown = np.full(2, np.nan)
    return Way(np.array([start, after]), np.array([loss, np.nan]), np.array([g, unknown]), away)


# --- what is shown -------------------------------------------------------------------------------


def _how_far(one: jobs.Running) -> str:
    rows = sum("row" in event for event in one.events)
    ways = sum("path" in event for event in one.events)
    return say("costs", "landscape/far", rows=rows, of=one.settings["rows"], ways=ways)


def _pictures(one: jobs.Running, asked: dict) -> None:
    found = _heights(one, asked)
    if found is None:
        return
    if any(one.settings[name] != asked[name] for name in asked if name != "rows"):
        text(say("costs", "landscape/changed"))
    at = read(Costs).at
    drawn = []
    for event in [event for event in list(one.events) if "path" in event]:
        bare = say("costs", f"name/{event['path']}")
        name = bare if event["clip"] == one.settings["clip"] else say("costs", "name/not clipped", name=bare)
        if event["clip"] == one.settings["clip"] or event["path"] in ("sgd", "momentum"):
            drawn.append((name, event["points"][: at + 1], event["losses"][: at + 1]))
    if not drawn:
        drawn = [(say("costs", "landscape/start"), np.array([one.settings["start"]]), np.array([np.nan]))]
    a, b = columns(1, 1)
    axis, heights = found
    low = float(np.nanmin(heights)) if np.isfinite(heights).any() else np.nan
    told = say("costs", "landscape/told", low=low, high=float(np.nanmax(heights)))
    with a:
        by_itself("contours", say("costs", "landscape/above"), contours(axis, heights, drawn), told)
    with b:
        by_itself("surface", say("costs", "landscape/space"), surface(axis, heights, drawn), told)


def _scrubbed(ways: dict[str, Way], asked: dict) -> int:
    """The step that is shown."""
    most = max(len(way.points) for way in ways.values()) - 1
    at = min(read(Costs).at, most)
    if most > 1:
        label = say("costs", "of/at")
        slider_of("at", label, at, 0, most, 1, lambda x: change(Costs, at=int(x)), of=most)
    return at


def _table(ways: dict[str, Way], at: int, most: float) -> None:
    rows = []
    for name, way in ways.items():
        i = min(at, len(way.points) - 1)
        norm = float(np.hypot(*way.gradients[i]))
        a, b = way.points[i]
        cells = [f"{x:.4g}" for x in (a, b, way.losses[i], norm)]
        cells += [f"{min(norm, most):.4g}"] if most else []
        rows.append([say("costs", f"name/{name}"), *(_read(cell) for cell in cells), _end(way)])
    clipped = ("clipped",) if most else ()
    table(heads("optimizer", "a", "b", "loss", "norm", *clipped, "end"), rows)


def _read(cell: str) -> str:
    return "–" if cell == "nan" else cell.replace("-", "−").replace("inf", "∞")


def _end(way: Way) -> str:
    """How a way ended, in a few words."""
    first, last = way.losses[0], way.losses[-1]
    if np.abs(way.points[-1]).max() > FAR:
        return say("costs", "end/away", n=len(way.points) - 1)
    if len(way.losses) == 2 and np.isnan(last):
        return say("costs", "end/one")
    if not np.isfinite(last):
        return say("costs", "end/away", n=len(way.points) - 1)
    return say(
        "costs", "end/higher" if last > first else "end/lower", first=first, last=last, low=way.losses.min()
    )
