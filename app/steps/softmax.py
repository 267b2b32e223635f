"""Scores to weights that sum to one."""

import numpy as np
import torch

from app import state
from app.controls import slider
from app.figures import bars, shares
from app.look import Look
from app.page import columns
from app.widgets import WEIGHTS, arithmetic, chart, code, picture, words
from engine.analysis import entropy
from engine.attention import attend
from engine.tap import Edit

MOST = 20  # bars shown


def draw(look: Look) -> None:
    point, seen = look.point("attn.pattern"), look.seen
    look = look.strongest(key=point)
    view = look.view
    own = look.trace[point][0, view.head, view.token]
    if view.heat != 1:
        look = look.what_if(Edit(look.point("attn.masked"), "scale", value=1 / view.heat))
    left, right = columns(7, 4)
    with left:
        best = own.topk(min(2, len(seen))).indices.tolist()
        words(
            look,
            "softmax/sentence" if len(seen) > 1 else "softmax/alone",
            *["heated"] * (view.heat != 1),
            token=look.token,
            first=look.names[best[0]],
            first_share=float(own[best[0]]),
            second=look.names[best[-1]],
            second_share=float(own[best[-1]]),
            entropy=float(entropy(own)),
            most=float(np.log2(len(seen))),
        )
        a, b = columns(6, 5)
        with a:
            picture(look, point, "Weights (each row sums to 1)", height=350, **WEIGHTS)
        with b:
            _row(look, look.trace[point][0, view.head, view.token], own)
    with right:
        arithmetic(look, (point, view.head, view.token, view.key))
        words(look, "softmax/rows")
        code(attend, entropy)


def _row(look: Look, row: torch.Tensor, own: torch.Tensor) -> None:
    """The picked row as bars, with a temperature to play with; then the model's own row stands beside it."""
    view = look.view
    slider("Temperature (1 is the model's own)", "heat", 0.1)
    seen = look.seen
    if len(seen) > MOST:
        seen = sorted(row.topk(MOST).indices.tolist())
    picked = seen.index(view.key) if view.key in seen else None
    rows = shares([look.labels[i] for i in seen], row[seen].tolist(), picked)
    title = f"Where “{look.token}” looks" + ("" if view.heat == 1 else f", at temperature {view.heat:g}")
    point = look.point("attn.pattern")
    original = None if view.heat == 1 else ("temperature 1", f"temperature {view.heat:g}", own[seen].tolist())
    figure = bars(rows, "token", "weight", height=300, percent=True, original=original)
    chart(look, "row", figure, title, point=point, pick=lambda i: state.change(key=seen[int(i)]))
    words(look, "softmax/entropy", entropy=float(entropy(row)), heat=view.heat)
