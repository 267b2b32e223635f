"""What all charts share: labels as Plotly shows them, and how wide they are."""

import html
import unicodedata
from collections.abc import Sequence

LETTER = 7.3  # pixels of a letter in the labels' font


LONGEST = 24  # letters of a label that are drawn; its table has all of it


ORIGINAL, MARK, REST = "original", "mark", "rest"  # a trace's `meta`: how it is drawn
PART, WAY, GROUND = "part", "way", "ground"  # of a stacked bar; a line on a landscape; the landscape


def plain(text: str) -> str:
    """A text that Plotly shows exactly as it is."""
    return html.escape(text, quote=False).replace("%{", "%&#123;")


def short(label: str) -> str:
    return plain(label if len(label) <= LONGEST else label[: LONGEST - 1] + "…")


def letters(text: str) -> int:
    """A text's width in letters: East Asian characters and emoji count as two."""
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text[:LONGEST])


def width_of(texts: Sequence[str]) -> float:
    """Pixels for the widest of some texts."""
    return 12 + LETTER * max(map(letters, texts), default=0)


def dashes(**ends) -> dict:
    return {"type": "line", "line": {"dash": "dash", "width": 1.5}} | ends
