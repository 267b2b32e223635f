"""The main page: one prompt, or one image, step by step."""

import re
from dataclasses import replace

from app import components, compute, state
from app.architecture import BEGIN, END, GLANCE, HEADED, steps_of
from app.text import say
from app.ui import reading, what_ifs
from app.ui.context import StepContext
from app.ui.events import numbers
from app.ui.page import Page, columns, group, left_of, text
from app.ui.source import ran
from app.ui.words import told
from app.views.walk import stage
from app.views.walk.steps import drawing
from app.views.walk.steps.target import sure
from engine.config import Config

SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z−])")  # between two of them


def main() -> None:
    with Page() as page:
        reading.of_a_run(_step)
    if state.current().stage:
        page.parts, page.code = stage.only(page.parts, state.current()), ()
    components.show(page)
    ran(*page.code)
    state.publish()


def _step(ctx: StepContext) -> None:
    glance = ctx.view.step in GLANCE
    _headline(ctx, glance)
    with group("pinned"):
        _map(ctx)
        if not glance:
            _bar(ctx)
    if not glance:
        what_ifs.changes(ctx)
        with group("head"):
            rest = _head(ctx)
    with group(f"step-{ctx.view.step}") as place:
        drawing(ctx)(ctx)
    if not glance and rest:
        with left_of(place):
            text(rest)
    if ctx.view.step == "machine":  # below the picture, which so stays in its place
        what_ifs.changes(ctx)
    what_ifs.mechanisms(ctx)


def _headline(ctx: StepContext, glance: bool) -> None:
    """Of a model with two stacks what it makes of its input: a translation, a caption. At a
    glance only the warning, where it is not to be trusted."""
    if ctx.side:
        source = ctx.given if isinstance(ctx.given, str) else ctx.given[0]
        writer = replace(ctx, side="decoder")
        if not glance:
            with group("headline"):
                _output(ctx, source, writer.text.strip() or "∅")
        with group("warning"):
            sure(writer, warn=True)


def _output(ctx: StepContext, source: str, output: str) -> None:
    """What was read and what was written; of a model that fills spans put together."""
    if ctx.facts["spans"]:
        gaps, values = ["gaps"] * bool(ctx.filled_text), dict(source=source, output=output)
        return text(told(ctx, "headline", *gaps, **values, filled=ctx.filled_text))
    read = [] if ctx.model.reads[0].image else ["text"]
    text(told(ctx, "headline", *read, source=source, output=output))


def _map(ctx: StepContext) -> None:
    steps = steps_of(ctx.config, ctx.side)
    titles = {step: say("walk", f"{step}/name", ctx.facts) for step in steps}
    inside = [step for step in steps if step not in (*GLANCE, *BEGIN, *END)]
    parts = {"glance": GLANCE, "begin": BEGIN, "block": inside, "end": END}
    layers = dict(layer=ctx.view.layer, last=getattr(ctx.config, "layers", 1) - 1)
    groups = [
        [say("walk", f"map/{part}", ctx.facts, **layers), [titles[step] for step in within if step in titles]]
        for part, within in parts.items()
    ]
    groups = [group for group in groups if group[1]]
    header = {
        "at": steps.index(ctx.view.step),
        "groups": groups,
        "unnumbered": _unnumbered(steps),
        "names": list(steps),
        "steps": list(titles.values()),
        "stage": 0,
        "levels": [stage.PICTURE],
        "stacks": [{"decoder": "encoder"}.get(ctx.side), {"encoder": "decoder"}.get(ctx.side)],
    }
    side = {"stack": ctx.side} if ctx.side else {}

    def stand(at: list[int]) -> None:
        state.change(step=steps[at[0]], stage=at[1], **side)

    def cross(side: str) -> None:
        own = steps_of(replace(ctx, side=side).config, side)
        step = own[_unnumbered(own)] if side == "decoder" else own[-1]
        state.anew(stack=side, step=step, stage=stage.PICTURE if ctx.view.stage else 0)

    components.pipeline(
        "map",
        header,
        step=lambda name: state.change(step=name, **side),
        stage=numbers((0, len(steps) - 1), (0, stage.ARITHMETIC), act=stand),
        cross=cross,
    )


def _unnumbered(steps: tuple[str, ...]) -> int:
    """How many steps show the whole before those that are counted."""
    return sum(step in GLANCE for step in steps)


def _bar(ctx: StepContext) -> None:
    view, config = ctx.view, ctx.config
    blocks = isinstance(config, Config)
    uses = {"layer": blocks and view.step not in (*BEGIN, *END), "head": blocks and view.step in HEADED}
    uses["stack"] = bool(ctx.side)
    header = {
        "tokens": ctx.labels,
        "ids": ctx.ids,
        "token": view.token,
        "layers": config.layers if blocks else 1,
        "layer": view.layer,
        "heads": config.heads if blocks else 1,
        "head": view.head,
        "stack": view.stack,
        "what": say("walk", "bar/what", ctx.facts),
        "use": [name for name, used in uses.items() if used],
    }
    components.bar(
        "bar",
        header,
        token=lambda i: state.change(token=i, merge=-1),
        layer=lambda i: state.change(layer=i),
        head=lambda i: state.change(head=i),
        stack=lambda name: state.anew(stack=name),
    )


def _head(ctx: StepContext) -> str:
    """The step's title, a sentence of what happens in it, and its formula; returns what else is to be said."""
    step = ctx.view.step
    steps = steps_of(ctx.config, ctx.side)
    number = steps.index(step) + 1 - _unnumbered(steps)
    which = f"/{ctx.mask}" if step == "mask" else ""
    tempered = ["tempered"] * (step == "softmax" and bool(ctx.edit_of("attn.masked", "scale")))
    title, lead, formula = (
        told(ctx, f"{step}/{part}", *tempered) for part in ("title", "lead", f"formula{which}")
    )
    first, *rest = SENTENCE.split(lead, 1)
    left, right = columns(7, 4, align="center")
    with left:
        text(f"### {number}. {title}\n\n{first}")
    with right:
        components.formula("formula", compute.formula(formula))
    return "".join(rest)


main()
