"""All heads of a block, their weighted sums, and how they are put together."""

import numpy as np

from app import catalogue
from app.ui.arithmetic import arithmetic
from app.ui.context import StepContext
from app.ui.controls import switch
from app.ui.heatmaps import WEIGHTS, head_grid, picture
from app.ui.images import attention_overlay
from app.ui.labels import token_labels
from app.ui.page import columns
from app.ui.source import code
from app.ui.what_ifs import taken_out
from app.ui.words import words
from engine.analysis import value_weighted, without_first
from engine.model.attention import Attention
from engine.worked import Check
from engine.worked.derived import check_value_weighted, check_without_first, worst

LARGE = 0.5  # share of the first token from which it is called a sink
NEEDED = 0.05  # probability that an answer must lose for the text to say that it needs a head


def draw(ctx: StepContext) -> None:
    weights, mixed = ctx.point("attn.pattern"), ctx.point("attn.z")
    ctx = ctx.strongest(key=weights, unit=mixed)
    view = ctx.view
    left, right = columns(7, 4)
    with left:
        array, variant, check = _pattern(ctx)
        head_grid(ctx, "attn.pattern", array, variant)
        row = ctx.array(weights)[view.head, view.token]  # the model's own, whatever the heat map shows
        first = float(row[0])
        a, b = columns(1, 1)
        with a:
            if ctx.config.image:
                attention_overlay(ctx, f"Where {ctx.token} looks, on the image", weights)
        with a:
            own = array if variant else None
            title = f"Attention weights of head {view.head} of block {view.layer}"
            shown = dict(array=own, variant=variant, check=check if variant else None)
            name = variant.capitalize() or "Weights"
            picture(ctx, weights, name, **shown, height=262, aria=title, **WEIGHTS)
        with b:
            picture(ctx, mixed, "Weighted sum of the values (z)", height=262)
        words(
            ctx,
            "heads/sentence" if len(ctx.seen) > 1 else "heads/alone",
            *["sink"] * (first >= LARGE),
            head=view.head,
            token=ctx.token,
            best=ctx.names[int(row.argmax())],
            share=float(row.max()),
            first=first,
        )
        _measured(ctx)
    with right:
        taken_out(ctx, "attn.z", f"Head {view.head} of block {view.layer}", {"H": view.head})
        switch("Hide the first token's share (attention sink)", "sink")
        switch("Multiply by the length of each value vector", "weighted")
        weight = [] if variant else [(weights, view.head, view.token, view.key)]
        arithmetic(ctx, (mixed, view.head, view.token, view.unit), *weight)
        words(ctx, "heads/concat", heads=ctx.config.heads, width=ctx.config.head_width)
        code(Attention.forward, without_first, value_weighted)


def _measured(ctx: StepContext) -> None:
    """For one of the model's own examples: what is left of its answer without this head."""
    examples = catalogue.examples(ctx.model.name) if ctx.model.name in catalogue.shipped() else []
    view = ctx.view
    here = dict(text=view.prompt, layer=view.layer, head=view.head, token=view.token)
    examples = [] if ctx.edits else examples
    found = next((e for e in examples if "after" in e and here.items() <= e.items()), None)
    if found:
        idle = found["before"] - found["after"] < NEEDED
        numbers = {name: found[name] for name in ("before", "after")}
        answer = token_labels([found["answer"].encode()])[0]
        words(ctx, "heads/without", *["idle"] * idle, answer=answer, **numbers)


def _pattern(ctx: StepContext) -> tuple[np.ndarray, str, Check]:
    """The block's pattern [H, T, S] as the switches want it, what was done to it, and the check of all that."""
    point, done = ctx.point("attn.pattern"), []
    pattern, checked = ctx.trace[point][0], [ctx.checked(point)]
    if ctx.view.weighted:
        values, before = ctx.trace[ctx.point("attn.v")][0], pattern
        pattern = value_weighted(before, values)
        done.append("times the length of the values")
        checked.append(check_value_weighted(before, values, pattern))
    if ctx.view.sink:
        before, pattern = pattern, without_first(pattern)
        done.append("without the first token")
        checked.append(check_without_first(before, pattern))
    return pattern.cpu().numpy(), ", ".join(done) and f"weights {' and '.join(done)}", worst(checked)
