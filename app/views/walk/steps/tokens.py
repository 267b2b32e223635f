"""Text to bytes to merges to ids."""

from itertools import pairwise

from app import components, state
from app.text import say
from app.ui.context import Look
from app.ui.controls import text_field
from app.ui.labels import hex_bytes, token_labels, visible
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from app.views.walk.steps.target import sure
from engine.tokenize import graphemes, merges

LONGEST_TARGET = 4000  # characters
ENTRY = "one entry of the list, no bytes"  # what a special token is made of


def draw(look: Look) -> None:
    tokenizer, tokens, text = look.model.tokenizer, look.tokens, look.text if look.side else look.view.prompt
    pieces = tokenizer.pieces(text)
    steps = _steps_of(look, pieces)
    word = b"".join(steps[0])
    left, right = columns(7, 4)
    with left:
        words(
            look,
            "tokens/counts",
            characters=len(text),
            bytes=len(text.encode()),
            pieces=len(pieces),
            tokens=sum(id not in tokenizer.special.values() for id in look.ids),
            context=look.config.context,
        )
        if look.side == "decoder":
            sure(look)
            text_field(say("walk", "target/field"), "target", LONGEST_TARGET)
        cut(
            look,
            _groups(look, tokens),
            title=f"How the piece “{visible(word.decode('utf-8', 'replace'))}” is put together",
            slider="Merges done so far",
            merges=[token_labels(parts) for parts in steps],
            notes=_notes(steps, tokenizer.ranks),
            light=_light(look, text, steps[-1]),
        )
    with right:
        picked(look)
        code(merges)


def cut(look: Look, groups: list, **header) -> None:
    """The text in its tokens, and step by step how the picked word came to its own."""
    view = look.view
    components.tokens(
        "tokens",
        {
            "groups": groups,
            "ids": look.ids,
            "token": view.token,
            "aria": "The tokens, each with its id",
            "merge": view.merge,
            "foot": f"ids  [T={len(look.ids)}]",
            "model": look.model.name,
            **header,
        },
        token=lambda i: state.change(token=int(i), merge=-1),
        merge=lambda n: state.change(merge=int(n)),
    )


def picked(look: Look) -> None:
    """What the picked token is, and why there are such pieces."""
    token, id = look.tokens[look.view.token], look.ids[look.view.token]
    special, label = look.model.tokenizer.special.values(), look.labels[look.view.token]
    if id in special:
        words(look, "tokens/special", token=label, id=id)
    else:
        words(look, "tokens/picked", token=label, id=id, bytes=hex_bytes(token), n=len(token))
    words(look, "tokens/why", vocabulary=len(look.model.tokenizer), special=len(special))


def _notes(steps: list[list[bytes]], ranks: dict[bytes, int]) -> list[str]:
    """What happened at each stop of the slider: which two neighbours were joined."""
    notes = ["one entry, no merge" if len(steps[0]) == 1 else f"{len(steps[0])} bytes, no merge yet"]
    for n, (before, after) in enumerate(pairwise(steps), 1):
        i = next(i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
        a, b, joined = token_labels([before[i], before[i + 1], after[i]])
        number = ranks[after[i]]
        notes.append(f"merge {n} of {len(steps) - 1}: {a} + {b} → {joined} (entry {number:,} of the list)")
    return notes


def _light(look: Look, text: str, merged: list[bytes]) -> dict:
    """Do the ids stand for exactly the text, and do the merges shown end in the tokens used?"""
    tokens = look.tokens
    same = any(tokens[i : i + len(merged)] == merged for i in range(len(tokens)))
    if look.text != text:
        return {"ok": False, "text": f"the ids stand for another text: “{visible(look.text)}”"}
    if not same:
        return {"ok": False, "text": f"the merges end in other tokens: {' '.join(token_labels(merged))}"}
    return {"ok": True, "text": "the ids stand for exactly this text, and the merges end in them"}


def _groups(look: Look, tokens: list[bytes]) -> list:
    """Whole characters with their tokens: (text, [(position, id, what it is made of)])."""
    special = look.model.tokenizer.special.values()
    pairs = zip(look.ids, tokens, strict=True)
    made = [ENTRY if id in special else f"bytes {hex_bytes(token)}" for id, token in pairs]
    return [
        (visible(text), [(i, look.ids[i], made[i]) for i in members]) for text, members in graphemes(tokens)
    ]


def _steps_of(look: Look, pieces: list[bytes]) -> list[list[bytes]]:
    """How the piece that the picked token belongs to was merged: merges never cross a piece's ends. The tokens
    that begin or end a text are made of nothing."""
    tokenizer, picked = look.model.tokenizer, look.view.token
    special = set(tokenizer.special.values())
    if look.ids[picked] in special:
        return [[look.tokens[picked]]]
    ids = look.ids[:picked]
    start = sum(len(token) for token, id in zip(look.tokens, ids, strict=False) if id not in special)
    end = 0
    for piece in pieces:
        end += len(piece)
        if start < end:
            break
    return merges(piece, tokenizer.ranks)
