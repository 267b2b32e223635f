"""Tokens as people read them: spaces marked, whole characters, nothing invisible."""

import re
import unicodedata

from engine.config import Config
from engine.tokenize import graphemes

BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def visible(text: str) -> str:
    """`text` with its spaces, line ends and control characters made visible."""
    if not text:
        return "∅"
    text = BIDI.sub(lambda m: f"U+{ord(m[0]):04X}", text)
    if all(unicodedata.category(c) in ("Cf", "Zs", "Zl", "Zp", "Mn") and c != " " for c in text):
        return " ".join(f"U+{ord(c):04X}" for c in text)
    return "".join(_letter(c) for c in text)


def _letter(c: str) -> str:
    if c in " \n\t":
        return {" ": "·", "\n": "↵", "\t": "⇥"}[c]
    if ord(c) < 32:
        return chr(0x2400 + ord(c))
    if ord(c) == 127:
        return "␡"
    return f"U+{ord(c):04X}" if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Zs") else c


def token_labels(tokens: list[bytes]) -> list[str]:
    """One label per token; tokens that share a character say which part of it they are."""
    labels = [""] * len(tokens)
    for text, members in graphemes(tokens):
        for n, i in enumerate(members, 1):
            part = f" {n}/{len(members)}" if len(members) > 1 else ""
            labels[i] = (visible(text) if "\ufffd" not in text else hex_bytes(tokens[i])) + part
    return labels


def patch_labels(config: Config) -> list[str]:
    """One label per vector of an image model: the one before the patches, then row and column."""
    across = config.image // config.patch
    return ["first", *(f"{row}·{column}" for row in range(across) for column in range(across))]


def hex_bytes(token: bytes) -> str:
    return " ".join(f"{b:02X}" for b in token)


def escape(text: str) -> str:
    """`text` as Markdown that shows exactly it: no formulas, links, pictures or tags."""
    return PUNCTUATION.sub(r"\\\1", text).replace("\n", " ")
