"""Who may look at whom."""

from app import state
from app.edits import drop, put
from app.ui.arithmetic import arithmetic
from app.ui.context import StepContext
from app.ui.controls import choice_of, number_of
from app.ui.heatmaps import WEIGHTS, picture
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from engine.masks import causal_mask, full_mask, mask_of
from engine.trace.tap import Edit

CAUSAL = {
    "own": "causal (this model's)",
    "none": "none",
    "window": "sliding window",
    "prefix": "prefix",
    "padding": "padding",
}
FULL = {
    "own": "none (this model's)",
    "filled": "padding",
    "causal": "causal",
    "window": "window",
    "prefix": "prefix",
}
WINDOWS = (1, 9_999)  # tokens
COUNTED = ("window", "prefix", "padding", "filled")


def draw(ctx: StepContext) -> None:
    ctx = ctx.strongest(key=ctx.point("attn.pattern"))
    view, kinds = ctx.view, CAUSAL if ctx.config.causal else FULL
    picked = ctx.masking.value[0] if ctx.masking else "own"
    seen = ctx.trace[ctx.point("attn.mask")][0, view.head, view.token]
    left, right = columns(7, 4)
    with left:
        a, b = columns(3, 1, align="end")
        with a:
            offered = kinds | {picked: kinds.get(picked, picked)}
            choice_of("mask", "Mask", picked, offered, lambda kind: _mask(ctx, kind, ctx.window), of=view.layer)
        with b:
            if picked in COUNTED:
                counted = lambda n: _mask(ctx, picked, n)  # noqa: E731
                number_of("window", "How many tokens", ctx.window, *WINDOWS, counted, of=(view.layer, picked))
        counts = dict(seen=int(seen.sum()), cut=int((~seen).sum()))
        a, b = columns(1, 1)
        with a:
            picture(ctx, ctx.point("attn.masked"), "Scores after the mask", height=350)
        with b:
            title = "The resulting weights"
            picture(ctx, ctx.point("attn.pattern"), title, height=350, **WEIGHTS)
        words(ctx, f"mask/{picked}", token=ctx.token, **counts)
    with right:
        cell = (view.head, view.token, view.key)
        arithmetic(ctx, (ctx.point("attn.masked"), *cell), (ctx.point("attn.pattern"), *cell))
        own = causal_mask if ctx.config.causal else full_mask
        code(own if picked == "own" else mask_of)


def _mask(ctx: StepContext, kind: str, n: int) -> None:
    """Give the picked block another mask, or its own again."""
    new = () if kind == "own" else (Edit(ctx.point("attn.mask"), "mask", value=(kind, n)),)
    state.edit(lambda edits: put(drop(edits, ctx.masking), *new))
