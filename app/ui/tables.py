"""Tables of texts and numbers."""

from collections.abc import Sequence

from app.ui.page import text


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: int = 1) -> None:
    """Cells are Markdown; the columns from `right` on hold numbers, and stand at their right."""
    line = ["---" if i < right else "--:" for i in range(len(heads))]
    text("\n".join(f"| {' | '.join(cell or ' ' for cell in row)} |" for row in [heads, line, *rows]))
