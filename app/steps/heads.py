"""All heads of the layer, what they mix, and how they are put together."""

import numpy as np
import streamlit as st

from app import compute
from app.labels import token_labels
from app.look import Look
from app.text import say
from app.widgets import WEIGHTS, arithmetic, bound, code, laid, picture, thumbs, words
from engine.analysis import value_weighted, without_first
from engine.attention import Attention

NEEDED = 0.05  # probability that an answer must lose for it to be said to need a head at all


def draw(look: Look) -> None:
    view = look.view
    left, right = st.columns([7, 4], gap="medium")
    with left:
        array, variant = _pattern(look)
        thumbs(look, "attn.pattern", array, variant)
        row = array[view.head, view.token]
        words(
            look,
            "heads/sentence" if len(look.seen) > 1 else "heads/alone",
            head=view.head,
            token=look.token,
            best=look.labels[int(row.argmax())],
            share=float(row.max()),
            first=float(look.array(look.point("attn.pattern"))[view.head, view.token, 0]),
        )
        _measured(look)
        a, b = st.columns(2)
        with a:
            if look.config.image:
                laid(look, f"Where {look.token} looks, on the image", look.point("attn.pattern"))
        with a:
            point, own = look.point("attn.pattern"), array if variant else None
            title = f"Weights, as head {view.head} of layer {view.layer} has them"
            picture(look, point, "Weights", array=own, variant=variant, height=290, aria=title, **WEIGHTS)
        with b:
            picture(look, look.point("attn.z"), "Values mixed by the weights", height=290)
    with right:
        bound(st.toggle, "Hide the first token's share (attention sink)", "sink")
        bound(st.toggle, "Weigh by the size of the values", "weighted")
        mixed, out = look.point("attn.z"), look.point("attn.out")
        arithmetic(look, (mixed, view.head, view.token, view.unit), (out, view.token, view.unit))
        words(look, "heads/concat", heads=look.config.heads, width=look.config.head_width)
        code(Attention.forward, without_first, value_weighted)


def _measured(look: Look) -> None:
    """Of an example of the model's own: what is left of its answer without this head."""
    examples = compute.examples(look.model.name) if look.model.name in compute.shipped() else []
    view = look.view
    here = dict(text=view.prompt, layer=view.layer, head=view.head, token=view.token)
    found = next((e for e in examples if "after" in e and here.items() <= e.items()), None)
    if found:
        idle = found["before"] - found["after"] < NEEDED
        numbers = {name: found[name] for name in ("before", "after")}
        answer = token_labels([found["answer"].encode()])[0]
        st.markdown(say("walk", "heads/without", ("idle",) * idle, answer=answer, **numbers))


def _pattern(look: Look) -> tuple[np.ndarray, str]:
    """The layer's pattern [H, T, S] as the switches want it, and what was done to it."""
    pattern, done = look.trace[look.point("attn.pattern")], []
    if look.view.weighted:
        pattern = value_weighted(pattern, look.trace[look.point("attn.v")])
        done.append("times the size of the values")
    if look.view.sink:
        pattern = without_first(pattern)
        done.append("without the first token")
    return pattern[0].cpu().numpy(), ", ".join(done) and f"weights {' and '.join(done)}"
