"""Step 11: the stream through all blocks, and what the model would say if it stopped."""

import numpy as np
import streamlit as st

from app import components, compute, state
from app.figures import graph, series
from app.look import Look
from app.widgets import arithmetic, chart, code, words
from engine.analysis import lens


def draw(look: Look) -> None:
    view, config = look.view, look.model.config
    ids, shares = compute.stops(look.model.name, view.prompt)
    left, right = st.columns([7, 4], gap="medium")
    with left:
        says = [look.label_of(int(i)) for i in ids[:, view.token]]
        words(
            look,
            "layers/sentence",
            token=look.token,
            first=says[0],
            last=says[-1],
            share=float(shares[-1, view.token]),
            agreed=_agreed(says),
        )
        _grid(look, ids, shares)
    with right:
        ends = [look.array(f"blocks.{i}.resid_pre") for i in range(config.layers)]
        ends.append(look.array(f"blocks.{config.layers - 1}.resid_post"))
        sizes = [np.linalg.norm(x[view.token]) for x in ends]
        ticks = [[i, f"after {i - 1}" if i else "start"] for i in range(len(sizes))]
        line = series(f"“{look.token}”", range(len(sizes)), sizes)
        header = graph([line], "block", "length of the vector", height=220, zero=True, xTicks=ticks)
        chart(look, "stream", header, "How the stream grows", point=f"blocks.{config.layers - 1}.resid_post")
        arithmetic(look, look.point("resid_post"), view.token, view.unit)
        words(look, "layers/why")
        code(lens)


def _agreed(says: list[str]) -> int:
    """The first stop from which on the answer stays the last one."""
    at = len(says) - 1
    while at and says[at - 1] == says[-1]:
        at -= 1
    return at


def _grid(look: Look, ids: np.ndarray, shares: np.ndarray) -> None:
    """The most probable next token after each block [L + 1, T], its probability as colour."""
    id = look.id_of("lens")
    look.tensors[id] = shares[None]
    stops = ["start", *(f"block {i}" for i in range(len(shares) - 1))]
    header = {
        "src": id,
        "axes": "LT",
        "title": "If the model stopped here, it would say …",
        "aria": "The most probable next token after each block, for every token of the prompt",
        "rows": stops,
        "cols": look.labels,
        "rowName": "after",
        "colName": "token",
        "scale": "sequential",
        "max": 1.0,
        "height": 380,
        "wide": True,
        "texts": [[look.label_of(int(i)) for i in row] for row in ids],
        "pick": [look.view.layer + 1, look.view.token],
        "foot": f"softmax of the unembedded stream  [L+1={len(shares)}, T={shares.shape[1]}]",
        "model": look.model.name,
    }
    components.matrix(
        "matrix-lens", header, lambda cell: state.change(layer=max(0, int(cell[0]) - 1), token=int(cell[1]))
    )
