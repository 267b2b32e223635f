"""Step 1: text to bytes to merges to ids."""

from itertools import pairwise

import streamlit as st

from app import components, state
from app.labels import hex_bytes, token_labels, visible
from app.look import Look
from app.widgets import code, words
from engine.tokenize import graphemes, merges


def draw(look: Look) -> None:
    view, tokenizer, tokens = look.view, look.model.tokenizer, look.trace.tokens()
    left, right = st.columns([7, 4], gap="medium")
    word = _word_of(tokenizer.pieces(view.prompt), tokens, view.token)
    steps = merges(word, tokenizer.ranks)
    with left:
        words(
            look,
            "tokens/counts",
            characters=len(view.prompt),
            bytes=len(view.prompt.encode()),
            pieces=len(tokenizer.pieces(view.prompt)),
            tokens=len(tokens),
            context=look.model.config.context,
        )
        components.tokens(
            "tokens",
            {
                "groups": _groups(look, tokens),
                "ids": look.ids,
                "token": view.token,
                "aria": f"{len(tokens)} tokens, each with its id",
                "title": f"How the piece “{visible(word.decode('utf-8', 'replace'))}” is put together",
                "merges": [token_labels(parts) for parts in steps],
                "ranks": [_rank(before, after, tokenizer.ranks) for before, after in pairwise(steps)],
                "merge": view.merge,
                "foot": f"ids  [T={len(tokens)}]",
                "model": look.model.name,
                "light": _light(look, steps[-1]),
            },
            token=lambda i: state.change(token=int(i), merge=-1),
            merge=lambda n: state.change(merge=int(n)),
        )
    with right:
        token = tokens[view.token]
        words(
            look,
            "tokens/picked",
            token=look.token,
            id=look.ids[view.token],
            bytes=hex_bytes(token),
            n=len(token),
        )
        words(look, "tokens/why", vocabulary=len(tokenizer))
        code(merges)


def _light(look: Look, merged: list[bytes]) -> dict:
    """Do the ids stand for exactly the text, and do the merges shown end in the tokens used?"""
    tokens = look.trace.tokens()
    whole = b"".join(tokens) == look.view.prompt.encode()
    same = any(tokens[i : i + len(merged)] == merged for i in range(len(tokens)))
    return {"ok": whole and same, "text": "the ids stand for exactly this text, and the merges end in them"}


def _groups(look: Look, tokens: list[bytes]) -> list:
    """Whole characters with their tokens: (text, [(position, id, bytes)])."""
    return [
        (visible(text), [(i, look.ids[i], hex_bytes(tokens[i])) for i in members])
        for text, members in graphemes(tokens)
    ]


def _word_of(pieces: list[bytes], tokens: list[bytes], i: int) -> bytes:
    """The piece that token `i` belongs to: merges never cross a piece's ends."""
    start = sum(len(token) for token in tokens[:i])
    end = 0
    for piece in pieces:
        end += len(piece)
        if start < end:
            return piece
    return pieces[-1]


def _rank(before: list[bytes], after: list[bytes], ranks: dict[bytes, int]) -> int:
    """The rank of the part that is new in `after`."""
    fresh = next(b for a, b in zip(before, after, strict=False) if a != b)
    return ranks[fresh]
