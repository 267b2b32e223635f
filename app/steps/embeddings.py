"""Step 2: a row of the token table; in models with learned positions, plus a row of the position table."""

import numpy as np
import streamlit as st

from app import compute, state
from app.figures import bars, graph, series
from app.look import Look
from app.widgets import arithmetic, chart, code, picture, words
from engine.embed import Embed

PICTURES = {
    "learned": {
        "token": "Rows of the token table, one a token",
        "position": "Rows of the position table, one a place",
        "out": "Their sum: what enters the first block",
    },
    "rotary": {
        "token": "Rows of the token table, one a token",
        "out": "What enters the first block: the same, nothing is added",
    },
}


def draw(look: Look) -> None:
    view = look.view
    left, right = st.columns([7, 4], gap="medium")
    parts = PICTURES[look.model.config.positions]
    sizes = {f"{part}_size": float(np.linalg.norm(look.array(f"embed.{part}")[view.token])) for part in parts}
    ids, cosines = compute.neighbours(look.model.name, look.ids[view.token])
    names = [look.label_of(id) for id in ids]
    with left:
        words(
            look,
            "embeddings/sentence",
            token=look.token,
            id=look.ids[view.token],
            width=look.model.config.width,
            position=view.token,
            **sizes,
            nearest=names[0],
            cosine=cosines[0],
        )
        for part, title in parts.items():
            picture(look, f"embed.{part}", title, height=354 // len(parts))
    with right:
        arithmetic(look, "embed.out", view.token, view.unit)
        rows = [{"label": name, "value": c} for name, c in zip(names, cosines, strict=True)]
        header = bars(rows, "token", "cosine", height=170, max=1.0)
        chart(look, "nearest", header, "Nearest in the token table, by cosine")
        flat = compute.flat(look.model.name, view.prompt)
        dots = series("tokens", flat[:, 0], flat[:, 1], "dots", look.labels)
        header = graph([dots], "widest direction", "second widest", height=230, picked=view.token)
        chart(
            look,
            "map",
            header,
            "The prompt's tokens on a flat map (PCA of embed.token)",
            pick=lambda i: state.change(token=int(i)),
        )
        words(look, "embeddings/positions")
        code(Embed.forward)
