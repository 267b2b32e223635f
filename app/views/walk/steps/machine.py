"""The whole model at a glance: one picture of the forward pass, made of the run's own numbers."""

from app import components, state
from app.architecture import CROSS
from app.edits import drop, found, put
from app.text import say
from app.ui.context import StepContext
from app.ui.controls import choice_of
from app.ui.events import flag, numbers, place
from app.ui.page import notice
from app.views.machine import whole
from engine.config import Config
from engine.trace import Edit

OPENS = {  # which step of the walk shows a point
    "embed.out": "embeddings",
    "attn.pattern": "softmax",
    "attn.out": "heads",
    "cross.pattern": CROSS,
    "cross.out": CROSS,
    "mlp.shares": "mlp",
    "mlp.act": "mlp",
    "mlp.out": "mlp",
    "resid_post": "residual",
    "final_norm.out": "layers",
}
FURTHEST = 60.0  # zoom


def draw(ctx: StepContext) -> None:
    if ctx.side:
        stacks = {name: say("machine", f"stack/{name}") for name in state.SIDES}
        choice_of(
            "stack", say("machine", "stack"), ctx.side, stacks, lambda name: state.anew(stack=name, layer=0)
        )
    if isinstance(ctx.config, Config):
        _picture(ctx)
        _check(ctx)
    else:
        notice(say("machine", "recurrent"))


def _picture(ctx: StepContext) -> None:
    view, header, facts = ctx.view, whole.header(ctx), ctx.facts
    header |= {"title": say("machine", "title", facts, model=ctx.model.name)}
    header |= {"aria": say("machine", "aria", facts)}
    header |= {"zoom": [view.zoom, view.zoom_x, view.zoom_y], "sink": view.sink, "key": view.key}
    header |= {"asks": say("machine", "asks", facts), "hide": say("machine", "hide", facts)}
    header |= {"say": f"{say('machine', 'say', facts)} {header.pop('pooled')}".strip()}
    columns, tokens = header["columns"], len(ctx.labels)
    longest = max(column.get("entries", 0) for column in columns)
    keys = len(ctx.memory.labels) if ctx.side == "decoder" else tokens
    stages, heads = (0, len(columns) - 1), (-1, ctx.config.heads - 1)
    opens = (stages, heads, (0, tokens - 1), (-1, max(keys, tokens) - 1), (-1, longest - 1))
    components.machine(
        "machine",
        header,
        token=place(tokens, lambda i: state.change(token=i)),
        take=numbers(stages, heads, act=lambda taken: _take(columns[taken[0]], taken[1])),
        zoom=numbers((1.0, FURTHEST), (0.0, 1.0), (0.0, 1.0), act=_zoom),
        sink=flag(lambda on: state.change(sink=on)),
        open=numbers(*opens, act=lambda at: _open(ctx, columns[at[0]], *at[1:])),
    )


def _check(ctx: StepContext) -> None:
    """All tensors of the picture are checked when the visitor stays; where that takes seconds, at a click."""
    name, long = whole.name_of(ctx), whole.takes_long(ctx)
    if not state.rested(name):
        header = {"name": name, "ask": True, "button": say("machine", "check/go") if long else "", "ok": None}
        components.rest("rest", header | {"say": say("machine", "check/waits")}, state.rest)


def _take(column: dict, head: int) -> None:
    """Take a head out, or its part as a whole (−1); or put it back."""
    of_a_head = head >= 0 and column["kind"] == "heads"
    point, at = (whole.z_of(column["point"]), {"H": head}) if of_a_head else (column["adds"], {})
    if point:
        old = found(state.current().edits, point, "zero", at)
        new = () if old else (Edit(point, "zero", at),)
        state.edit(lambda edits: put(drop(edits, old), *new))


def _zoom(zoomed: list[float]) -> None:
    for field, value in zip(("zoom", "zoom_x", "zoom_y"), zoomed, strict=True):
        state.enter(field, value)


def _open(ctx: StepContext, column: dict, head: int, token: int, key: int, entry: int) -> None:
    """The step of the walk that shows this place."""
    picked = {"head": head} if head >= 0 else {}
    picked |= {"token": token, "key": key, "unit": entry, "layer": column["layer"] or 0}
    state.change(step=OPENS[ctx.trace.table[column["point"]].local], **picked)
