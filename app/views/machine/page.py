"""The whole model at a glance: one picture of the forward pass, made of the run's own numbers."""

import streamlit as st

from app import components, state
from app.architecture import CROSS
from app.edits import drop, found, put
from app.text import say
from app.ui import reading, what_ifs
from app.ui.context import StepContext
from app.ui.events import numbers, place
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
    if state.leaving():
        st.switch_page("views/walk/page.py", query_params=state.link())
    with Page() as page:
        text(say("machine", "lead"))
        reading.of_a_run(_machine)
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
    columns, tokens = header["columns"], len(ctx.labels)
    stages, heads = (0, len(columns) - 1), (-1, ctx.config.heads - 1)
    longest = max(max(column.get("entries", 0), len(column.get("seen", ()))) for column in columns)
    components.machine(
        "machine",
        header,
        token=place(tokens, lambda i: state.change(token=i)),
        take=numbers(stages, (0, heads[1]), act=lambda taken: _take(columns[taken[0]], taken[1])),
        zoom=numbers((1.0, 60.0), (0.0, 1.0), (0.0, 1.0), act=_zoom),
        open=numbers(
            stages,
            heads,
            (0, tokens - 1),
            (-1, longest),
            (-1, longest),
            act=lambda at: _open(ctx, columns[at[0]], *at[1:]),
        ),
    )


def _take(column: dict, head: int) -> None:
    """Take a head out, or put it back."""
    if column["takes"]:
        old = found(state.current().edits, column["takes"], "zero", {"H": head})
        new = () if old else (Edit(column["takes"], "zero", {"H": head}),)
        state.edit(lambda edits: put(drop(edits, old), *new))


def _zoom(zoomed: list[float]) -> None:
    for field, value in zip(("zoom", "zoom_x", "zoom_y"), zoomed, strict=True):
        state.enter(field, value)


def _open(ctx: StepContext, column: dict, head: int, token: int, key: int, entry: int) -> None:
    """The step of the walk that shows this place."""
    picked = {"head": head} if head >= 0 else {}
    picked |= {"token": token, "key": key, "unit": entry, "layer": column["layer"] or 0}
    state.change(step=OPENS[ctx.trace.table[column["point"]].local], **picked)
    state.leave()


main()
