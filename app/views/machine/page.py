"""The whole model at a glance: one picture of the forward pass, made of the run's own numbers."""

from dataclasses import replace

import streamlit as st

from app import catalogue, components, compute, state
from app.architecture import CROSS
from app.edits import drop, found, put
from app.text import say
from app.ui import reading, what_ifs
from app.ui.context import StepContext
from app.ui.page import Page, notice, text
from app.views.machine import whole
from engine.config import Config
from engine.trace import Edit

OPENS = {  # which step of the walk shows a point
    "embed.out": "embeddings",
    "attn.pattern": "softmax",
    "attn.out": "heads",
    "cross.pattern": CROSS,
    "cross.out": CROSS,
    "mlp.act": "mlp",
    "mlp.out": "mlp",
    "resid_post": "residual",
    "final_norm.out": "next",
}


def main() -> None:
    asked = state.view(catalogue.models())
    if state.leaving():
        st.switch_page("views/walk/page.py")
    name = catalogue.walked(asked)
    view, model = replace(asked, prompt=catalogue.opening(name, asked.prompt)), compute.model(name)
    given = catalogue.given(name, view)
    with Page() as page:
        text(say("machine", "lead"))
        reading.box(view, model)
        try:
            trace = compute.trace(name, given)
        except ValueError as error:
            reading.trouble(error, view)
        else:
            _machine(reading.fitted(view, model, given, trace)[0])
    components.show(page)
    state.publish()


def _machine(ctx: StepContext) -> None:
    if not isinstance(ctx.config, Config):
        return notice(say("machine", "recurrent"))
    what_ifs.strip(ctx.edits, ctx.config)
    what_ifs.outcome(ctx)
    view, header = ctx.view, whole.header(ctx)
    header |= {"title": say("machine", "title", model=ctx.model.name), "aria": say("machine", "aria")}
    header |= {"zoom": [view.zoom, view.zoom_x, view.zoom_y], "sink": view.sink, "key": view.key}
    header |= {"asks": say("machine", "asks", ctx.facts), "say": say("machine", "say", ctx.facts)}
    points = {column["point"]: column for column in header["columns"]}
    components.machine(
        "machine",
        header,
        token=lambda i: state.change(token=int(i)),
        take=lambda taken: _take(ctx, points, *taken),
        zoom=lambda zoomed: _zoom(*zoomed),
        open=lambda place: _open(ctx, points, *place),
    )


def _take(ctx: StepContext, points: dict, point: object, head: object) -> None:
    """Take a head out, or put it back."""
    column = points[str(point)]
    if type(head) is int and 0 <= head < ctx.config.heads and column["takes"]:
        old = found(ctx.edits, column["takes"], "zero", {"H": head})
        new = () if old else (Edit(column["takes"], "zero", {"H": head}),)
        state.edit(lambda edits: put(drop(edits, old), *new))


def _zoom(k: object, x: object, y: object) -> None:
    for field, value in dict(zoom=k, zoom_x=x, zoom_y=y).items():
        state.enter(field, value)


def _open(ctx: StepContext, points: dict, point: object, block: object, head: object, *cell: object) -> None:
    """The step of the walk that shows this place."""
    local = ctx.trace.table[points[str(point)]["point"]].local
    picked = dict(zip(("token", "key", "unit"), map(int, cell), strict=True))
    picked |= {"layer": max(0, int(block))} | ({"head": int(head)} if int(head) >= 0 else {})
    state.change(step=OPENS[local], **picked)
    state.leave()


main()
