"""The whole model at a glance: one picture of the forward pass, made of the run's own numbers."""

from app import components, state
from app.architecture import CONVOLVED, CROSS, steps_of
from app.edits import drop, found, put
from app.text import plain, say
from app.ui.context import StepContext
from app.ui.events import Refused, flag, numbers, place
from app.views.machine import inside, whole
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
    "token": "embeddings",
    "start.h": "states",
    "start.cell": "states",
    "cross.weights": CROSS,
    "cross.context": CROSS,
    "cross.mixed": CROSS,
}
FURTHEST = 60.0  # zoom


def draw(ctx: StepContext) -> None:
    _picture(ctx)
    _check(ctx)


def _picture(ctx: StepContext) -> None:
    view, header, shown = ctx.view, whole.header(ctx), whole.stacks(ctx)
    told, pieces = shown[-1].facts, shown[-1].pieces
    header |= {name: say("machine", name, told, **pieces) for name in ("aria", "asks", "hide", "say")}
    header |= {"title": _title(shown)}
    cells = [one.facts["cells"] and bool(one.config.image) for one in shown]  # none of them is a first one
    if not any(column.get("seen") == (i := column["stack"]) and not cells[i] for column in header["columns"]):
        header |= {"hide": ""}  # no token looks at a first one of its own stack
    header |= {"zoom": [view.zoom, view.zoom_x, view.zoom_y], "sink": view.sink, "key": view.key}
    header |= {name: say("machine", name) for name in ("weigh", "take", "put")} | {"weighted": view.weighted}
    if not any(column["kind"] == "heads" and column["layer"] is not None for column in header["columns"]):
        header |= {"weigh": ""}  # nothing has values that heads weigh
    opened = header["inside"]
    header |= {"say": f"{(opened or header)['say']} {header.pop('pooled')}".strip()}
    columns, most = header["columns"], max(len(one.labels) for one in shown)
    longest = max(column.get("entries", 0) for column in columns)
    stages, heads = (0, len(columns) - 1), (-1, max(getattr(one.config, "heads", 1) for one in shown) - 1)
    opens = (stages, heads, (0, most - 1), (-1, most - 1), (-1, longest - 1))
    components.machine(
        "machine",
        header,
        token=place(len(ctx.labels), lambda i: state.change(token=i)),
        lane=numbers((0, len(shown) - 1), (0, most - 1), (-1, most - 1), act=lambda at: _lane(shown, *at)),
        pick=numbers(stages, (0, max(0, heads[1])), act=lambda at: _pick(ctx, shown, columns[at[0]], at[1])),
        take=numbers(stages, heads, act=lambda taken: _take(ctx, columns[taken[0]], taken[1])),
        zoom=numbers(
            (-1, stages[1]),
            (1.0, FURTHEST),
            (0.0, 1.0),
            (0.0, 1.0),
            act=lambda at: _zoom(ctx, shown, columns[at[0]] if at[0] >= 0 else None, at[1:]),
        ),
        sink=flag(lambda on: state.change(sink=on)),
        weighted=flag(lambda on: state.change(weighted=on)),
        open=numbers(*opens, act=lambda at: _open(shown, columns[at[0]], *at[1:])),
        **(inside.acts(ctx, opened["stages"], len(ctx.labels), most) if opened else {}),
    )


def _title(shown: list[StepContext]) -> str:
    """What a model of two stacks reads and what it writes; of any other, its name; on a stage what is seen."""
    last = shown[-1]
    if state.current().stage:
        return plain(say("machine", "staged", shown[0].facts, model=last.model.name))
    if len(shown) == 1:
        return plain(say("machine", "title", last.facts, model=last.model.name))
    read = say("machine", "image") if shown[0].config.image else shown[0].text
    return f"{read} ⇒ {last.text.strip() or '…'}"


def _lane(shown: list[StepContext], stack: int, token: int, other: int) -> None:
    """A position of one of two stacks, and beside it the one that is lit in the other."""
    one = shown[stack]
    if token >= len(one.labels) or other >= len(shown[stack - 1].labels):
        raise Refused("no position of this stack")
    key = other if one.side == "decoder" else -1
    state.change(stack=one.side or state.current().stack, token=token, key=key, **_within(one))


def _pick(ctx: StepContext, shown: list[StepContext], column: dict, head: int) -> None:
    """A head of a block."""
    one = shown[column["stack"]]
    if column["layer"] is None or head >= one.config.heads:
        raise Refused("no head of this block")
    state.change(**_block(ctx, one, column["layer"]) | {"head": head})


def _block(ctx: StepContext, one: StepContext, layer: int) -> dict:
    """What the view has where a block is picked: in another stack than before the token that is lit there."""
    now = state.current()
    if one.side in ("", now.stack):
        return {"layer": layer}
    key = now.token if one.side == "decoder" else -1
    return _within(one) | {"layer": layer, "stack": one.side, "token": whole.lit(one, ctx), "key": key}


def _within(one: StepContext) -> dict:
    """The picked block and head, as far as a stack has them."""
    most = {"layer": max(getattr(one.config, "layers", 1) - 1, 0), "head": getattr(one.config, "heads", 1) - 1}
    return {name: min(getattr(state.current(), name), last) for name, last in most.items()}


def _check(ctx: StepContext) -> None:
    """All tensors of the picture are checked when the visitor stays; where that takes seconds, at a click."""
    name, long = whole.name_of(ctx), whole.takes_long(ctx)
    if not state.rested(name):
        header = {"name": name, "ask": True, "button": say("machine", "check/go") if long else "", "ok": None}
        components.rest("rest", header | {"say": say("machine", "check/waits")}, state.rest)


def _take(ctx: StepContext, column: dict, head: int) -> None:
    """Take a head out, or its part as a whole (−1); or put it back."""
    of_a_head = head >= 0 and column["kind"] == "heads"
    point, at = (whole.z_of(column["point"]), {"H": head}) if of_a_head else (column["adds"], {})
    if point in ctx.trace.table:
        old = found(state.current().edits, point, "zero", at)
        new = () if old else (Edit(point, "zero", at),)
        state.edit(lambda edits: put(drop(edits, old), *new))


def _zoom(ctx: StepContext, shown: list[StepContext], column: dict | None, zoomed: list[float]) -> None:
    """How large the whole is seen, or the inside of the block that a column belongs to."""
    opened = bool(column) and column["layer"] is not None
    if opened:
        state.change(**_block(ctx, shown[column["stack"]], column["layer"]))
    state.enter("inside", opened)
    for field, value in zip(("zoom", "zoom_x", "zoom_y"), zoomed, strict=True):
        state.enter(field, value)


def _open(shown: list[StepContext], column: dict, head: int, token: int, key: int, entry: int) -> None:
    """The step of the walk that shows this place; of a step of a recurrent model, `key` is its row."""
    one, points = shown[column["stack"]], column.get("points")
    if token >= len(one.labels) or (points and not 0 <= key < len(points)):
        raise Refused("no place of this picture")
    place = one.trace.table[points[key] if points else column["point"]]
    step = "cell" if place.step is not None else OPENS[place.local]
    step = step if step in steps_of(one.config, one.side) else CONVOLVED[-1]
    picked = {"head": head} if head >= 0 else {}
    picked |= {"token": token, "key": -1 if points else key, "unit": entry, "layer": column["layer"] or 0}
    state.change(step=step, **picked, **({"stack": one.side} if one.side else {}))
