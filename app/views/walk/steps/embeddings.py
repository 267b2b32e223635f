"""The first vectors: rows of the model's tables, or patches of an image, and their sum."""

import numpy as np

from app import compute, state
from app.text import say
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.controls import unfold
from app.ui.figures import bars, dots, graph, space
from app.ui.heatmaps import picture
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from engine.position import sinusoids

TITLES = {
    "token": "Rows of the token table, one per token",
    "scaled": "Rows of the token table, times √D",
    "position": "Rows of the position table, one per position",
    "segment": "Rows of the segment table: first or second text",
}
CELLS = "Each cell of the last maps: a number from every filter"
PATCHES = "Each patch times a matrix; one learned vector comes before them"
WAVES = "Sines and cosines of the position, slower from left to right"
ALONE = "Rows of the token table, one per token: they enter the first block as they are"
FIRST = 2000  # entries of the vocabulary in the 3D map


def draw(ctx: StepContext) -> None:
    config, total = ctx.config, ctx.whole("embed.sum" if ctx.config.embed_norm else "embed.out")
    ctx = ctx.strongest(unit=total)
    view = ctx.view
    table = ctx.whole("embed.position" if config.image else "embed.token")
    placed = not config.image or table in ctx.trace.table  # cells may have no places
    near = nearest(ctx, table) if placed else [{"label": "", "value": 0.0}]
    parts = _parts(ctx, total)
    sizes = {f"{part}_size": float(np.linalg.norm(ctx.array(point)[view.token])) for part, point, *_ in parts}
    sizes["size"] = next(iter(sizes.values()))  # of the token's own vector, scaled where the model scales it
    left, right = columns(7, 4)
    with left:
        for _, point, title, among in parts:
            picture(ctx, point, title, height=max(354 // len(parts), 115), among=among)
        words(
            ctx,
            "embeddings/sentence",
            token=ctx.token,
            id=ctx.ids[view.token],
            width=config.width,
            position=view.token,
            nearest=near[0]["label"],
            cosine=near[0]["value"],
            **sizes,
        )
        if not config.image:
            _space(ctx)
    with right:
        worked = (*((total,) if config.embed_norm else ()), parts[-1][1])
        arithmetic(ctx, *((point, view.token, view.unit) for point in worked))
        title = "Nearest in the position table" if config.image else "Nearest in the token table"
        if placed:
            show_nearest(ctx, near, table, f"{title}, by cosine")
        _map(ctx)
        words(ctx, "embeddings/positions")
        code(type(ctx.stack.embed).forward, *([sinusoids] if config.positions == "sinusoidal" else []))


def _parts(ctx: StepContext, total: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """The parts that are added and their sum: for each its name, its point, its title, and the points that
    share its scale. A row that nothing is added to is drawn once."""
    config, added = ctx.config, ctx.sources(total)
    titles = TITLES | ({"token": CELLS if config.filters else PATCHES} if config.image else {})
    titles |= {"position": WAVES} if config.positions == "sinusoidal" else {}
    if len(added) == 1 and not config.embed_norm:
        return [("token", added[0], ALONE, ())]
    among = added if config.embed_norm else (*added, total)
    parts = [(part := ctx.trace.table[point].short, point, titles[part], among) for point in added]
    if config.embed_norm:
        out = "Their sum, normalised" if len(added) > 1 else "The same, normalised"
        where = "what enters the first block" if config.layers else "what is handed on"
        return [*parts, ("out", ctx.whole("embed.out"), f"{out}: {where}", ())]
    return [*parts, ("out", total, "Their sum: what enters the first block", among)]


def nearest(ctx: StepContext, table: str) -> list[dict]:
    """The rows of a table of tokens, or of an image's positions, most similar to the picked one's."""
    image = ctx.config.image
    row, label = (ctx.view.token, ctx.labels.__getitem__) if image else (ctx.ids[ctx.view.token], ctx.label_of)
    rows, cosines = compute.neighbours(ctx.model.name, table, row)
    return [{"label": label(i), "value": cosine} for i, cosine in zip(rows, cosines, strict=True)]


def show_nearest(ctx: StepContext, near: list[dict], table: str, title: str) -> None:
    """What `nearest` found, with its check."""
    row = ctx.view.token if ctx.config.image else ctx.ids[ctx.view.token]
    check = compute.checked_neighbours(ctx.model.name, table, row)
    figure = bars(near, "token", "cosine", height=170, top=1.0)
    chart(ctx, "nearest", figure, title, foot=f"{table}.weight", check=check)


def picked(ctx: StepContext) -> tuple:
    """That a point of a chart stands for a token of the prompt, and picks it."""
    return list(enumerate(ctx.ids)), lambda token: state.change(token=token[0])


def _map(ctx: StepContext) -> None:
    flat = compute.flat(ctx.model.name, ctx.given, ctx.whole("embed.token"), ctx.edits)
    tokens = dots("tokens", flat[:, 0], flat[:, 1], ctx.labels, ctx.view.token, height=250)
    figure = graph([tokens], "1st principal component", "2nd principal component", height=250)
    what = ctx.pieces["pieces"] if ctx.config.image else "prompt's tokens"
    title = f"The {what} in two dimensions (PCA of embed.token)"
    check = compute.checked_flat(ctx.model.name, ctx.given, ctx.whole("embed.token"), ctx.edits)
    chart(ctx, "map", figure, title, check=check, pick=picked(ctx))


def _space(ctx: StepContext) -> None:
    """The token table in three dimensions, if unfolded: its first entries, and the prompt's tokens named."""
    title = say("walk", "embeddings/space")
    place, open = unfold("space", title)
    if not open:
        return
    table = ctx.whole("embed.token")
    points, share = compute.in_space(ctx.model.name, table, FIRST)
    rest = points[:FIRST]
    labels = [ctx.label_of(i) for i in range(len(rest))]
    with place:
        figure = space(rest, points[ctx.ids], (labels, ctx.labels), ctx.view.token)
        told = dict(foot=f"{table}.weight", check=compute.checked_space(ctx.model.name, table, FIRST))
        chart(ctx, "space", figure, title, **told, pick=picked(ctx))
        words(ctx, "embeddings/space/words", first=len(rest), share=share)
