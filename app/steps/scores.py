"""Every query times every key, then divided by √d_k."""

import math

import streamlit as st

from app.figures import bars
from app.look import Look
from app.widgets import arithmetic, bound, chart, code, picture, words
from engine.attention import attend
from engine.tap import Edit


def draw(look: Look) -> None:
    view, width = look.view, look.config.head_width
    dots, scores = (
        look.array(look.point("attn.dots"))[view.head],
        look.array(look.point("attn.scores"))[view.head],
    )
    left, right = st.columns([7, 4], gap="medium")
    with left:
        words(
            look,
            "scores/sentence",
            token=look.token,
            key=look.key,
            dot=float(dots[view.token, view.key]),
            root=math.sqrt(width),
            width=width,
            score=float(scores[view.token, view.key]),
        )
        a, b = st.columns(2)
        with a:
            picture(look, look.point("attn.dots"), "Query · key", height=360)
        with b:
            picture(look, look.point("attn.scores"), "Divided by √d_k", height=360)
    with right:
        bound(st.toggle, "What if we did not divide?", "unscaled")
        if view.unscaled:
            _without(look, width)
        arithmetic(look, look.point("attn.dots"), view.head, view.token, view.key)
        arithmetic(look, look.point("attn.scores"), view.head, view.token, view.key)
        code(attend)


def _without(look: Look, width: int) -> None:
    """The picked row of the softmax as it is, and in a run that does not divide in this block."""
    view, point = look.view, look.point("attn.pattern")
    edit = Edit(look.point("attn.scores"), "scale", value=1 / look.config.scale(view.layer))
    traces = (look.trace, look.what_if(edit).trace)
    usual, other = (t[point][0, view.head, view.token].tolist() for t in traces)
    words(look, "scores/without", token=look.token, usual=max(usual), other=max(other))
    rows = []
    for i in look.seen:
        rows.append({"label": look.labels[i], "value": usual[i], "note": f"{usual[i]:.1%} → {other[i]:.1%}"})
    rows = sorted(rows, key=lambda row: -row["value"])[:8]
    chart(look, "without", bars(rows, "token", "weight", height=180, max=1.0), "Weights: divided → not divided")
