"""Models of one recipe that differ in their positions alone: the same head of each, and what came of it."""

from dataclasses import replace

from app import catalogue, compute, positions, state
from app.state import View
from app.text import say
from app.ui.charts import by_itself
from app.ui.context import StepContext
from app.ui.controls import button, choice_of
from app.ui.figures import graph, series
from app.ui.frame import light
from app.ui.heatmaps import WEIGHTS, picture
from app.ui.labels import escape
from app.ui.page import columns, group, notice, text
from app.views.families import positions_masked, positions_measured
from engine.position import BIASED
from engine.tokenize.wordpiece import MASK
from engine.training.data.orders import GIVEN
from engine.worked.derived import worst

ACROSS, LABELLED = 3, 24  # pictures beside one another; characters up to which they are labelled
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
        if view.edits:
            text(say("positions", "edits"))
        shown, why = _read(view, kinds)
        _controls(view, kinds, next(iter(shown.values()), None), trained)
        _maps(shown, why, kinds, trained)
        if shown:
            _distances(shown)
        positions_measured.losses(scores, trained)
        positions_measured.reversing(scores)
        if shown:
            positions_masked.places(shown, scores, trained)
            positions_masked.orders(shown)


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
        places = dict(layer=_at(view.layer, model.config.layers), head=_at(view.head, model.config.heads))
        look, _ = state.fit(replace(view, **places), model.config, trace.ids.shape[1])
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
    drawn = WEIGHTS | dict(height=250, plain=len(ctx.ids) > LABELLED, pickable=False)
    picture(ctx, ctx.point("attn.pattern"), title, name=name, **drawn)
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
