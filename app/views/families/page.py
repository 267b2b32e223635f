"""One sentence, or one image, through every kind of model: its mask, its answer, its parameters."""

from dataclasses import replace

import torch

from app import catalogue, components, compute, edits, state
from app.architecture import whole
from app.text import say
from app.ui import picker, what_ifs
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.controls import button
from app.ui.figures import bars, shares
from app.ui.heatmaps import WEIGHTS, picture
from app.ui.images import attention_overlay
from app.ui.labels import escape
from app.ui.notes import notes
from app.ui.page import Container, Page, columns, group, notice, text
from app.views.families import languages, positions, translators
from app.views.walk.steps.target import sure
from engine.analysis import certainty, parameters_of

SHOWN = 5  # answers
SENTENCES = (
    "The animal didn't cross the street because it was too [MASK].",
    "She opened the [MASK] and looked out of the window.",
    "Once upon a time there was a little [MASK] who lived in a house.",
)
COLUMNS = (4, 3, 3, 3)
MASK = {"scale": "sequential", "max": 4.0}  # how a mask is drawn: what is seen in the middle of the colours
WIDER = {"recurrent": (4, 4, 5, 4)}  # where the answer is a heat map with labels
THREE = ("pair", "spans", "caption")  # families with three masks: they get a row of their own


def main() -> None:
    view = state.view(catalogue.models())
    with Page() as page:
        _page(view)
    components.show(page)
    state.publish()


def _page(view: state.View) -> None:
    text(say("families", "lead"))
    header = {"text": view.prompt, "placeholder": say("families", "placeholder"), "open": False}
    header["examples"] = [(text, text) for text in SENTENCES]
    walked = catalogue.walked(view)
    with picker.beside(walked):
        components.prompt("prompt", header, _submit, _submit)
    notes()
    _what_ifs(view)
    for name, why in catalogue.faults().items():
        notice(say("trouble", "models", name=name, reason=why), "warning")
    for kind, name in catalogue.families(walked).items():
        with group(f"family-{kind}", border=True):
            _family(view, kind, name)
    languages.draw(view)
    positions.draw(view)
    translators.draw(view)


def _submit(text: str) -> None:
    state.anew(prompt=text)


def _what_ifs(view: state.View) -> None:
    """The what-ifs of the walk: they change its model here too, and no other."""
    name = catalogue.walked(view)
    if view.edits and not catalogue.fault(name):
        what_ifs.strip(view.edits, compute.model(name).reads[-1])
        text(say("families", "edits", model=name))


def _family(view: state.View, kind: str, name: str) -> None:
    """One model: what it is for, its mask, its answer, its parts."""
    model = compute.model(name)
    given = catalogue.given(name, view, gap=True)
    about, mask, answer, parts = _places(kind)
    with about:
        _about(kind, name, given)
    try:
        trace = compute.trace(name, given)
    except ValueError as error:
        with mask:
            notice(escape(str(error)), "warning")
        return
    ctx = StepContext(view, model, given, trace, side="decoder" if len(model.reads) == 2 else "")
    fitted, _ = state.fit(replace(view, layer=0, head=0), ctx.config, len(ctx.ids))
    changes = edits.fitting(trace, view.edits)[0] if name == catalogue.walked(view) else ()
    ctx = replace(ctx, view=replace(fitted, edits=changes)).with_edits(changes)
    with mask:
        MASKS.get(kind, _mask)(ctx, kind)
    with answer:
        ANSWERS.get(kind, _answer)(ctx, kind)
    with parts:
        _parts(ctx)


def _places(kind: str) -> list[Container]:
    """Where the four parts of a family go."""
    if kind not in THREE:
        return columns(*WIDER.get(kind, COLUMNS))
    about, answer, parts = columns(4, 6, 3)
    return [about, group(f"masks-{kind}"), answer, parts]


def _about(kind: str, name: str, given: compute.Given) -> None:
    text(f"**{say('families', f'{kind}/name')}** · {escape(name)}\n\n{say('families', f'{kind}/for')}")
    read = given if isinstance(given, str) else given[0]
    field = "image" if compute.model(name).reads[0].image else "prompt"
    if field == "prompt":
        text(say("families", "reads", text=read))
    button(f"walk-{name}", say("families", "walk"), lambda: _walk(name, {field: read}))


def _walk(name: str, read: dict[str, str]) -> None:
    """Open the walk of a model, with the input it has here."""
    state.anew(model=catalogue.linked(name), target="", **read)
    state.leave()


def _mask(ctx: StepContext, kind: str) -> None:
    """Which tokens each token may look at."""
    _seen(ctx, ctx.point("attn.mask"), say("families", "mask"))


def _three(ctx: StepContext, kind: str) -> None:
    """The masks of the encoder, of the decoder, and of the look from one to the other, if there are any."""
    across = ctx.whole("cross.mask") if ctx.whole("cross.mask") in ctx.trace.table else ctx.point("cross.mask")
    masks = {
        "encoder": (ctx.memory, ctx.memory.point("attn.mask")),
        "decoder": (ctx, ctx.point("attn.mask")),
        "cross": (ctx, across),
    }
    there = {which: mask for which, mask in masks.items() if mask[1] in ctx.trace.table}
    if not there:
        return text(say("families", "unmasked", ctx.facts))
    for column, (which, (stack, point)) in zip(columns(*[1] * len(there)), there.items(), strict=True):
        with column:
            _seen(stack, point, say("families", f"mask/{which}"), which)


def _carried(ctx: StepContext, kind: str) -> None:
    """What a recurrent decoder receives of the source: all states to look back at, or only the last."""
    if ctx.config.attention != "none":
        return _seen(ctx, ctx.whole("cross.mask"), say("families", f"{kind}/mask"))
    source, count = ctx.memory, len(ctx.memory.ids)
    points = ctx.trace.table.values()
    told = sum(ctx.trace[p.name].numel() for p in points if p.stack == "decoder" and p.part == "start")
    remark = say("families", f"{kind}/told", states=count, numbers=told)
    last = dict(bands=[["row", count - 1, count]], remark=remark, name=ctx.model.name)
    title = say("families", f"{kind}/states")
    picture(source, source.whole("states"), title, height=110, plain=True, pickable=False, **last)


def _kept(ctx: StepContext, kind: str) -> None:
    """What a recurrent language model has of the text so far: what it carries after the last token."""
    count, numbers = len(ctx.ids), len(ctx.stack.cell.carried) * ctx.config.width
    remark = say("families", f"{kind}/told", states=count, numbers=numbers)
    last = dict(bands=[["row", count - 1, count]], remark=remark, name=ctx.model.name)
    title = say("families", f"{kind}/states")
    picture(ctx, ctx.whole("states"), title, height=220, plain=True, pickable=False, **last)


def _seen(ctx: StepContext, point: str, title: str, which: str = "") -> None:
    """One mask, the same in all blocks and heads, and how many of its cells are open."""
    mask = ctx.array(point)
    rows, columns = mask.shape[-2:]
    seen = int(mask.reshape(-1, rows, columns)[0].sum())
    facts = ctx.facts | {"cross": which == "cross"}
    remark = say("families", "seen", facts, seen=seen, of=rows * columns, rows=rows, columns=columns)
    name = ctx.model.name + (which and f"-{which}")
    picture(ctx, point, title, remark=remark, name=name, height=220, pickable=False, **MASK)


MASKS = dict.fromkeys(THREE, _three) | {"recurrent": _carried, "rnn": _kept}


def _answer(ctx: StepContext, kind: str) -> None:
    """The most probable answers: the next token, or what is in the gap."""
    _best(ctx, kind, "logits", ctx.trace["logits"][0, _position(ctx)])


def _position(ctx: StepContext) -> int:
    """Where the answer is read off: at the gap, or at the last token."""
    return len(ctx.ids) - 1 if ctx.gap is None else ctx.gap


def _shown(ctx: StepContext, kind: str) -> None:
    """The image, and the most probable classes."""
    attention_overlay(ctx, say("families", "image"), height=110, name=ctx.model.name)
    _best(ctx, kind, "classes", ctx.trace["classes"][0])


def _translated(ctx: StepContext, kind: str) -> None:
    """Its output and, if it has attention, where it looked for each token."""
    text(say("families", f"{kind}/says", text=ctx.text.strip() or "∅"))
    for warn in (True, False):
        sure(ctx, warn)
    table = ctx.trace.table.values()
    looks = [point.name for point in table if point.part == "cross" and point.kind == "softmax"]
    if looks:
        title = say("families", f"{kind}/answer")
        picture(ctx, looks[-1], title, name=ctx.model.name, height=260, **WEIGHTS)


def _filled(ctx: StepContext, kind: str) -> None:
    """The sentence put together, and what a translator shows, too."""
    text(say("families", f"{kind}/filled", text=ctx.filled_text))
    _translated(ctx, kind)


def _captioned(ctx: StepContext, kind: str) -> None:
    """The image, and each model's caption."""
    image, words = columns(1, 2)
    with image:
        attention_overlay(ctx, say("families", "image"), height=110, name=ctx.model.name)
    names = catalogue.captioners()
    for name in names if ctx.model.name in names else [ctx.model.name]:
        trace = compute.trace(name, ctx.given)
        caption = replace(ctx, model=compute.model(name), trace=trace).text.strip()
        values = dict(name=name, text=caption or "∅", share=certainty(trace))
        with words:
            text(say("families", f"{kind}/says", whole(trace.model), **values))


ANSWERS = {"image": _shown, "pair": _translated, "spans": _filled, "recurrent": _translated}
ANSWERS["caption"] = _captioned


def _best(ctx: StepContext, kind: str, point: str, scores: torch.Tensor) -> None:
    best = scores.softmax(-1).topk(min(SHOWN, len(scores)))
    rows = shares([ctx.answer(i) for i in best.indices.tolist()], best.values.tolist())
    figure = bars(rows, "answer", "probability", height=110, percent=True)
    chart(ctx, f"answer-{ctx.model.name}", figure, say("families", f"{kind}/answer"), point=point)


def _parts(ctx: StepContext) -> None:
    """How many parameters each part has."""
    counts = parameters_of(ctx.model)
    total = sum(counts.values())
    rows = [{"label": part, "value": n, "note": f"{n:,}"} for part, n in counts.items() if n]
    title = say("families", "parts", total=total)
    figure = bars(rows, "part", "parameters", height=150, top=total)
    chart(ctx, f"parts-{ctx.model.name}", figure, title)


main()
