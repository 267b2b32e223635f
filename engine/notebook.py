"""A point as a notebook shows it: a heat map that is also a table, of plain HTML."""

import math
from dataclasses import dataclass
from html import escape

from torch import Tensor

LARGEST = 48  # rows and columns that are drawn
RED, BLUE = (202, 84, 32), (32, 96, 170)  # of numbers below and above 0; told apart by colour-blind eyes


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Two axes of a point. A notebook shows it as a table of coloured cells; `values` are its numbers.

    title    what it is, with the places of the axes that are not shown
    axes     the letters of rows and columns
    labels   the names of the rows, and of the columns
    light    what the second route says of the whole tensor
    """

    values: Tensor  # [rows, columns]
    title: str
    axes: str
    labels: tuple[list[str], list[str]]
    light: str

    def __repr__(self) -> str:
        return f"HeatMap({self.sentence()})"

    def sentence(self) -> str:
        """What is shown, in words."""
        finite = self.values.double()[self.values.double().isfinite()]
        goes = f"from {finite.min():.4g} to {finite.max():.4g}" if len(finite) else "no finite number"
        rows, columns = self.values.shape
        return f"{self.title}: {self.axes[0]} down ({rows:,}), {self.axes[1]} across ({columns:,}), {goes}"

    def _repr_html_(self) -> str:
        shown = self.values[:LARGEST, :LARGEST].double().tolist()
        finite = [abs(x) for row in shown for x in row if math.isfinite(x)]
        most = max(finite, default=0) or 1.0
        head = "".join(_name(label, "col") for label in self.labels[1][:LARGEST])
        body = "".join(
            f"<tr>{_name(label, 'row')}{''.join(_cell(x, most) for x in row)}</tr>"
            for label, row in zip(self.labels[0], shown, strict=False)
        )
        rows, columns = self.values.shape
        cut = f" The first {len(shown)} rows and {min(columns, LARGEST)} columns are drawn."
        cut = cut if max(rows, columns) > LARGEST else ""
        return (
            f'<figure style="margin:0;overflow-x:auto"><figcaption>{escape(self.sentence())}. '
            f"{escape(self.light)}{cut}</figcaption>"
            f'<table style="border-collapse:collapse;font-size:11px"><thead><tr><td></td>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></figure>"
        )


def heat_map(trace, point: str, at: dict[str, int]) -> HeatMap:
    """Two axes of a point of a trace: of those that `at` does not fix the last two; the others are at 0.

    KeyError if the model has no such point; a ValueError says which axes and places there are.
    """
    tensor, axes = trace[point], trace.table[point].axes
    for letter, i in at.items():
        if letter not in axes:
            raise ValueError(f"{point} has the axes {' '.join(axes)}, not {letter!r}")
        size = tensor.shape[axes.index(letter)]
        if isinstance(i, bool) or not isinstance(i, int) or not 0 <= i < size:
            raise ValueError(f"{point}: {letter} = {i!r} is outside its {size} entries, 0 to {size - 1}")
    free = [axis for axis, letter in enumerate(axes) if letter not in at and letter != "B"]
    free = free[-2:] if len(free) > 1 else [axes.index("B"), *free][-2:] if "B" not in at else free
    where = [slice(None) if axis in free else at.get(letter, 0) for axis, letter in enumerate(axes)]
    values = tensor[tuple(where)]
    if len(free) < 2:
        values, free = values.reshape(1, -1) if free else values.reshape(1, 1), [None, *free][-2:]
    letters = ["·" if axis is None else axes[axis] for axis in ([None] * (2 - len(free)) + free)]
    fixed = [f"{letter}={at.get(letter, 0)}" for axis, letter in enumerate(axes) if axis not in free]
    row = at.get("B", 0)
    names = tuple(
        _labels(trace, point, letter, n, row) for letter, n in zip(letters, values.shape, strict=True)
    )
    title = f"{trace.model.name}, {point}" + (f" [{', '.join(fixed)}]" if fixed else "")
    return HeatMap(values, title, "".join(letters), names, _light(trace, point))


def _light(trace, point: str) -> str:
    from engine.worked import check  # here: the second route imports the trace

    found = check(trace, point)
    return f"Second route: {'agrees' if found.ok else 'does not agree'} ({found!r})."


def _labels(trace, point: str, letter: str, count: int, row: int) -> list[str]:
    """The tokens along an axis of positions, numbers along any other."""
    numbers = [str(i) for i in range(count)]
    made = trace.table[point]
    reads = made.stack == "decoder" and not (letter == "S" and (made.part == "cross" or made.short == "memory"))
    ids = trace.target if reads else trace.ids
    if letter not in "TS" or trace.model.tokenizer is None or ids.shape[1:] != (count,):
        return numbers
    texts = (trace.model.tokenizer.shown(int(id)).decode("utf-8", "replace") for id in ids[row])
    return [f"{i} {text}" for i, text in zip(numbers, texts, strict=True)]


def _name(label: str, scope: str) -> str:
    return (
        f'<th scope="{scope}" style="font-weight:normal;white-space:pre;text-align:left">{escape(label)}</th>'
    )


def _cell(x: float, most: float) -> str:
    if not math.isfinite(x):
        text = "−∞" if x == -math.inf else "∞" if x > 0 else "NaN"
        return f'<td style="background:#ddd;color:#333" title="{text}">{text}</td>'
    share = abs(x) / most
    red, green, blue = (round(255 + (c - 255) * share) for c in (BLUE if x > 0 else RED))
    ink = "#fff" if share > 0.6 else "#222"
    return (
        f'<td style="background:rgb({red},{green},{blue});color:{ink};text-align:right;padding:1px 3px" '
        f'title="{x:.6g}">{x:.2g}</td>'
    )
