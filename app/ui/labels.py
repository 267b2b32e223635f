"""Tokens as people read them: spaces marked, whole characters, nothing invisible."""

import re
import unicodedata

from engine.config import Config
from engine.tokenize import graphemes

BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
UNSEEN = re.compile(f"{BIDI.pattern[:-1]}\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LINE_END = re.compile("\r\n|\r|\n")
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def visible(text: str) -> str:
    """`text` with its spaces, line ends and control characters made visible."""
    if not text:
        return "∅"
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
    named = BIDI.match(c) or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp", "Zs")
    return f"U+{ord(c):04X}" if named else c


def token_labels(tokens: list[bytes]) -> list[str]:
    """One label per token; tokens that share a character say which part of it they are."""
    labels = [""] * len(tokens)
    for text, members in graphemes(tokens):
        for n, i in enumerate(members, 1):
            part = f" {n}/{len(members)}" if len(members) > 1 else ""
            labels[i] = (visible(text) if "\ufffd" not in text else hex_bytes(tokens[i])) + part
    return labels


def patch_labels(config: Config) -> list[str]:
    """One label per vector of an image model: the one before the patches, if any; then row and column."""
    across = config.image // config.patch
    places = (f"{row}·{column}" for row in range(across) for column in range(across))
    return [*["first"] * config.leading, *places]


def hex_bytes(token: bytes) -> str:
    return " ".join(f"{b:02X}" for b in token)


def escape(text: str) -> str:
    """`text` in one line, as Markdown that shows exactly it: no formulas, links, pictures or tags. What would
    turn round the words beside it, or is not to be seen at all, stands by its number."""
    line = LINE_END.sub(" ", text)
    return PUNCTUATION.sub(r"\\\1", UNSEEN.sub(lambda m: _letter(m[0]), line))
