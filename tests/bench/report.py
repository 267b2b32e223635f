"""Tables on the terminal."""

import os
import platform
from collections.abc import Sequence
from statistics import median
from typing import Any


def machine() -> None:
    """One line on where the numbers come from."""
    cpu = platform.processor() or platform.machine()
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    print(f"\n{platform.system()} {cpu}, {os.cpu_count()} cores{load}, Python {platform.python_version()}")


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A Markdown table whose columns stand under each other; the first is text, the others are numbers."""
    cells = [list(head), *([_text(x) for x in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    print(f"\n## {title}\n", flush=True)
    cells.insert(1, ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])])
    for first, *others in cells:
        right = (text.rjust(w) for text, w in zip(others, widths[1:], strict=True))
        print("| " + " | ".join([first.ljust(widths[0]), *right]) + " |", flush=True)


def _text(x: Any) -> str:
    """A number with as many digits as tell something; nothing where there is nothing."""
    if x is None:
        return ""
    if not isinstance(x, float):
        return str(x)
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.1f}" if abs(x) >= 10 else f"{x:.2f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


__all__ = ["machine", "median", "percentile", "table"]
