"""Cross-attention: what the decoder takes from the encoder's vectors, token by token."""

from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.figures import bars, shares
from app.ui.heatmaps import WEIGHTS, head_grid, picture
from app.ui.images import attention_overlay, looks
from app.ui.page import columns
from app.ui.source import code
from app.ui.what_ifs import taken_out
from app.ui.words import words
from app.views.walk.steps.aligning import aligns
from engine.config import RecurrentConfig
from engine.model import attention
from engine.model.block import Block
from engine.model.recurrent import Attention


def draw(ctx: StepContext) -> None:
    point, source = ctx.point("cross.pattern"), ctx.memory.labels
    ctx = ctx.strongest(key=point)
    view, pattern = ctx.view, ctx.array(point)
    row = pattern[view.head, view.token]
    left, right = columns(7, 4)
    with left:
        head_grid(ctx, "cross.pattern", pattern)
        best = int(row.argmax())
        called = dict(token=ctx.token, best=ctx.memory.names[best])
        a, b = columns(6, 5)
        with a:
            picture(ctx, point, "Who looks where in the source text", height=280, **WEIGHTS)
        with b:
            rows = shares(source, row, view.key)
            title = f"Where “{ctx.token}” looks"
            chart(ctx, "cross", bars(rows, "token", "weight", height=280, percent=True), title, point=point)
        words(ctx, "cross/sentence", head=view.head, share=float(row[best]), **called)
        aligns(ctx, view.layer, view.head)
    with right:
        taken_out(ctx, "cross.out", f"Cross-attention of block {view.layer}")
        cell = (view.head, view.token, view.key)
        arithmetic(ctx, (point, *cell), (ctx.point("cross.dots"), *cell))
        words(ctx, "cross/why")
        code(Block.forward, attention.Attention.forward)


def seen(ctx: StepContext) -> None:
    """Where the decoder looks at the image while it writes each word of a caption."""
    carried = isinstance(ctx.config, RecurrentConfig)
    scores, weights = (ctx.whole(f"cross.{name}") for name in ("align", "weights"))
    if not carried:
        scores, weights = ctx.point("cross.dots"), ctx.point("cross.pattern")
    ctx = ctx.strongest(key=weights)
    view = ctx.view
    head = () if carried else (view.head,)
    row = ctx.array(weights)[(*head, view.token)]
    left, right = columns(7, 4)
    with left:
        written = ctx.trace[ctx.whole("logits")][0].argmax(-1).tolist()
        says = ["(end)" if id == ctx.model.end else ctx.label_of(id) for id in written]
        looks(ctx, "Where the decoder looks while it writes each word", weights, says)
        best, patches = int(row.argmax()), ctx.memory.labels
        a, b = columns(5, 6)
        with a:
            attention_overlay(ctx, f"Where “{ctx.token}” looks", weights, height=270)
        with b:
            picture(ctx, weights, "The same weights as a heat map", height=270, **WEIGHTS)
        words(
            ctx,
            "cross/sentence",
            head=view.head,
            token=ctx.token,
            says=says[view.token],
            best=patches[best],
            share=float(row[best]),
            first=float(row[0]),
        )
    with right:
        cell = (*head, view.token, view.key)
        arithmetic(ctx, (weights, *cell), (scores, *cell))
        words(ctx, "cross/why")
        code(Attention.forward if carried else Block.forward)
