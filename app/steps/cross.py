"""Cross-attention: what the decoder asks of the encoder's vectors, word by word."""

import streamlit as st

from app.figures import bars, shares
from app.look import Look
from app.widgets import arithmetic, chart, code, picture, thumbs, words
from engine.block import Block


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
            picture(look, point, "Who looks where in the other text", scale="sequential", top=1.0, height=330)
        with b:
            rows = shares(source, row, view.key)
            title = f"Where “{look.token}” looks"
            chart(look, "cross", bars(rows, "token", "weight", height=330, max=1.0), title, point=point)
    with right:
        arithmetic(look, look.point("cross.dots"), view.head, view.token, view.key)
        arithmetic(look, look.point("cross.pattern"), view.head, view.token, view.key)
        arithmetic(look, look.point("cross.z"), view.head, view.token, view.unit)
        words(look, "cross/why")
        code(Block.forward)
