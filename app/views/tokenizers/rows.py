"""Rows of texts in their tokens, as the browser draws them."""

from app import compute
from app.text import say
from app.ui.labels import visible
from app.views.tokenizers.cutters import Cutter, Token, groups
from engine.tokenize.merges import check_text

MOST = 300  # groups of a row that are drawn
HEADS = ("tokenizer", "place", "token", "id", "bytes", "known")


def checked(text: str) -> str:
    """The text, or a ValueError where it is too long to be cut or holds what is no character."""
    return check_text(text, compute.LONGEST)


def heads() -> list[str]:
    return [say("tokenizers", f"head/{name}") for name in HEADS]


def row(cutter: Cutter, text: str, title: str = "", **other) -> dict:
    """One text in the tokens of one tokenizer: how many there are, and what cannot be turned back."""
    tokens = cutter.cut(text)
    back = cutter.back(text, tokens)
    unknown = sum(token.unknown for token in tokens)
    told = say("tokenizers", "back", text=visible(back)) if back != text else ""
    count = say("tokenizers", "count", {"lost": unknown > 0}, n=len(tokens), unknown=unknown)
    name = title or cutter.title
    return drawn(cutter, tokens) | {"title": name, "count": count, "aria": name, "back": told} | other


def drawn(cutter: Cutter, tokens: list[Token]) -> dict:
    """The groups of a row, not more than can be seen."""
    all = groups(cutter, tokens)
    more = say("tokenizers", "more", n=len(all) - MOST) if len(all) > MOST else ""
    return {"groups": all[:MOST], "more": more}
