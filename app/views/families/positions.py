"""Models of one recipe that differ in their positions alone: the same head of each, and what came of it."""

from dataclasses import replace

import numpy as np

from app import catalogue, compute, positions, state
from app.state import View
from app.text import say
from app.ui.charts import by_itself
from app.ui.context import StepContext
from app.ui.controls import button, choice_of
from app.ui.figures import bars, graph, series
from app.ui.figures.labels import dashes
from app.ui.frame import light
from app.ui.heatmaps import WEIGHTS, picture
from app.ui.labels import escape
from app.ui.page import columns, group, notice, text
from app.views.train.learn.settings import choose_pair
from engine.places import unmasked
from engine.position import BIASED
from engine.tokenize.wordpiece import MASK
from engine.trace.tap import Edit
from engine.training.data.orders import BEYOND, GIVEN, LEARNED
from engine.training.evaluate.orders import REVERSED
from engine.worked.derived import worst

ACROSS = 3  # pictures beside one another
ENCODER = "wordfinder"  # reads without a mask
UNPLACED = (Edit("embed.position", "zero"),)
Shown = dict[str, StepContext]  # what each kind of positions makes of the input, by its name


def draw(view: View) -> None:
    """All of them; nothing if there is only one."""
    kinds = {kind: name for name, kind in catalogue.placed().items() if not catalogue.fault(name)}
    if len(kinds) < 2:
        return
    scores = {kind: catalogue.beside(name, "scores.json") for kind, name in kinds.items()}
    trained = min(compute.model(name).config.context for name in kinds.values())
    trained = next(iter(scores.values())).get("trained", trained)
    with group("positions", border=True):
        text(say("positions", "lead", count=len(kinds), trained=trained))
        shown, why = _read(view, kinds)
        _controls(view, kinds, next(iter(shown.values()), None), trained)
        _maps(shown, why, kinds, trained)
        if shown:
            _distances(shown)
        _losses(scores, trained)
        _reversed(scores)
        if shown:
            _places(shown, scores, trained)
            _orders(shown)


def given(view: View) -> str:
    """What they read: the prompt, up to its gap."""
    before, gap, _ = view.prompt.partition(MASK)
    return before.rstrip() if gap else before


def _read(view: View, kinds: dict[str, str]) -> tuple[Shown, dict[str, str]]:
    """The run of each that can read the input, and why each of the others cannot."""
    shown, why = {}, {}
    for kind, name in kinds.items():
        model, read = compute.model(name), given(view)
        try:
            trace = compute.trace(name, read)
        except ValueError as error:
            why[kind] = str(error)
            continue
        look = replace(
            view, layer=_at(view.layer, model.config.layers), head=_at(view.head, model.config.heads)
        )
        look, _ = state.fit(look, model.config, trace.ids.shape[1])
        shown[kind] = StepContext(replace(look, edits=()), model, read, trace)
    return shown, why


def _at(picked: int, count: int) -> int:
    return min(picked, count - 1)


def _controls(view: View, kinds: dict[str, str], first: StepContext | None, trained: int) -> None:
    """Which block and head are compared; a word to reverse."""
    config = compute.model(next(iter(kinds.values()))).config
    left, right = columns(3, 2)
    with left:
        for field, count, name in (("layer", config.layers, "block"), ("head", config.heads, "head")):
            options = {str(i): str(i) for i in range(count)}
            now = str(_at(getattr(view, field), count))
            take = lambda i, field=field: state.change(**{field: int(i)})  # noqa: E731
            choice_of(f"positions-{name}", say("positions", name), now, options, take, named=True)
    with right:
        words = (example["word"] for name in kinds.values() for example in catalogue.examples(name))
        if word := next(words, ""):
            take = lambda: state.anew(prompt=word + GIVEN)  # noqa: E731
            button("positions-try", say("positions", "try", word=word), take, of=word)
    if first:
        text(say("positions", "reads", text=first.given, n=len(first.ids)))
        if len(first.ids) > trained:
            text(say("positions", "beyond", trained=trained))


def _maps(shown: Shown, why: dict[str, str], kinds: dict[str, str], trained: int) -> None:
    """One head of each, and what the model goes on with."""
    if not shown:
        return notice(escape(next(iter(why.values()))), "warning")
    order = list(kinds)
    for some in (order[i : i + ACROSS] for i in range(0, len(order), ACROSS)):
        for place, kind in zip(columns(*[1] * ACROSS), some, strict=False):
            with place:
                name = say("positions", f"{kind}/name")
                text(
                    f"**{name}** · {escape(kinds[kind])}\n\n{say('positions', f'{kind}/adds', trained=trained)}"
                )
                if kind in why:
                    notice(escape(why[kind]), "warning")
                else:
                    _map(shown[kind])


def _map(ctx: StepContext) -> None:
    view, name = ctx.view, ctx.model.name
    title = say("positions", "map", layer=view.layer, head=view.head)
    picture(ctx, ctx.point("attn.pattern"), title, name=name, height=230, plain=True, pickable=False, **WEIGHTS)
    wrote, share = positions.continued(name, ctx.given)
    text(say("positions", "says", text=wrote.strip() or say("positions", "nothing"), share=share))
    there = dict(layer=view.layer, head=view.head, step="softmax")
    button(f"walk-placed-{name}", say("positions", "walk"), lambda: _walk(name, ctx.given, there), of=there)


def _walk(name: str, read: str, there: dict) -> None:
    """Open the walk of a model at this head, with this input."""
    state.anew(model=catalogue.linked(name), prompt=read, target="", edits=(), **there)
    state.leave()


def _distances(shown: Shown) -> None:
    """The mean score of each at each distance, and what two of them add for it."""
    view = next(iter(shown.values())).view
    lines, checks = [], []
    for kind, ctx in shown.items():
        scores, check = positions.by_distance(ctx.model.name, ctx.given, view.layer)
        lines.append(series(say("positions", f"{kind}/name"), range(scores.shape[1]), scores[view.head]))
        checks.append(check)
    where = dict(layer=view.layer, head=view.head)
    x_name, foot = say("positions", "distance/x"), f"blocks.{view.layer}.attn.masked, head {view.head}"
    left, right = columns(3, 2)
    with left:
        figure = graph(lines, x_name, say("positions", "distance/y"), height=260)
        title = say("positions", "distance/title", **where)
        by_itself("placed-distance", title, figure, foot=foot, light=light(worst(checks)))
        text(say("positions", "distance/why"))
    with right:
        _biases({kind: ctx for kind, ctx in shown.items() if kind in BIASED}, x_name)


def _biases(shown: Shown, x_name: str) -> None:
    if not shown:
        return
    lines, checks = [], []
    for kind, ctx in shown.items():
        row = ctx.array(ctx.point("attn.bias"))[ctx.view.head, -1, ::-1]
        lines.append(series(say("positions", f"{kind}/name"), range(len(row)), row))
        checks.append(ctx.checked(ctx.point("attn.bias")))
    view = ctx.view
    figure = graph(lines, x_name, say("positions", "bias/y"), height=260)
    foot = f"blocks.{view.layer}.attn.bias, head {view.head}"
    by_itself("placed-bias", say("positions", "bias/title"), figure, foot=foot, light=light(worst(checks)))


# --- what was measured of them ----------------------------------------------------------------------------


def _losses(scores: dict[str, dict], trained: int) -> None:
    """Bits by position, on and beyond what training had."""
    curves = {kind: one["by position"] for kind, one in scores.items() if "by position" in one}
    if not curves:
        return
    longest = max(curves.values(), key=lambda curve: len(curve["bits"]))
    size = longest["size"]
    lines = [_line(say("positions", f"{kind}/name"), size, one["bits"]) for kind, one in curves.items()]
    lines.append(_line(say("positions", "loss/3-gram"), size, longest["3-gram"]))
    figure = graph(lines, say("positions", "loss/x"), say("positions", "loss/y"), height=320)
    figure.layout.shapes = [dashes(x0=trained, x1=trained, y0=0, y1=1, yref="paper")]
    told = dict(count=longest["count"] // size, size=size, trained=trained)
    left, right = columns(7, 4)
    with left:
        by_itself("placed-loss", say("positions", "loss/title"), figure, foot="scores.json")
    with right:
        text(say("positions", "loss/why", {"learned": "learned" in curves}, **told))


def _line(name: str, size: int, values: list[float]):
    spans = [(i * size + 1, (i + 1) * size) for i in range(len(values))]
    labels = [say("positions", "loss/bin", first=a, last=b) for a, b in spans]
    return series(name, [(a + b) / 2 for a, b in spans], values, labels)


def _reversed(scores: dict[str, dict]) -> None:
    """How many held-out words each reverses, with what can be had without order."""
    spans = {f"{some[0]} to {some[-1]}" for some in (LEARNED, BEYOND)}
    found = {
        of: {kind: row for kind, one in scores.items() if (row := _row(one, f"{REVERSED}, {of} letters"))}
        for of in sorted(spans)
    }
    if not all(found.values()):
        return
    for place, (of, rows) in zip(columns(1, 1), found.items(), strict=True):
        with place:
            _bars(of, rows)
    counts = [next(iter(rows.values()))["count"] for rows in found.values()]
    text(say("positions", "reversed/why", n=counts[0], beyond=counts[1]))


def _row(scores: dict, name: str) -> dict | None:
    return next((row for row in scores.get("rows", []) if row["name"] == name), None)


def _bars(of: str, rows: dict[str, dict]) -> None:
    first = next(iter(rows.values()))
    labels = [say("positions", f"{kind}/name") for kind in rows]
    told = [(row["values"][0], row["intervals"][0]) for row in rows.values()]
    told += [(first["chance"], None), (first["values"][2], first["intervals"][2])]
    labels += [say("positions", "reversed/chance"), say("positions", "reversed/copying")]
    each = zip(labels, told, strict=True)
    drawn = [{"label": label, "value": x, "note": _share(x, ends)} for label, (x, ends) in each]
    figure = bars(drawn, "model", say("positions", "reversed/value"), height=200, percent=True)
    ends = np.array([ends or (x, x) for x, ends in told], float)
    values = np.array([x for x, _ in told], float)
    sizes = {"array": ends[:, 1] - values, "arrayminus": values - ends[:, 0]}
    figure.data[0].error_x = {"type": "data", "symmetric": False, "thickness": 1.2, "width": 3} | sizes
    title = say("positions", "reversed/title", of=of)
    by_itself(f"placed-reversed-{of.replace(' ', '-')}", title, figure, foot="scores.json")


def _share(value: float, ends: list[float] | None) -> str:
    around = f" ({ends[0]:.0%}–{ends[1]:.0%})".replace("%–", "–") if ends else ""
    return f"{value:.1%}{around}"


# --- what the mask tells, and what nothing tells ----------------------------------------------------------


def _places(shown: Shown, scores: dict[str, dict], trained: int) -> None:
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
    lines.append(series(say("positions", "places/true"), longest, longest))
    left, right = columns(1, 1)
    with left:
        figure = graph(lines, say("positions", "places/x"), say("positions", "places/y"), height=280)
        title, foot = (
            say("positions", "places/title", where=where),
            f"blocks.{view.layer}.resid_post, scores.json",
        )
        by_itself("placed-places", title, figure, foot=foot, light=light(worst(checks)))
        one = probes["none"][after]
        told = dict(error=one["error"], low=one["interval"][0], high=one["interval"][1])
        told |= dict(start=one["random start"], middle=one["middle"], trained=trained)
        text(say("positions", "places/told", kind=say("positions", "none/name"), **told))
    with right:
        _first(shown["none"])


def _first(ctx: StepContext) -> None:
    """The weight that each position gives to the first, beside that of even attention."""
    view, point = ctx.view, ctx.point("attn.pattern")
    row = ctx.array(point)[view.head, :, 0]
    even = [1 / (t + 1) for t in range(len(row))]
    names = (say("positions", "none/name"), say("positions", "first/even"))
    lines = [series(name, range(len(row)), values) for name, values in zip(names, (row, even), strict=True)]
    figure = graph(lines, say("positions", "places/x"), say("positions", "first/y"), height=280, zero=True)
    title = say("positions", "first/title", layer=view.layer, head=view.head)
    told = dict(foot=point, model=ctx.model.name, light=light(ctx.checked(point)))
    by_itself("placed-first", title, figure, **told)


def _orders(shown: Shown) -> None:
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
        foot = f"{shown['none'].ends[-1]} and the last of {ENCODER}" if there else ctx.ends[-1]
        by_itself("placed-order", say("positions", "order/title"), figure, foot=foot, light=light(checks))
    with right:
        text(say("positions", "order/why", {"wordfinder": there}, model=ctx.model.name))
        button("positions-train", say("positions", "order/train"), _train)


def _train() -> None:
    """Open the comparison of *Train* that shows it."""
    choose_pair("positions")
    state.change(train="learn")
    state.leave("train")
