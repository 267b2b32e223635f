"""The texts a learner reads: Markdown files in assets/text, with numbers filled in from the trace.

A file is split at its headings: `## tokens/lead` names the text below it, `## tokens/lead {image: true}` the
one shown instead for models with these facts (app/architecture.py). In a text

    [[name]] or [[name:.0%]]     is a value; it is escaped, so a prompt can never become markup
    [[name:plain]]               is the value as it is, where a text is no Markdown: the title of a picture
    [[n:count]] [[n:bytes]]      is a large number in three digits: 4.24M, 8.49 MB
    [[n|byte|bytes]]             is the first word where n is 1, else the second
    [[gated?…]] [[not gated?…]]  is shown only if the fact holds, or does not hold; it may contain values
    [[norm: rms?…]]              the same for a fact with several values
"""

import re
from functools import cache
from pathlib import Path

from app.architecture import Conditions, Facts, most_specific, when
from app.ui.labels import escape

FOLDER = Path(__file__).parents[1] / "assets" / "text"
CONDITION = re.compile(r"\[\[(not )?(\w+)(?:: (\w+))?\?((?:\[\[.*?\]\]|.)*?)\]\]", re.DOTALL)
LEADING = re.compile(r"^·(?=[^\s·])")  # a token's leading space, where a word follows it
ESCAPED = re.compile(r"\\([^\w\s])")
PLACEHOLDER = re.compile(r"\[\[(\w+)(?:([:|])([^\]]+))?\]\]")

NONE: Facts = {}
WORDS = {"true": True, "false": False}


@cache
def sections(page: str) -> dict[str, dict[Conditions, str]]:
    """All texts of a page: by name, and by the facts that a model must have."""
    parts = re.split(r"^## (.+)$", (FOLDER / f"{page}.md").read_text("utf-8"), flags=re.MULTILINE)
    found = {}
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        name, _, facts = heading.strip().rstrip("}").partition(" {")
        found.setdefault(name, {})[_conditions(facts)] = text.strip()
    return found


def _conditions(facts: str) -> Conditions:
    pairs = (fact.split(": ") for fact in facts.split(", ") if fact)
    return when(**{name: _value(word) for name, word in pairs})


def _value(word: str) -> bool | int | str:
    return WORDS.get(word, int(word) if word.isdigit() else word)


def say(page: str, name: str, facts: Facts = NONE, /, **values) -> str:
    """The text `name` of a page for models with these facts, with its placeholders filled."""

    def only(match: re.Match) -> str:
        fact = facts.get(match[2])
        return match[4] if (fact == _value(match[3]) if match[3] else bool(fact)) != bool(match[1]) else ""

    def fill(match: re.Match) -> str:
        value, form = values[match[1]], match[3] or ""
        return form.split("|")[value != 1] if match[2] == "|" else written(value, form)

    return PLACEHOLDER.sub(fill, CONDITION.sub(only, most_specific(sections(page)[name], facts)))


def plain(text: str) -> str:
    """What was said, where it is shown as it stands and not as Markdown: nothing in it is escaped."""
    return ESCAPED.sub(r"\1", text)


def written(value: object, form: str) -> str:
    """A value as texts show it: −0.000 becomes 0.000, and a token loses its leading space unless it is raw."""
    if isinstance(value, str):
        if form == "plain":
            return value
        return escape(value if form == "raw" else LEADING.sub("", value))
    if form in SHORT:
        return SHORT[form](value)
    text = format(value, form)
    nothing = text.startswith("-") and not text.strip("-0.%")
    return text.removeprefix("-") if nothing else text.replace("-", "−")


def counted(n: int) -> str:
    """A large number in three digits: 4.24M, 124M, 1.10B."""
    return _short(n, ("", "K", "M", "B", "T"))


def sized(n: int) -> str:
    """So many bytes: 8.49 MB, 548 MB."""
    return _short(n, (" bytes", " KB", " MB", " GB", " TB"))


def _short(n: float, units: tuple[str, ...]) -> str:
    if n < 1000:
        return f"{n}{units[0]}"
    power = 1
    while n >= 999_500 and power < len(units) - 1:
        n, power = n / 1000, power + 1
    return f"{n / 1000:.{2 if n < 9_995 else 1 if n < 99_950 else 0}f}{units[power]}"


SHORT = {"count": counted, "bytes": sized}
