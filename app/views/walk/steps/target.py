"""What a decoder has read: a text given to it (teacher forcing), or its own words (free running)."""

import torch

from app import compute, state
from app.ui.context import Look
from app.ui.controls import button
from app.ui.page import columns
from app.ui.words import told, words
from engine.analysis import certainty

LITTLE = 0.6  # of a probability: sentences of the kind that a translator learned from lie well above it


def sure(look: Look) -> None:
    """How probable the model found what it wrote, and a word where that is too little to mean much."""
    share = certainty(look.trace)
    if not look.view.target:
        words(look, "target/sure" if share >= LITTLE else "target/unsure", share=share)


def forced(look: Look, logits: torch.Tensor) -> None:
    """What the decoder would say after the picked token, and what it was given there."""
    best = int(logits.argmax())
    values = dict(token=look.token, best=look.label_of(best), share=float(logits.softmax(-1)[best]))
    if look.place + 1 == len(look.ids):
        return words(look, "target/last", **values)
    given = look.ids[look.place + 1]
    name = "target/same" if given == best else "target/other"
    words(look, name, given=look.label_of(given), given_share=float(logits.softmax(-1)[given]), **values)


def go_on(look: Look) -> None:
    """Let the model write on from the picked token, or the whole text by itself."""
    a, b = columns(1, 1)
    with a:
        button("write on", "Write on from here", lambda: _write_on(look))
    with b:
        button("own", "All its own", _own, disabled=not look.view.target)


def typed_after(look: Look) -> str:
    """What a person typed after the picked token: what is written from there takes its place."""
    if look.side and not look.view.target:
        return ""  # the model's own words
    special, after = look.model.tokenizer.special.values(), slice(look.place + 1, None)
    pairs = zip(look.tokens[after], look.ids[after], strict=True)
    return b"".join(token for token, id in pairs if id not in special).decode("utf-8", "replace")


def _write_on(look: Look) -> None:
    ids = compute.written(look.model.name, look.given[0], tuple(look.ids[: look.place + 1]))
    text = look.model.tokenizer.decode(list(ids[1:]))
    rest = typed_after(look)
    note = told(look, "target/written", text=text)
    state.tell(f"{note} {told(look, 'next/replaced', rest=rest)}" if rest else note)
    state.anew(target=text)


def _own() -> None:
    state.tell("")
    state.anew(target="")
