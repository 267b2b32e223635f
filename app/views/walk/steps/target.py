"""The decoder's text: given to it (teacher forcing), or its own output (free running)."""

import torch

from app import compute, state
from app.ui.context import StepContext
from app.ui.controls import button
from app.ui.page import columns
from app.ui.words import told, words
from engine.analysis import certainty

LITTLE = 0.6  # a probability; sentences of the kind that a translator learned from are well above it


def sure(ctx: StepContext, warn: bool = False) -> None:
    """How probable the model found its own output where it can be trusted, or the warning where it cannot."""
    share = 1.0 if ctx.view.target else certainty(ctx.trace)
    little = 0.0 if ctx.facts["spans"] else LITTLE  # of several words that fit a gap none is a mistake
    if not ctx.view.target and (share < little) == warn:
        words(ctx, "target/unsure" if warn else "target/sure", share=share)


def forced(ctx: StepContext, logits: torch.Tensor) -> None:
    """What the decoder would write after the picked token, and what it was given there."""
    best = int(logits.argmax())
    values = dict(token=ctx.token, best=ctx.label_of(best), share=float(logits.softmax(-1)[best]))
    if ctx.position + 1 == len(ctx.ids):
        return words(ctx, "target/last", **values)
    given = ctx.ids[ctx.position + 1]
    name = "target/same" if given == best else "target/other"
    words(ctx, name, given=ctx.label_of(given), given_share=float(logits.softmax(-1)[given]), **values)


def go_on(ctx: StepContext) -> None:
    """Let the model write on from the picked token, or the whole text by itself."""
    a, b = columns(1, 1, align="stretch")
    with a:
        button("write on", "Continue from here", lambda: _write_on(ctx))
    with b:
        button("own", "Let it write everything", _own, disabled=not ctx.view.target)


def typed_after(ctx: StepContext) -> str:
    """What a person typed after the picked token, which a continuation replaces."""
    if ctx.side and not ctx.view.target:
        return ""  # the model's own words
    special, after = ctx.model.tokenizer.special.values(), slice(ctx.position + 1, None)
    pairs = zip(ctx.tokens[after], ctx.ids[after], strict=True)
    return b"".join(token for token, id in pairs if id not in special).decode("utf-8", "replace")


def _write_on(ctx: StepContext) -> None:
    ids = compute.written(ctx.model.name, ctx.given[0], tuple(ctx.ids[: ctx.position + 1]))
    text = ctx.model.tokenizer.decode(list(ids[1:]))
    rest = typed_after(ctx)
    note = told(ctx, "target/written", text=text)
    state.tell(f"{note} {told(ctx, 'next/replaced', rest=rest)}" if rest else note)
    state.anew(target=text)


def _own() -> None:
    state.tell("")
    state.anew(target="")
