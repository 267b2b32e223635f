"""Step 3: mean, variance, normalised, size and shift."""

import streamlit as st

from app.figures import graph, histogram
from app.look import Look
from app.widgets import arithmetic, chart, choice, code, picture, words
from engine.norm import LayerNorm

WHICH = {"attn": "before attention", "mlp": "before the MLP", "final": "the last one"}


def draw(look: Look) -> None:
    view = look.view
    prefix, source = _points(look)
    before, after = look.array(source)[view.token], look.array(f"{prefix}.scaled")[view.token]
    left, right = st.columns([7, 4], gap="medium")
    with left:
        choice("Which norm", "norm", WHICH)
        words(
            "layernorm/sentence",
            token=look.token,
            width=len(before),
            mean=float(look.array(f"{prefix}.mean")[view.token, 0]),
            var=float(look.array(f"{prefix}.var")[view.token, 0]),
            after_mean=float(after.mean()),
            after_var=float(after.var()),
        )
        a, b = st.columns(2)
        with a:
            header = graph([histogram("before", before)], "number", "how many", height=190)
            chart(look, "before", header, "Before", point=source)
        with b:
            header = graph([histogram("after", after)], "number", "how many", height=190)
            chart(look, "after", header, "After: mean 0, variance 1", point=f"{prefix}.scaled")
        picture(look, f"{prefix}.out", "After size γ and shift β, for every token", height=190)
    with right:
        arithmetic(look, f"{prefix}.mean", view.token, 0)
        arithmetic(look, f"{prefix}.var", view.token, 0)
        arithmetic(look, f"{prefix}.scaled", view.token, view.unit)
        arithmetic(look, f"{prefix}.out", view.token, view.unit)
        code(LayerNorm.forward)


def _points(look: Look) -> tuple[str, str]:
    """The picked norm's name and the point that it reads."""
    if look.view.norm == "final":
        return "final_norm", f"blocks.{look.model.config.layers - 1}.resid_post"
    source = "resid_pre" if look.view.norm == "attn" else "resid_mid"
    return look.point(f"{look.view.norm}.norm"), look.point(source)
