"""Charts as data: numbers and labels in, the header of a `plot` component out."""

from collections.abc import Sequence

import numpy as np


def bars(
    rows: Sequence[dict], row_name: str, value_name: str, *, height: int = 400, cut: int = 0, **more
) -> dict:
    """Horizontal bars. A row has label and value, and may have note (text in place of the value),
    off (faded) and mark (outlined); a dashed line stands after the first `cut` rows."""
    rows = [row | {"value": float(row["value"]), "mark": bool(row.get("mark"))} for row in rows]
    return {"kind": "bars", "rows": rows, "rowName": row_name, "valueName": value_name} | {
        "height": height,
        "cut": cut,
        "sig": str([(row["label"], round(row["value"], 6), row["mark"]) for row in rows]),
        **more,
    }


def shares(labels: Sequence[str], values: Sequence[float], picked: int | None = None) -> list[dict]:
    """Rows of `bars` for shares of a whole, told in per cent."""
    pairs = enumerate(zip(labels, values, strict=True))
    return [{"label": a, "value": x, "note": f"{float(x):.1%}", "mark": i == picked} for i, (a, x) in pairs]


def series(
    name: str, x: Sequence, y: Sequence, style: str = "line", labels: Sequence[str] | None = None
) -> dict:
    points = [[float(a), float(b)] for a, b in zip(x, y, strict=True)]
    return {"name": name, "style": style, "points": points} | ({"labels": list(labels)} if labels else {})


def graph(all_series: Sequence[dict], x_name: str, y_name: str, *, height: int = 300, **more) -> dict:
    """Lines, dots or columns on common axes; `more` may have marks [[x, y, text]], xTicks, zero,
    picked, square (the same unit on both axes, 0 in the middle)."""
    header = {"kind": "graph", "series": list(all_series), "xName": x_name, "yName": y_name, "height": height}
    return header | {"sig": str(hash(str((all_series, more)))), **more}


def histogram(name: str, values: np.ndarray, bins: int = 24) -> dict:
    """The columns of a histogram as a series: bin centres and counts."""
    counts, edges = np.histogram(values, bins=bins)
    return series(name, (edges[:-1] + edges[1:]) / 2, counts, "columns")
