"""The stream through all blocks, and what the model would say if it stopped."""

import numpy as np
import streamlit as st

from app import components, compute, state
from app.figures import graph, series
from app.look import Look
from app.steps.company import company
from app.widgets import arithmetic, chart, code, picture, words
from engine.analysis import class_lens, lens


def draw(look: Look) -> None:
    view, config = look.view, look.config
    left, right = st.columns([7, 4], gap="medium")
    with left:
        if config.ending == "classes":
            _classes(look)
        elif config.ending == "nothing":
            words(look, "layers/memory")
            picture(look, look.ends[-1], "What leaves the last block", height=300)
        else:
            _tokens(look)
        if not (config.causal or config.image or look.side):
            company(look)
    with right:
        ends = look.ends
        sizes = [np.linalg.norm(look.array(end)[view.token]) for end in ends]
        ticks = [f"after {i - 1}" if i else "start" for i in range(len(sizes))]
        line = series(f"“{look.token}”", range(len(sizes)), sizes)
        figure = graph([line], "block", "length of the vector", height=220, zero=True, ticks=ticks)
        chart(look, "stream", figure, "How the stream grows", point=ends[-1])
        arithmetic(look, (look.point("resid_post"), view.token, view.unit))
        words(look, "layers/why")
        code(class_lens if config.ending == "classes" else lens)


def _tokens(look: Look) -> None:
    """The most probable token after each block [L + 1, T], its probability as colour."""
    ids, shares = compute.stops(look.model.name, look.given, look.side)
    texts = [[look.label_of(int(i)) for i in row] for row in ids]
    place = look.view.token
    _sentence(look, [row[place] for row in texts], float(shares[-1, place]))
    header = {
        "aria": "The most probable token after each block, for every token of the prompt",
        "cols": look.labels,
        "colName": "token",
        "texts": texts,
        "pick": [look.view.layer + 1, place],
        "height": 380 if look.config.causal else 250,
    }
    _grid(look, shares, header, lambda layer, token: state.change(layer=layer, token=token))


def _classes(look: Look) -> None:
    """The probability of each class after each block [L + 1, C]."""
    shares = compute.class_stops(look.model.name, look.given)
    labels = look.model.labels
    _sentence(look, [labels[i] for i in shares.argmax(-1)], float(shares[-1].max()))
    header = {
        "aria": "The probability of each class after each block",
        "cols": list(labels),
        "colName": "class",
        "pick": [look.view.layer + 1, int(shares[look.view.layer + 1].argmax())],
        "height": 250,
    }
    _grid(look, shares, header, lambda layer, _: state.change(layer=layer))


def _sentence(look: Look, says: list[str], share: float) -> None:
    """What it would say first and last, and from where on the answer stays the last one."""
    agreed = len(says) - 1
    while agreed and says[agreed - 1] == says[-1]:
        agreed -= 1
    values = dict(token=look.token, first=says[0], last=says[-1], share=share, agreed=agreed)
    words(look, "layers/sentence", **values)


def _grid(look: Look, shares: np.ndarray, header: dict, pick) -> None:
    id = look.id_of("lens")
    look.tensors[id] = shares[None]
    stops = ["start", *(f"block {i}" for i in range(len(shares) - 1))]
    columns = "C" if look.config.ending == "classes" else "T"
    header = header | {
        "src": id,
        "axes": f"L{columns}",
        "title": "If the model stopped here, it would say …",
        "rows": stops,
        "rowName": "after",
        "scale": "sequential",
        "max": 1.0,
        "wide": True,
        "foot": f"softmax of the unembedded stream  [L+1={len(shares)}, {columns}={shares.shape[1]}]",
        "model": look.model.name,
    }
    components.matrix("matrix-lens", header, lambda cell: pick(max(0, int(cell[0]) - 1), int(cell[1])))
