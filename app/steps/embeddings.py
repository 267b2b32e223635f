"""The first vectors: rows of the model's tables, or patches of an image, and their sum."""

import numpy as np
import streamlit as st

from app import compute, state
from app.figures import bars, graph, series
from app.look import Look
from app.widgets import arithmetic, chart, code, picture, words

TITLES = {
    "token": "Rows of the token table, one a token",
    "position": "Rows of the position table, one a place",
    "segment": "Rows of the segment table: first or second text",
}
PATCHES = "Each patch times a matrix; one learned vector stands before them"


def draw(look: Look) -> None:
    view, image = look.view, look.model.config.image
    sizes = {
        f"{part}_size": float(np.linalg.norm(look.array(f"embed.{part}")[view.token])) for part in _parts(look)
    }
    near = _nearest(look)
    left, right = st.columns([7, 4], gap="medium")
    with left:
        words(
            look,
            "embeddings/sentence",
            token=look.token,
            id=look.ids[view.token],
            width=look.model.config.width,
            position=view.token,
            nearest=near[0]["label"],
            cosine=near[0]["value"],
            **sizes,
        )
        parts = _parts(look)
        for part, title in parts.items():
            picture(look, f"embed.{part}", title, height=354 // len(parts))
    with right:
        arithmetic(
            look, "embed.norm.out" if look.model.config.embed_norm else "embed.out", view.token, view.unit
        )
        title = "Places most alike in the position table" if image else "Nearest in the token table"
        chart(look, "nearest", bars(near, "token", "cosine", height=170, max=1.0), f"{title}, by cosine")
        _map(look)
        words(look, "embeddings/positions")
        code(type(look.model.embed).forward)


def _parts(look: Look) -> dict[str, str]:
    """The parts that are added and what comes out, each with its title."""
    config = look.model.config
    added = look.sources("embed.sum" if config.embed_norm else "embed.out")
    titles = {name.removeprefix("embed."): TITLES[name.removeprefix("embed.")] for name in added}
    if config.image:
        titles["token"] = PATCHES
    if len(added) == 1:
        return titles | {"out": "What enters the first block: the same, nothing is added"}
    out = "Their sum, normed" if config.embed_norm else "Their sum"
    return titles | {"out": f"{out}: what enters the first block"}


def _nearest(look: Look) -> list[dict]:
    """The tokens whose rows are most alike to the picked one's; of an image, the places."""
    if look.model.config.image:
        rows, cosines = compute.neighbours(look.model.name, "position", look.view.token)
        names = [look.labels[i] for i in rows]
    else:
        rows, cosines = compute.neighbours(look.model.name, "token", look.ids[look.view.token])
        names = [look.label_of(i) for i in rows]
    return [{"label": name, "value": cosine} for name, cosine in zip(names, cosines, strict=True)]


def _map(look: Look) -> None:
    flat = compute.flat(look.model.name, look.given)
    dots = series("tokens", flat[:, 0], flat[:, 1], "dots", look.labels)
    header = graph([dots], "widest direction", "second widest", height=230, picked=look.view.token)
    what = "patches" if look.model.config.image else "prompt's tokens"
    title = f"The {what} on a flat map (PCA of embed.token)"
    chart(look, "map", header, title, pick=lambda i: state.change(token=int(i)))
