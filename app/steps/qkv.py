"""Query, key and value, each X·W + b; in models with rotary positions, query and key then turned."""

import streamlit as st

from app import components
from app.figures import graph, series
from app.look import Look
from app.widgets import arithmetic, chart, choice, code, picture, words
from engine.attention import Attention
from engine.position import rotate, turns

LETTERS = {"q": "Query", "q_rot": "Query, turned", "k": "Key", "k_rot": "Key, turned", "v": "Value"}


def draw(look: Look) -> None:
    rotary, config = look.config.rotary, look.config
    left, right = st.columns([7, 4], gap="medium")
    with left:
        offered = {letter: name for letter, name in LETTERS.items() if rotary or "_" not in letter}
        choice("Which of them", "letter", offered)
        turned = look.view.letter.endswith("_rot")
        (_turn if turned else _product)(look)
    with right:
        point = look.point(f"attn.{look.view.letter}")
        arithmetic(look, point, look.head_in(point), look.view.token, look.view.unit)
        words(
            look,
            "qkv/heads",
            heads=config.heads,
            width=config.head_width,
            wide=config.width,
            groups=config.key_heads,
            share=config.shared_by,
        )
        code(*([rotate, turns] if turned else [Attention.forward]))


def _product(look: Look) -> None:
    """X · W + b, the whole of it, with the head's columns marked."""
    view, width, wide = look.view, look.config.head_width, look.config.width
    head, tokens = look.head_in(look.point(f"attn.{view.letter}")), len(look.labels)
    first = head * width
    marked = dict(head=view.head, group=head, first=first, last=first + width - 1)
    words(look, f"qkv/{view.letter}", token=look.token, tokens=tokens, wide=wide, width=width, **marked)
    x, w, y = st.columns([4, 3, 3])  # X · W + b = Q
    with x:
        row = ["row", view.token, view.token + 1]
        picture(look, look.sources(look.point("attn.q"))[0], f"X  {tokens}×{wide}", height=230, bands=[row])
    with w:
        _weights(look, first, width)
    with y:
        title = f"{LETTERS[view.letter]}  {tokens}×{width}"
        picture(look, look.point(f"attn.{view.letter}"), title, height=230, plain=True)


def _turn(look: Look) -> None:
    """The query or key turned by its place: the whole head, and one pair of its numbers as an arrow."""
    view, half = look.view, look.config.head_width // 2
    before, after = look.point(f"attn.{view.letter[0]}"), look.point(f"attn.{view.letter}")
    head = look.head_in(after)
    pair = min(view.unit, 2 * half - 1) % half
    angle = float(look.stack.angles(0, len(look.labels))[view.token, pair])
    words(look, "qkv/turn", token=look.token, place=view.token, pair=pair, other=pair + half, angle=angle)
    a, b = st.columns(2)
    with a:
        picture(look, after, f"{LETTERS[view.letter]} by each token's place", height=230)
    with b:
        arrows = [
            series(name, *([0, x[head, view.token, i]] for i in (pair, pair + half)), labels=["0", name])
            for name, x in (("before", look.array(before)), ("after", look.array(after)))
        ]
        header = graph(arrows, f"number {pair}", f"number {pair + half}", height=230, square=True)
        chart(look, "turn", header, f"Pair {pair} of {look.token}, before and after the turn", point=after)


def _weights(look: Look, first: int, width: int) -> None:
    """The whole weight matrix, with the columns that make this head marked."""
    letter = look.view.letter
    name = look.point(f"attn.{letter}")
    weight = look.model.get_submodule(name).weight.T.cpu().numpy()  # [D in, D out], as in X·W
    id = f"{look.model.name}|{name}.weight"
    look.tensors[id] = weight[None]
    header = {
        "src": id,
        "axes": "WW",
        "title": f"W_{letter.upper()}  {weight.shape[0]}×{weight.shape[1]}",
        "aria": f"The weights of {name}; head {look.view.head} uses columns {first} to {first + width - 1}",
        "rows": [None],
        "cols": [None],
        "rowName": "row",
        "colName": "column",
        "scale": "diverging",
        "height": 210,
        "bands": [["col", first, first + width]],
        "foot": f"{name}.weight",
        "model": look.model.name,
    }
    components.matrix("matrix-weight", header)
