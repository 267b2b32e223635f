"""Who may look at whom."""

from app.controls import choice, number
from app.look import Look
from app.page import columns
from app.widgets import WEIGHTS, arithmetic, code, picture, words
from engine.masks import causal_mask, full_mask, mask_of
from engine.tap import Edit

CAUSAL = {
    "own": "causal: its own",
    "none": "none",
    "window": "sliding window",
    "prefix": "prefix",
    "padding": "padding",
}
FULL = {"own": "none: its own", "filled": "padding", "causal": "causal", "window": "window", "prefix": "prefix"}
COUNTED = ("window", "prefix", "padding", "filled")


def draw(look: Look) -> None:
    look = look.strongest(key=look.point("attn.pattern"))
    view, kinds = look.view, CAUSAL if look.config.causal else FULL
    if view.mask != "own":
        look = look.what_if(Edit(look.point("attn.mask"), "mask", value=(view.mask, view.window)))
    seen = look.trace[look.point("attn.mask")][0, view.head, view.token]
    left, right = columns(7, 4)
    with left:
        a, b = columns(3, 1, align="end")
        with a:
            choice("Mask", "mask", kinds | {view.mask: kinds.get(view.mask, view.mask)})
        with b:
            if view.mask in COUNTED:
                number("n tokens", "window")
        counts = dict(seen=int(seen.sum()), cut=int((~seen).sum()))
        words(look, f"mask/{view.mask}", token=look.token, **counts)
        a, b = columns(1, 1)
        with a:
            picture(look, look.point("attn.masked"), "Scores after the mask", height=350)
        with b:
            title = "The weights this gives"
            picture(look, look.point("attn.pattern"), title, height=350, **WEIGHTS)
    with right:
        cell = (view.head, view.token, view.key)
        arithmetic(look, (look.point("attn.masked"), *cell), (look.point("attn.pattern"), *cell))
        own = causal_mask if look.config.causal else full_mask
        code(own if view.mask == "own" else mask_of)
