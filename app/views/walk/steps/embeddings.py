"""The first vectors: rows of the model's tables, or patches of an image, and their sum."""

import numpy as np

from app import compute, state
from app.text import say
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import Look
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
PATCHES = "Each patch times a matrix; one learned vector stands before them"
WAVES = "Sines and cosines of the position, ever slower from left to right"
ALONE = "Rows of the token table, one a token: nothing is added, so they enter the first block"
FIRST = 2000  # entries of the vocabulary in the map in space


def draw(look: Look) -> None:
    config, total = look.config, look.whole("embed.sum" if look.config.embed_norm else "embed.out")
    look = look.strongest(unit=total)
    view = look.view
    table = look.whole("embed.position" if config.image else "embed.token")
    near = nearest(look, table)
    parts = _parts(look, total)
    sizes = {f"{part}_size": float(np.linalg.norm(look.array(point)[view.token])) for part, point, *_ in parts}
    sizes["size"] = next(iter(sizes.values()))  # of the token's own vector, scaled where the model scales it
    left, right = columns(7, 4)
    with left:
        words(
            look,
            "embeddings/sentence",
            token=look.token,
            id=look.ids[view.token],
            width=config.width,
            position=view.token,
            nearest=near[0]["label"],
            cosine=near[0]["value"],
            **sizes,
        )
        for _, point, title, among in parts:
            picture(look, point, title, height=max(354 // len(parts), 115), among=among)
        if not config.image:
            _space(look)
    with right:
        worked = (*((total,) if config.embed_norm else ()), parts[-1][1])
        arithmetic(look, *((point, view.token, view.unit) for point in worked))
        title = "Places most alike in the position table" if config.image else "Nearest in the token table"
        show_nearest(look, near, table, f"{title}, by cosine")
        _map(look)
        words(look, "embeddings/positions")
        code(type(look.stack.embed).forward, *([sinusoids] if config.positions == "sinusoidal" else []))


def _parts(look: Look, total: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """The parts that are added and what comes out: what each is called, its point, its title, and the points
    that share its scale. A row that nothing is added to is drawn once."""
    config, added = look.config, look.sources(total)
    titles = TITLES | ({"token": PATCHES} if config.image else {})
    titles |= {"position": WAVES} if config.positions == "sinusoidal" else {}
    if len(added) == 1 and not config.embed_norm:
        return [("token", added[0], ALONE, ())]
    among = added if config.embed_norm else (*added, total)
    parts = [(part := look.trace.table[point].short, point, titles[part], among) for point in added]
    if config.embed_norm:
        out = "Their sum, normalised" if len(added) > 1 else "The same, normalised"
        return [*parts, ("out", look.whole("embed.out"), f"{out}: what enters the first block", ())]
    return [*parts, ("out", total, "Their sum: what enters the first block", among)]


def nearest(look: Look, table: str) -> list[dict]:
    """The rows of a table of tokens, or of an image's places, that are most alike to the picked one's."""
    image = look.config.image
    row, label = (
        (look.view.token, look.labels.__getitem__) if image else (look.ids[look.view.token], look.label_of)
    )
    rows, cosines = compute.neighbours(look.model.name, table, row)
    return [{"label": label(i), "value": cosine} for i, cosine in zip(rows, cosines, strict=True)]


def show_nearest(look: Look, near: list[dict], table: str, title: str) -> None:
    """What `nearest` found, with its check."""
    row = look.view.token if look.config.image else look.ids[look.view.token]
    check = compute.checked_neighbours(look.model.name, table, row)
    figure = bars(near, "token", "cosine", height=170, top=1.0)
    chart(look, "nearest", figure, title, foot=f"{table}.weight", check=check)


def _map(look: Look) -> None:
    flat = compute.flat(look.model.name, look.given, look.whole("embed.token"), look.edits)
    tokens = dots("tokens", flat[:, 0], flat[:, 1], look.labels, look.view.token, height=250)
    figure = graph([tokens], "widest direction", "second widest", height=250)
    what = "patches" if look.config.image else "prompt's tokens"
    title = f"The {what} on a flat map (PCA of embed.token)"
    check = compute.checked_flat(look.model.name, look.given, look.whole("embed.token"), look.edits)
    chart(look, "map", figure, title, check=check, pick=lambda i: state.change(token=int(i)))


def _space(look: Look) -> None:
    """The token table in space, when it is unfolded: its first entries, and the prompt's tokens by name."""
    title = say("walk", "embeddings/space")
    place, open = unfold("space", title)
    if not open:
        return
    table = look.whole("embed.token")
    points, share = compute.in_space(look.model.name, table, FIRST)
    rest = points[:FIRST]
    labels = [look.label_of(i) for i in range(len(rest))]
    with place:
        figure = space(rest, points[look.ids], (labels, look.labels), look.view.token)
        told = dict(foot=f"{table}.weight", check=compute.checked_space(look.model.name, table, FIRST))
        chart(look, "space", figure, title, **told, pick=lambda i: state.change(token=int(i)))
        words(look, "embeddings/space/words", first=len(rest), share=share)
