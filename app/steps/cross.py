"""Cross-attention: what the decoder asks of the encoder's vectors, word by word."""

import streamlit as st

from app.figures import bars, shares
from app.look import Look
from app.widgets import WEIGHTS, arithmetic, chart, code, laid, looks, picture, thumbs, words
from engine.block import Block
from engine.config import RecurrentConfig
from engine.recurrent import Attention


def draw(look: Look) -> None:
    view, source = look.view, look.memory.labels
    point, pattern = look.point("cross.pattern"), look.array(look.point("cross.pattern"))
    row = pattern[view.head, view.token]
    left, right = st.columns([7, 4], gap="medium")
    with left:
        thumbs(look, "cross.pattern", pattern)
        best = int(row.argmax())
        words(
            look, "cross/sentence", head=view.head, token=look.token, best=source[best], share=float(row[best])
        )
        a, b = st.columns([6, 5])
        with a:
            picture(look, point, "Who looks where in the other text", height=330, **WEIGHTS)
        with b:
            rows = shares(source, row, view.key)
            title = f"Where “{look.token}” looks"
            chart(look, "cross", bars(rows, "token", "weight", height=330, percent=True), title, point=point)
    with right:
        picks = {"dots": view.key, "pattern": view.key, "z": view.unit}
        cells = [(look.point(f"cross.{name}"), view.head, view.token, i) for name, i in picks.items()]
        arithmetic(look, *cells)
        words(look, "cross/why")
        code(Block.forward)


def seen(look: Look) -> None:
    """Where each word of a caption looks at the image while it is written."""
    view, carried = look.view, isinstance(look.config, RecurrentConfig)
    names = ("align", "weights", "context") if carried else ("dots", "pattern", "z")
    scores, weights, found = (look.whole(f"cross.{n}") if carried else look.point(f"cross.{n}") for n in names)
    head = () if carried else (view.head,)
    row = look.array(weights)[(*head, view.token)]
    left, right = st.columns([7, 4], gap="medium")
    with left:
        written = look.trace[look.whole("logits")][0].argmax(-1).tolist()
        says = ["(end)" if id == look.model.end else look.label_of(id) for id in written]
        looks(look, "Where each word looks while it is written", weights, says)
        best, patches = int(row.argmax()), look.memory.labels
        words(
            look,
            "cross/sentence",
            head=view.head,
            token=look.token,
            says=says[view.token],
            best=patches[best],
            share=float(row[best]),
            first=float(row[0]),
        )
        a, b = st.columns([5, 6])
        with a:
            laid(look, f"Where “{look.token}” looks", weights, height=270)
        with b:
            picture(look, weights, "The same as rows of weights", height=270, **WEIGHTS)
    with right:
        at = (*head, view.token)
        arithmetic(look, (scores, *at, view.key), (weights, *at, view.key), (found, *at, view.unit))
        words(look, "cross/why")
        code(Attention.forward if carried else Block.forward)
