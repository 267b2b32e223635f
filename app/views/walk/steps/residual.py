"""What was added to the stream, and how much that is."""

import numpy as np

from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.figures import graph, series
from app.ui.heatmaps import picture
from app.ui.page import columns
from app.ui.source import code
from app.ui.what_ifs import taken_out
from app.ui.words import words
from engine.model.block import Block
from engine.model.sublayer import Sublayer
from engine.worked.derived import check_lengths, worst


def draw(ctx: StepContext) -> None:
    total, added = ctx.point("attn.sum" if ctx.config.post_norm else "resid_mid"), ctx.point("attn.out")
    ctx = ctx.strongest(unit=added)
    view, points = ctx.view, (*ctx.sources(total), total)
    vectors = [ctx.array(point) for point in points]
    left, right = columns(7, 4)
    sizes = [np.linalg.norm(x, axis=-1) for x in vectors]
    with left:
        titles = ("The stream", "+ attention's output", "= the stream after attention")
        for point, title in zip(points, titles, strict=True):
            picture(ctx, point, title, height=125, among=points)
        words(
            ctx,
            "residual/sentence",
            token=ctx.token,
            before=float(sizes[0][view.token]),
            added=float(sizes[1][view.token]),
            after=float(sizes[2][view.token]),
            cosine=cosine(vectors[0][view.token], vectors[1][view.token]),
        )
    with right:
        taken_out(ctx, "attn.out", f"Attention of block {view.layer}")
        arithmetic(ctx, (total, view.token, view.unit), (added, view.token, view.unit))
        positions = range(len(ctx.labels))
        lines = [
            series(name, positions, size)
            for name, size in zip(("stream before", "added", "stream after"), sizes, strict=True)
        ]
        figure = graph(lines, "token", "length of the vector", height=250, zero=True, ticks=ctx.labels)
        check = worst(check_lengths(ctx.trace[p][0], size) for p, size in zip(points, sizes, strict=True))
        chart(ctx, "sizes", figure, "Length (norm) of the vectors", point=total, check=check)
        words(ctx, "residual/why")
        code(Block.forward, Sublayer.add_to)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The cosine of the angle between two vectors: 1 is the same direction, 0 a right angle."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12))
