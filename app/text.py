"""The words a learner reads: Markdown files in assets/text, with numbers filled in from the trace.

A file is cut at its headings: `## tokens/lead` names the text below it, `## tokens/lead (post, gated)` what is
shown instead for models of both these kinds. In a text

    [[name]] or [[name:.0%]]     is a value; it is escaped, so a prompt can never become markup
    [[n|byte|bytes]]             is the first word where n is 1, else the second
    [[post?…]] [[not post?…]]    is there only for models of that kind, or of any other; it may hold values
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from app.labels import escape

FOLDER = Path(__file__).parents[1] / "assets" / "text"
CONDITION = re.compile(r"\[\[(not )?([\w -]+)\?((?:\[\[.*?\]\]|.)*?)\]\]", re.DOTALL)
PLACEHOLDER = re.compile(r"\[\[(\w+)(?:([:|])([^\]]+))?\]\]")

Kinds = Sequence[str]


@cache
def sections(page: str) -> dict[str, dict[tuple[str, ...], str]]:
    """All texts of a page: by name, and by the kinds of model that each is for."""
    parts = re.split(r"^## (.+)$", (FOLDER / f"{page}.md").read_text("utf-8"), flags=re.MULTILINE)
    found = {}
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        name, _, kinds = heading.strip().rstrip(")").partition(" (")
        found.setdefault(name, {})[tuple(kinds.split(", ")) if kinds else ()] = text.strip()
    return found


def variant(texts: dict[tuple[str, ...], str], kinds: Kinds) -> str:
    """Of the texts that fit models of these kinds the most specific; among equals that of the earliest kind."""
    fit = [wanted for wanted in texts if set(wanted) <= set(kinds)]
    return texts[max(fit, key=lambda wanted: (len(wanted), -min(map(kinds.index, wanted), default=0)))]


def say(page: str, name: str, kinds: Kinds = (), /, **values) -> str:
    """The text `name` of a page as it is for models of these kinds, with its placeholders filled."""

    def only(match: re.Match) -> str:
        return match[3] if (match[2] in kinds) != bool(match[1]) else ""

    def fill(match: re.Match) -> str:
        value, form = values[match[1]], match[3] or ""
        return form.split("|")[value != 1] if match[2] == "|" else written(value, form)

    return PLACEHOLDER.sub(fill, CONDITION.sub(only, variant(sections(page)[name], kinds)))


def written(value: object, form: str) -> str:
    """A value as texts show it: −0.000 is 0.000, and a token's leading space is left out unless it is raw."""
    if isinstance(value, str):
        return escape(value if form == "raw" else value.removeprefix("·") or value)
    text = format(value, form)
    nothing = text.startswith("-") and not text.strip("-0.%")
    return text.removeprefix("-") if nothing else text.replace("-", "−")
