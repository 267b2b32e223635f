"""The words a learner reads: Markdown files in assets/text, with numbers filled in from the trace.

A file is cut at its headings: `## tokens/lead` names the text below it. `[[name]]` or `[[name:.0%]]` is a
placeholder; whatever fills it is escaped, so a prompt can never become markup.
"""

import re
from functools import cache
from pathlib import Path

from app.labels import escape

FOLDER = Path(__file__).parents[1] / "assets" / "text"
PLACEHOLDER = re.compile(r"\[\[(\w+)(?::([^\]]+))?\]\]")


@cache
def sections(page: str) -> dict[str, str]:
    """All texts of a page by name."""
    parts = re.split(r"^## (.+)$", (FOLDER / f"{page}.md").read_text("utf-8"), flags=re.MULTILINE)
    return {name.strip(): text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def say(page: str, name: str, kinds: tuple[str, ...] = (), /, **values) -> str:
    """The text `name` of a page with its placeholders filled; "name (kind)" where there is one for a kind."""

    def fill(match: re.Match) -> str:
        value = values[match[1]]
        if isinstance(value, str):  # a token: its leading space matters only where tokens are the subject
            return escape(value if match[2] == "raw" else value.removeprefix("·") or value)
        text = format(value, match[2] or "")
        nothing = text.startswith("-") and not text.strip("-0.%")  # −0.000 is 0.000
        return text.removeprefix("-") if nothing else text.replace("-", "−")

    texts = sections(page)
    special = (f"{name} ({kind})" for kind in kinds)
    return PLACEHOLDER.sub(fill, texts[next((s for s in special if s in texts), name)])
