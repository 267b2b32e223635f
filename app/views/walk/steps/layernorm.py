"""A token's vector normalised, step by step, as this model does it."""

import numpy as np

from app.architecture import norms_of
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.controls import choice
from app.ui.figures import graph, histogram
from app.ui.heatmaps import picture
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words

PARTS = {"attn": "attention", "cross": "cross-attention", "mlp": "the MLP"}
BEFORE = {part: f"before {name}" for part, name in PARTS.items()} | {"final": "the final norm"}
AFTER_SUMS = {"embed": "of the embeddings"} | {part: f"after {name}" for part, name in PARTS.items()}
MEASURES = {"layer": ("mean", "var"), "rms": ("square",)}  # points with one number per token
AFTER = {"layer": "Normalised: mean 0, variance 1", "rms": "Normalised: mean square 1"}


def draw(ctx: StepContext) -> None:
    prefix, source = _points(ctx)
    ctx = ctx.strongest(unit=f"{prefix}.out")
    view, norm = ctx.view, ctx.config.norm
    points = (source, f"{prefix}.scaled", f"{prefix}.out")
    before, after, out = (ctx.array(point)[view.token] for point in points)
    measures = {name: float(ctx.array(f"{prefix}.{name}")[view.token, 0]) for name in MEASURES[norm]}
    left, right = columns(7, 4)
    with left:
        names = AFTER_SUMS if ctx.config.post_norm else BEFORE
        choice("Which norm", "norm", {norm: names[norm] for norm in names if norm in norms_of(ctx.config)})
        a, b = columns(1, 1)
        with a:
            figure = graph([histogram("before", before)], "value", "count", height=190)
            chart(ctx, "before", figure, "Before", point=source)
        with b:
            figure = graph([histogram("after", after)], "value", "count", height=190)
            chart(ctx, "after", figure, AFTER[norm], point=f"{prefix}.scaled")
        words(
            ctx,
            "layernorm/sentence",
            token=ctx.token,
            width=len(before),
            **measures,
            before_mean=float(before.mean()),
            after_mean=float(after.mean()),
            after_var=float(after.var()),
            after_square=float(np.square(after).mean()),
            out_mean=float(out.mean()),
            out_var=float(out.var()),
            out_square=float(np.square(out).mean()),
        )
        title = "The output of the norm, for every token"
        picture(ctx, f"{prefix}.out", title, height=190)
    with right:
        picks = dict.fromkeys(measures, 0) | {"scaled": view.unit, "out": view.unit}
        arithmetic(
            ctx, *((f"{prefix}.{name}", view.token, i) for name, i in picks.items()), open=len(picks) - 1
        )
        code(type(ctx.model.get_submodule(prefix)).forward)


def _points(ctx: StepContext) -> tuple[str, str]:
    """The picked norm's name and the point that it reads."""
    whole = {"final": "final_norm", "embed": "embed.norm"}
    norm = whole.get(ctx.view.norm)
    prefix = ctx.whole(norm) if norm else ctx.point(f"{ctx.view.norm}.norm")
    first = MEASURES[ctx.config.norm][0]
    return prefix, ctx.sources(f"{prefix}.{first}")[0]
