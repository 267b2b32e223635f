"""Step 6: who may look at whom."""

import streamlit as st
import torch

from app.look import Look
from app.widgets import HIDDEN, arithmetic, bound, code, picture, words
from engine import analysis
from engine.attention import causal_mask

KINDS = {
    "causal": "causal",
    "none": "none",
    "window": "sliding window",
    "prefix": "prefix",
    "padding": "padding",
}


def draw(look: Look) -> None:
    view = look.view
    T = len(look.labels)
    mask = analysis.mask_of(view.mask, T, view.window)
    left, right = st.columns([7, 4], gap="medium")
    with left:
        a, b = st.columns([3, 1], vertical_alignment="bottom")
        with a:
            bound(st.segmented_control, "Mask", "mask", list(KINDS), format_func=KINDS.get, **HIDDEN)
        with b:
            if view.mask in ("window", "prefix", "padding"):
                bound(st.number_input, "n tokens", "window", 1, 999)
        allowed = mask[0, 0, view.token]
        words(
            f"mask/{view.mask}",
            token=look.token,
            seen=int(allowed.sum()),
            cut=int(T - allowed.sum()),
            n=view.window,
        )
        _pictures(look, mask)
    with right:
        arithmetic(look, look.point("attn.masked"), view.head, view.token, view.key)
        arithmetic(look, look.point("attn.pattern"), view.head, view.token, view.key)
        code(analysis.mask_of if view.mask != "causal" else causal_mask)


def _pictures(look: Look, mask: torch.Tensor) -> None:
    """Masked scores and the weights they give: the model's own, or under another mask in this block."""
    a, b = st.columns(2)
    own = look.view.mask == "causal"
    changed = {} if own else analysis.attend_with(look.trace, look.view.layer, mask)
    variant = "" if own else f"what if: {KINDS[look.view.mask]}, n = {look.view.window}"
    for column, name, title, scale in (
        (a, "masked", "Scores after the mask", "diverging"),
        (b, "pattern", "The weights this gives", "sequential"),
    ):
        with column:
            array = None if own else changed[name][0].cpu().numpy()
            top = 1.0 if name == "pattern" else None
            point = look.point(f"attn.{name}")
            picture(look, point, title, scale=scale, top=top, height=350, array=array, variant=variant)
