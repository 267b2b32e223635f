"""Who may look at whom."""

from app import state
from app.edits import drop, put
from app.ui.arithmetic import arithmetic
from app.ui.context import Look
from app.ui.controls import choice_of, number_of
from app.ui.heatmaps import WEIGHTS, picture
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
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
WINDOWS = (1, 9_999)  # tokens
COUNTED = ("window", "prefix", "padding", "filled")


def draw(look: Look) -> None:
    look = look.strongest(key=look.point("attn.pattern"))
    view, kinds = look.view, CAUSAL if look.config.causal else FULL
    picked = look.masking.value[0] if look.masking else "own"
    seen = look.trace[look.point("attn.mask")][0, view.head, view.token]
    left, right = columns(7, 4)
    with left:
        a, b = columns(3, 1, align="end")
        with a:
            offered = kinds | {picked: kinds.get(picked, picked)}
            choice_of("mask", "Mask", picked, offered, lambda kind: _mask(look, kind, look.window))
        with b:
            if picked in COUNTED:
                number_of(
                    "window", "How many tokens", look.window, *WINDOWS, lambda n: _mask(look, picked, int(n))
                )
        counts = dict(seen=int(seen.sum()), cut=int((~seen).sum()))
        words(look, f"mask/{picked}", token=look.token, **counts)
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
        code(own if picked == "own" else mask_of)


def _mask(look: Look, kind: str, n: float) -> None:
    """Give the picked block another mask, or its own again."""
    new = () if kind == "own" else (Edit(look.point("attn.mask"), "mask", value=(kind, int(n))),)
    state.edit(lambda edits: put(drop(edits, look.masking), *new))
