"""What was measured, as rows of scores.json and as the table of a card."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.training.evaluate.intervals import Interval, bootstrap, wilson

PLACES = {"bits per byte": 3, "nats per token": 3, "bits per token": 2, "chrF": 1, "BLEU": 1, "number": 3}
PLACES |= {"bits per character": 3}
SHARE = "share"  # the unit of all other rows


@dataclass(frozen=True)
class Score:
    """One number: how many items it is about, its 95% interval, and what guessing would give (None: not
    applicable)."""

    value: float
    count: int
    interval: Interval | None = None
    chance: float | None = None


def share(hits: Sequence[bool], chance: float | None = None) -> Score:
    """How many of the items are right."""
    right, n = int(sum(hits)), len(hits)
    return Score(right / n, n, wilson(right, n), chance)


def mean(values: Sequence[float], weights: Sequence[float] | None = None, count: int | None = None) -> Score:
    """Their mean, or sum(values) / sum(weights); `count` where n counts something smaller than the items."""
    total = len(values) if weights is None else float(sum(weights))
    return Score(float(sum(values)) / total, count or len(values), bootstrap(values, weights))


def row(
    name: str, scores: Sequence[Score | None], unit: str = SHARE, aim: tuple[str, float] | None = None
) -> dict:
    """The model's score and its baselines'; None where one does not apply."""
    return {
        "name": name,
        "unit": unit,
        "count": scores[0].count,
        "chance": scores[0].chance,
        "values": [score and score.value for score in scores],
        "intervals": [score and score.interval for score in scores],
        "aim": aim,
    }


def table(rows: list[dict], columns: Sequence[str]) -> str:
    """The rows in Markdown: each number with its interval."""
    heads = ["", "n", *columns, *["chance"] * _any(rows, "chance"), *["aim"] * _any(rows, "aim")]
    lines = [f"| {' | '.join(heads)} |", f"|:--|{'--:|' * (len(heads) - 1)}"]
    return "\n".join(lines + [f"| {' | '.join(_cells(row, rows))} |" for row in rows])


def _any(rows: list[dict], what: str) -> bool:
    return any(row[what] is not None for row in rows)


def _cells(row: dict, rows: list[dict]) -> list[str]:
    unit = row["unit"]
    cells = [row["name"] if unit == SHARE or unit in row["name"] else f"{row['name']}, {unit}"]
    cells += [f"{row['count']:,}", *map(_cell, [unit] * len(row["values"]), row["values"], row["intervals"])]
    if _any(rows, "chance"):
        cells.append("" if row["chance"] is None else f"{row['chance']:.0%}")
    if _any(rows, "aim"):
        cells.append("" if row["aim"] is None else f"{row['aim'][0]} {number(row['aim'][1], unit)}")
    return cells


def _cell(unit: str, value: float | None, interval: Interval | None) -> str:
    if value is None:
        return ""
    around = f" ({'–'.join(number(end, unit).removesuffix('%') for end in interval)})" if interval else ""
    return number(value, unit) + around


def number(value: float, unit: str) -> str:
    """A measured value as cards show it, in its unit."""
    return f"{value:.1%}" if unit == SHARE else f"{value:.{PLACES[unit]}f}"


def missed(rows: list[dict]) -> list[str]:
    """A line for each aim that was not reached."""
    found = []
    for row in rows:
        if row["aim"] and not reached(row["values"][0], *row["aim"]):
            got, aim = (number(value, row["unit"]) for value in (row["values"][0], row["aim"][1]))
            found.append(f"- **Not reached:** {row['name']}, {got}; the aim was {row['aim'][0]} {aim}.")
    return found


def reached(value: float, sign: str, aim: float) -> bool:
    """Whether a value is below its aim (<), or at least as large (≥)."""
    return value < aim if sign == "<" else value >= aim


def told(rows: list[dict], columns: Sequence[str]) -> str:
    """The table, and below it which aims were missed."""
    return "\n\n".join(filter(None, (table(rows, columns), verdict(rows))))


def verdict(rows: list[dict]) -> str:
    """The aims that were missed, or that none was; empty if there were none."""
    return "\n".join(missed(rows)) or ("All aims were reached." if _any(rows, "aim") else "")


def write(path: Path, content) -> None:
    """Write indented JSON."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
