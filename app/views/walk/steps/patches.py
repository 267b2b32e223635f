"""An image cut into patches: the values of each, row by row."""

from app.ui.arithmetic import arithmetic
from app.ui.context import StepContext
from app.ui.heatmaps import picture
from app.ui.images import attention_overlay
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from engine.model.embed import patchify


def draw(ctx: StepContext) -> None:
    config, pixels = ctx.config, ctx.whole("embed.pixels")
    ctx = ctx.strongest(unit=pixels)
    patch = max(ctx.view.token - 1, 0)
    left, right = columns(7, 4)
    with left:
        a, b = columns(4, 5)
        with a:
            attention_overlay(ctx, "The image, cut into patches", height=300)
        with b:
            picture(ctx, pixels, "Each patch as a row of values", height=300)
        words(ctx, "tokens/counts", pixels=config.image, patches=config.patches, side=config.patch)
    with right:
        words(ctx, "tokens/picked", patch=ctx.labels[patch + 1], n=config.channels * config.patch**2)
        arithmetic(ctx, (pixels, patch, ctx.view.unit), (ctx.whole("embed.patch"), patch, ctx.view.unit))
        words(ctx, "tokens/why", patches=config.patches)
        code(patchify)
