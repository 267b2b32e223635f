"""Scores to weights that sum to one."""

from functools import partial

import numpy as np
import torch

from app import state
from app.edits import drop, put
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.controls import slider_of
from app.ui.figures import bars, shares
from app.ui.heatmaps import WEIGHTS, picture
from app.ui.page import changing, columns
from app.ui.source import code
from app.ui.words import told, words
from engine.analysis import entropy
from engine.model.attention import attend
from engine.trace.tap import Edit

MOST = 20  # bars shown
TEMPERATURES = (0.1, 5.0)


def draw(ctx: StepContext) -> None:
    point, seen = ctx.point("attn.pattern"), ctx.seen
    ctx = ctx.strongest(key=point)
    view, tempered = ctx.view, ctx.edit_of("attn.masked", "scale")
    own = ctx.with_edits(drop(ctx.edits, tempered)).trace[point][0, view.head, view.token]
    left, right = columns(7, 4)
    with left:
        a, b = columns(6, 5)
        with a:
            picture(ctx, point, "Weights (each row sums to 1)", height=350, **WEIGHTS)
        with b:
            _row(ctx, ctx.trace[point][0, view.head, view.token], own, temperature_of(tempered))
        best = own.topk(min(2, len(seen))).indices.tolist()
        changing(
            told(
                ctx,
                "softmax/sentence" if len(seen) > 1 else "softmax/alone",
                *["tempered"] * bool(tempered),
                token=ctx.token,
                first=ctx.names[best[0]],
                first_share=float(own[best[0]]),
                second=ctx.names[best[-1]],
                second_share=float(own[best[-1]]),
            )
        )
    with right:
        arithmetic(ctx, (point, view.head, view.token, view.key))
        words(ctx, "softmax/rows")
        code(attend, entropy)


def temperature_of(edit: Edit | None) -> float:
    """The temperature that a what-if divides a block's scores by."""
    return round(1 / edit.value, 2) if edit and edit.value else 1.0


def _set_temperature(ctx: StepContext, temperature: float) -> None:
    """Divide the masked scores of the picked block by a temperature."""
    point = ctx.point("attn.masked")
    edit = Edit(point, "scale", value=1 / temperature)
    old, new = ctx.edit_of("attn.masked", "scale"), () if temperature == 1 else (edit,)
    state.edit(lambda edits: put(drop(edits, old), *new))


def _row(ctx: StepContext, row: torch.Tensor, own: torch.Tensor, temperature: float) -> None:
    """The picked row as bars, with a temperature to play with; then also the row without it."""
    view, label = ctx.view, "Temperature of this block's softmax (1 is the model's own)"
    act = partial(_set_temperature, ctx)
    slider_of("softmax-temperature", label, temperature, *TEMPERATURES, 0.1, act, of=ctx.view.layer)
    seen = ctx.seen
    if len(seen) > MOST:
        seen = sorted(row.topk(MOST).indices.tolist())
    picked = seen.index(view.key) if view.key in seen else None
    rows = shares([ctx.labels[i] for i in seen], row[seen].tolist(), picked)
    title = f"Where “{ctx.token}” looks" + ("" if temperature == 1 else f", at temperature {temperature:g}")
    point = ctx.point("attn.pattern")
    both = ("temperature 1", f"temperature {temperature:g}", own[seen].tolist())
    original = None if temperature == 1 else both
    figure = bars(rows, "token", "weight", height=300, percent=True, original=original)
    chart(ctx, "row", figure, title, point=point, pick=(seen, lambda i: state.change(key=i)))
    most = float(np.log2(len(ctx.seen)))
    words(ctx, "softmax/entropy", entropy=float(entropy(row)), most=most, temperature=temperature)
