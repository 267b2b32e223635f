"""A step on a stage: one picture and one sentence, for a projector. A presenter's clicker goes on inside the
step, from the picture to its row, its cell and the cell's arithmetic, and then to the next step."""

import re

from app.state import View

PICTURE, ROW, CELL, ARITHMETIC = 1, 2, 3, 4
POINT = [PICTURE, ARITHMETIC]
LEVELS = {"matrix": [PICTURE, ROW, CELL, ARITHMETIC], "plot": POINT, "image": POINT}  # by the picture's kind
LEVELS |= {kind: [PICTURE] for kind in ("tokens", "machine", "all_heads", "lines")}
FIRST = {  # which of a step's pictures it is, by how their keys begin; else the first
    "embeddings": ("matrix-embed.out",),
    "layernorm": ("matrix-",),
    "qkv": ("matrix-attn.{letter}",),
    "scores": ("matrix-attn.scores",),
    "residual": ("matrix-resid_mid", "matrix-attn.sum"),
    "cross": ("image-over",),
    "next": ("plot-",),
}
END = re.compile(r"[.?!](?=\s+\S)")  # of a sentence


def only(parts: list[dict], view: View) -> list[dict]:
    """Of a page's parts those of the stage: the picture, its sentence, and at last its arithmetic; all of them
    where there is no step to show."""
    step = _found(parts, lambda part: part["key"] == f"step-{view.step}")
    within = step["data"]["parts"] if step else []
    every = list(_all(within))
    picture = _picture(every, view)
    if not picture:
        return parts
    by_hand = next((part for part in every if part["kind"] == "worked_arithmetic"), None)
    levels = [level for level in LEVELS[picture["kind"]] if level < ARITHMETIC or by_hand]
    level = max(at for at in levels if at <= max(view.stage, PICTURE))
    map = _found(parts, lambda part: part["key"] == "map")
    map["data"] |= {"stage": level, "levels": levels}
    picture["data"]["spot"] = level
    beside = [[picture]] + ([[_box_of(by_hand, picture)]] if level == ARITHMETIC else [])
    columns = {"shares": [5, 4][: len(beside)], "align": "center", "places": beside}
    said = _said(parts, within, picture, level)
    shown = [*said, {"kind": "columns", "key": "stage-columns", "data": columns}, *_warned(parts)]
    stage = {"kind": "group", "key": f"step-{view.step}", "data": {"border": False, "parts": shown}}
    return [{"kind": "group", "key": "pinned", "data": {"border": False, "parts": [map]}}, stage]


def _all(parts: list[dict]):
    """All parts, those inside others after them."""
    for part in parts:
        yield part
        kind, data = part["kind"], part["data"]
        within = data["places"] if kind == "columns" else [data["parts"]] if kind in ("group", "fold") else []
        for inside in within:
            yield from _all(inside)


def _found(parts: list[dict], fits) -> dict | None:
    return next(filter(fits, _all(parts)), None)


def _picture(every: list[dict], view: View) -> dict | None:
    pictures = [part for part in every if part["kind"] in LEVELS]
    for begin in FIRST.get(view.step, ()):
        for part in pictures:
            if part["key"].startswith(begin.format(letter=view.letter)):
                return part
    return pictures[0] if pictures else None


def _said(parts: list[dict], within: list[dict], picture: dict, level: int) -> list[dict]:
    """The title with the step's first sentence; at the row what the step says of its numbers. What is said of a
    cell stands with the picture. A step without a title says what it found."""
    head = _found(parts, lambda part: part["key"] == "head")
    if not head:
        found = (part for part in within if part["kind"] == "text")
        return [{"kind": "text", "key": "said", "data": ["div", *_sentence(part["data"])]} for part in found]
    lead = next(part for part in _all(head["data"]["parts"]) if part["kind"] == "text")
    left = next((part["data"]["places"][0] for part in within if part["kind"] == "columns"), within)
    own = next((part for part in left if part["kind"] == "text"), None)
    title, *rest = lead["data"][1:]
    about = own["data"] if level > PICTURE and own else ["div", *rest]
    said = [] if level > ROW and picture["kind"] == "matrix" else _sentence(about)
    return [{"kind": "text", "key": "said", "data": ["div", title, *said]}]


def _warned(parts: list[dict]) -> list[dict]:
    """The warning that what a model wrote is not to be trusted, in a sentence."""
    warning = _found(parts, lambda part: part["key"] == "warning")
    found = warning["data"]["parts"] if warning else []
    return [{"kind": "text", "key": "warned", "data": ["div", *_sentence(part["data"])]} for part in found]


def _sentence(text: list) -> list:
    """The first sentence of a text."""
    paragraph, shown = next((part for part in text[1:] if part[0] == "p"), ["p"]), []
    for part in paragraph[1:]:
        end = END.search(part) if isinstance(part, str) else None
        shown.append(part[: end.end()] if end else part)
        if end:
            break
    return [["p", *shown]]


def _box_of(by_hand: dict, picture: dict) -> dict:
    """The arithmetic of the picture's cell alone."""
    boxes, point = by_hand["data"]["boxes"], str(picture["data"].get("foot", "")).split("  ")[0]
    found = (box for box in boxes if f"{point}[" in box["cell"])
    box = next(found, boxes[min(by_hand["data"]["open"], len(boxes) - 1)])
    return by_hand | {"data": {"boxes": [box | {"set": False, "sources": []}], "open": 0}}
