"""What the mask alone tells of positions, and what a model knows that has neither."""

from app import catalogue, positions, state
from app.text import say
from app.ui.charts import by_itself
from app.ui.context import StepContext
from app.ui.controls import button
from app.ui.figures import bars, graph, series
from app.ui.frame import light
from app.ui.page import columns, text
from app.views.train.learn.settings import choose_pair
from engine.places import unmasked
from engine.trace.tap import Edit
from engine.worked.derived import worst

ENCODER = "wordfinder"  # reads without a mask
UNPLACED = (Edit("embed.position", "zero"),)


def places(shown: dict[str, StepContext], scores: dict[str, dict], trained: int) -> None:
    """A place read off the vectors of each, and how one that has no positions looks at the first character."""
    probes = {kind: scores[kind]["places"] for kind in shown if "places" in scores[kind]}
    if "none" not in probes:
        return
    view = shown["none"].view
    after, where = view.layer + 1, say("positions", "places/after", layer=view.layer)
    text(say("positions", "places/lead"))
    lines, checks = [], []
    for kind, found in probes.items():
        line = (tuple(found[after]["weights"]), found[after]["offset"])
        read, check = positions.read_off(shown[kind].model.name, shown[kind].given, after, *line)
        lines.append(series(say("positions", f"{kind}/name"), range(len(read)), read))
        checks.append(check)
    longest = range(max(len(line.x) for line in lines))
    lines.append(_dotted(series(say("positions", "places/true"), longest, longest)))
    left, right = columns(1, 1)
    with left:
        figure = graph(lines, say("positions", "places/x"), say("positions", "places/y"), height=280)
        title, foot = say("positions", "places/title", where=where), shown["none"].ends[after]
        by_itself("placed-places", title, figure, foot=f"{foot}, scores.json", light=light(worst(checks)))
        one = probes["none"][after]
        told = dict(error=one["error"], low=one["interval"][0], high=one["interval"][1])
        told |= dict(start=one["random start"], middle=one["middle"], trained=trained)
        text(say("positions", "places/told", kind=say("positions", "none/name"), **told))
    with right:
        _first(shown["none"])


def _dotted(line):
    """What the others are to be compared with."""
    line.line = {"dash": "dot"}
    return line


def _first(ctx: StepContext) -> None:
    """The weight that each position gives to the first, beside that of even attention."""
    view, point = ctx.view, ctx.point("attn.pattern")
    row = ctx.array(point)[view.head, :, 0]
    even = [1 / (t + 1) for t in range(len(row))]
    names = (say("positions", "none/name"), say("positions", "first/even"))
    own, other = (series(name, range(len(row)), y) for name, y in zip(names, (row, even), strict=True))
    lines = [own, _dotted(other)]
    figure = graph(lines, say("positions", "places/x"), say("positions", "first/y"), height=280, zero=True)
    title = say("positions", "first/title", layer=view.layer, head=view.head)
    told = dict(foot=point, model=ctx.model.name, light=light(ctx.checked(point)))
    by_itself("placed-first", title, figure, **told)


def orders(shown: dict[str, StepContext]) -> None:
    """The same tokens the other way round, in a model without a mask, without positions, without both."""
    if "none" not in shown:
        return
    ctx = shown["none"]
    asked = [(ctx.model.name, "own", ()), (ctx.model.name, "unmasked", unmasked(ctx.config))]
    there = ENCODER in catalogue.shipped() and not catalogue.fault(ENCODER)
    asked += [(ENCODER, "own", ()), (ENCODER, "unplaced", UNPLACED)] if there else []
    found = []
    for name, change, edits in asked:
        try:
            value, check = positions.apart(name, ctx.given, edits)
        except ValueError:  # too long for one of them
            continue
        found.append((f"{name}, {say('positions', f'order/{change}')}", value, check))
    text(say("positions", "order/lead"))
    rows = [{"label": label, "value": value, "note": f"{value:.2g}"} for label, value, _ in found]
    figure = bars(rows, "model", say("positions", "order/value"), height=120)
    checks = worst(check for _, _, check in found)
    left, right = columns(3, 2)
    with left:
        foot = f"{ctx.ends[-1]} and the last of {ENCODER}" if there else ctx.ends[-1]
        by_itself("placed-order", say("positions", "order/title"), figure, foot=foot, light=light(checks))
    with right:
        text(say("positions", "order/why", {"wordfinder": there}, model=ctx.model.name))
        button("positions-train", say("positions", "order/train"), _train)


def _train() -> None:
    """Open the comparison of *Train* that shows it."""
    choose_pair("positions")
    state.change(train="learn")
    state.leave("train")
