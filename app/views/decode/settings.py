"""How the page writes, as the view says it, and the controls for that."""

from app import state
from app.text import say
from app.ui.context import StepContext
from app.ui.controls import choice, number, slider
from app.ui.page import columns, text
from engine.decode import METHODS, Decoding


def decoding_of(view: state.View, **other) -> Decoding:
    """The settings of a view, `other` ones instead."""
    settings = dict(
        method=view.method,
        repetition_penalty=view.repetition_penalty,
        temperature=view.temperature,
        top_k=view.top_k or None,
        top_p=view.top_p if view.top_p < 1 else None,
        min_p=view.min_p or None,
        seed=view.seed,
        max_tokens=view.length,
    )
    return Decoding(**settings | other)


def sampler(seed: bool = True) -> None:
    """Greedy or sample, and all that comes between the scores and the draw."""
    choice(say("decode", "method"), "method", {name: say("decode", f"method/{name}") for name in METHODS})
    a, b = columns(1, 1)
    with a:
        slider(say("decode", "penalty"), "repetition_penalty", 0.1)
        slider(say("decode", "temperature"), "temperature", 0.1)
        number(say("decode", "top k"), "top_k")
    with b:
        slider(say("decode", "top p"), "top_p", 0.01)
        slider(say("decode", "min p"), "min_p", 0.01)
        if seed:
            number(say("decode", "seed"), "seed")


def unedited(ctx: StepContext) -> None:
    """Where a model writes without the what-ifs, say so."""
    if ctx.edits:
        text(say("decode", "unedited"))
