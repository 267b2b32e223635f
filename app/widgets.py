"""What every step is made of: a picture in its frame, the arithmetic of a cell, the code that ran."""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch

from app import components, compute, state
from app.edits import LARGEST, put
from app.look import Look
from app.page import HERE, keep, text
from app.text import say
from engine.tap import Edit
from engine.worked import Check, Worked, work

SHOWN_TERMS = 6
LONG = 64  # tokens of a text whose whole run is made again only when asked for
WEIGHTS = {"scale": "sequential", "max": 1.0}  # how a picture of weights is drawn: shares of one
# axis -> the field of the view that picks along it, and what one of its places is called
PICKS = {
    "T": "token",
    "N": "token",
    "S": "key",
    "E": "unit",
    "D": "unit",
    "P": "unit",
    "F": "unit",
    "X": "expert",
    "V": "entry",
}
NAMES = PICKS | {"N": "patch", "S": "looks at", "E": "number", "D": "number", "P": "value"}
ASKS = ("asks ↓", "is asked →")  # the axes of every picture of who looks at whom
BEFORE = {"N": 1}  # vectors that stand before the first place of an axis


def words(look: Look, name: str, /, *also: str, **values) -> None:
    """A text of the walk, as it is for this kind of model (`also`: what else is so), filled in."""
    text(told(look, name, *also, **values))


def told(look: Look, name: str, /, *also: str, **values) -> str:
    """The same text, to be shown elsewhere."""
    return say("walk", name, look.facts | dict.fromkeys(also, True), **look.values | values)


def light(check: Check) -> dict:
    """A self-check as the frame shows it."""
    noise = "float noise" if check.ok else "more than float noise"
    return {
        "ok": check.ok,
        "text": f"recomputed in float64: worst cell differs by {_number(check.largest, 1)}, {noise}",
    }


def foot(look: Look, point: str) -> str:
    """The point's name and shape: blocks.2.attn.scores  [B=1, H=6, T=9, S=9]."""
    sizes = zip("B" + look.axes(point), look.trace[point].shape, strict=True)
    return f"{point}  [{', '.join(f'{axis}={n}' if axis != '1' else '1' for axis, n in sizes)}]"


def picture(
    look: Look,
    point: str,
    title: str,
    *,
    array: np.ndarray | None = None,
    variant: str = "",
    name: str = "",
    plain: bool = False,
    pickable: bool = True,
    remark: str | None = None,
    among: Sequence[str] = (),
    check: Check | None = None,
    **drawn,
) -> None:
    """The matrix of a point as a heat map; click or arrow keys pick a cell.

    array and variant  other numbers in the place of the point's own (a what-if), and their name: they
                       are no longer the point, so the frame says what they are instead
    name               tells pictures of the same point apart, where several models are on a page
    plain              no labels are drawn, for a picture beside others; hovering tells them
    remark             what to say under the picture in the place of its picked and its largest number
    check              of those other numbers
    among              points that are added up or compared, this one of them: their pictures share one scale
    drawn              height, scale, max, bands, pick, aria: as the component takes them
    """
    id, values = look.id_of(point, variant), _shown(look, point, array)
    keep(id, values)
    header = {"src": id, "title": title, "aria": title, "say": remark, "scale": "diverging", "height": 380}
    header |= _sides(look, point, values.shape, plain) | _told(look, point)
    header |= _scale_of(look, among) if among else {}
    header |= origin(look, point) if array is None else {"foot": variant, "model": look.source}
    header |= {"light": light(check)} if check else {}
    header |= {"pick": None} if remark or not pickable else {}
    header |= {"index": look.view.head, "follow": "head"} if len(look.axes(point)) == 3 else {}
    pick = (lambda cell: state.change(**_picked(look.axes(point), cell))) if pickable else None
    components.matrix(f"matrix-{look.trace.table[point].local}-{variant or name}", header | drawn, pick)


def _sides(look: Look, point: str, shape: tuple[int, ...], plain: bool) -> dict:
    """The two axes of a picture: what they and their places are called, and which cell is picked."""
    axes = look.axes(point)[-2:]
    sides = list(zip(axes, shape[1:], strict=True))
    rows, columns = (_labels(look, point, axis, n) for axis, n in sides)
    picked = [getattr(look.view, PICKS[axis]) for axis in axes]
    pick = [_clamp(i - BEFORE.get(axis, 0), n) for i, (axis, n) in zip(picked, sides, strict=True)]
    names = [NAMES[axis] for axis in axes]
    return {
        "axes": axes,
        "rows": rows,
        "cols": columns,
        "bare": plain,
        "pick": pick if min(picked) >= 0 else None,
        "rowName": names[0],
        "colName": names[1],
        "titles": ASKS if axes == "TS" else (f"{names[0]} ↓", f"{names[1]} →"),
        "counted": [_counted(look, point, axis) for axis in axes],
    }


def _counted(look: Look, point: str, axis: str) -> bool:
    """Are the places of an axis tokens of a text, which a reader tells apart by where they stand?"""
    seen = look.memory if axis == "S" and look.trace.table[point].part == "cross" else look
    return axis in "TS" and not seen.config.image


def _told(look: Look, point: str) -> dict:
    """How a cell of a picture is read out: as a weight, a score, a permission or a number; and what a masked
    cell says in the place of its number."""
    kind, axes = look.trace.table[point].kind, look.axes(point)
    if look.trace[point].dtype == torch.bool:
        return {"told": "mask", "hidden": "masked"}
    if kind == "softmax":
        return {"told": "weight", "hidden": "masked"}
    return {"told": "score" if axes.endswith("TS") else "number", "hidden": "−∞ (masked)"}


def _scale_of(look: Look, points: Sequence[str]) -> dict:
    """One scale for several pictures: the largest size in any of them, for each matrix of a stack."""
    sizes = [np.abs(_shown(look, point)).max((1, 2)) for point in points]
    return {"max": np.maximum.reduce(sizes).tolist(), "shared": len(points)}


def origin(look: Look, point: str) -> dict:
    """Where the numbers of a picture come from, as its frame tells it: point, model, self-check."""
    return {"foot": foot(look, point), "model": look.source, "light": light(look.checked(point))}


def _shown(look: Look, point: str, array: np.ndarray | None = None) -> np.ndarray:
    """The numbers of a point, or others in their place, as a stack of matrices [N, R, C]: −∞ where a cell is
    masked, which is hatched. A weight that is masked is no small weight."""
    values = look.array(point) if array is None else array
    if values.dtype == bool:
        values = np.where(values, 1.0, -np.inf)
    elif look.trace.table[point].kind == "softmax":
        values = np.where(np.isneginf(look.array(look.sources(point)[0])), -np.inf, values)
    values = values.astype(np.float32)
    values = values if len(look.axes(point)) == 3 else values[None]
    if look.axes(point)[0] == "G":  # one for each head that shares it: a picture follows the picked head
        return np.repeat(values, look.config.group_size, 0)
    return values


def _picked(axes: str, cell: list[int]) -> dict:
    return {PICKS[axis]: int(i) + BEFORE.get(axis, 0) for axis, i in zip(axes[-2:], cell, strict=True)}


def _labels(look: Look, point: str, axis: str, count: int) -> list[str]:
    if axis == "S":
        return look.positions(point)
    return look.labels[BEFORE.get(axis, 0) :] if axis in "TN" else [str(i) for i in range(count)]


def _clamp(value: int, count: int) -> int:
    return max(0, min(value, count - 1))


def thumbs(look: Look, name: str, array: np.ndarray, variant: str = "") -> None:
    """All heads of a point of the block, small; the picture of that point beside them brings the numbers."""
    view, share = look.view, look.config.group_size
    seen = look.positions(look.point(name))
    rows = array[:, view.token]
    best = rows.argmax(-1)
    asks = f"{look.labels[view.token]} ({view.token})"
    notes = [f"{asks} looks {row[i]:.0%} at {seen[i]} ({i})" for row, i in zip(rows, best, strict=True)]
    header = {
        "src": look.id_of(look.point(name), variant),
        "head": view.head,
        "names": [f"head {h}" + (f" · kv {h // share}" if share > 1 else "") for h in range(len(array))],
        "notes": notes,
        "scale": "sequential",
        "max": 1.0,
        "aria": f"All heads of layer {view.layer}",
    }
    components.thumbs("thumbs", header, head=lambda h: state.change(head=int(h)))


def laid(look: Look, title: str, over: str = "", height: int = 290, name: str = "") -> None:
    """The image in its patches; with `over`, a point of weights [H, T, S] or [T, S], those of the picked head
    and token on it."""
    by = "key" if look.side == "decoder" else "token"  # a patch is looked at, or looks itself
    header = _on_image(look, title, over) | {"by": by, "height": height, "aria": title}
    header |= origin(look, over) if over else {"model": look.source}
    components.image(f"image-{over and 'over'}{name}", header, lambda i: state.change(**{by: int(i)}))


def looks(look: Look, title: str, over: str, says: list[str]) -> None:
    """The image once for each token of the decoder, the weights that it looks with laid on it; `says` is what
    is written after each."""
    header = _on_image(look, title, over) | {"says": says}
    components.looks("looks", header, lambda i: state.change(token=int(i)))


def _on_image(look: Look, title: str, over: str) -> dict:
    """What a picture of the image needs, its tensors in their place."""
    sees = look.memory if look.side == "decoder" else look
    id, config = look.id_of("image"), sees.config
    keep(id, look.model.prepare.pixels(look.trace.ids)[0].cpu().numpy())
    if over:
        keep(look.id_of(over), _shown(look, over))
    return {
        "src": id,
        "over": look.id_of(over) if over else None,
        "index": look.view.head,
        "token": look.view.token,
        "key": look.view.key,
        "across": config.image // config.patch,
        "names": ["the first vector", *(f"patch {label}" for label in sees.labels[1:])],
        "words": look.labels,
        "title": title,
    }


def chart(
    look: Look,
    key: str,
    figure: go.Figure,
    title: str,
    *,
    point: str = "",
    foot: str = "",
    aria: str = "",
    check: Check | None = None,
    pick=None,
) -> None:
    """A chart of `app.figures` in the frame of every picture.

    point  where its numbers come from, which are then checked; foot says it in words where no point holds them
    check  of what was made of a point's numbers
    """
    header = {"title": title, "aria": aria or title, "foot": foot}
    header |= origin(look, point) if point else {"model": look.source}
    header |= {"light": light(check)} if check else {}
    components.plot(f"plot-{key}", header, figure, pick)


def scored(
    look: Look, indices: list[int], scores: torch.Tensor, shares: torch.Tensor, picked: int
) -> list[dict]:
    """Rows of `bars` for some of a model's answers: each one's probability and the score that it comes from."""
    rows = []
    for i in indices:
        share = float(shares[i])
        note = f"{share:.1%}, score {float(scores[i]):.2f}".replace("-", "−")
        rows.append({"label": look.answer(i), "value": share, "note": note, "mark": i == picked})
    return rows


def arithmetic(look: Look, *cells: tuple | Worked) -> None:
    """Picked cells (a point and where in it) by hand: terms, their sum, the model's own number beside it."""
    boxes = [_box(look, cell) if isinstance(cell, Worked) else _by_hand(look, *cell) for cell in cells]
    components.hands("hands", [box for box, _ in boxes], lambda sent: _set(look, [at for _, at in boxes], sent))


def _set(look: Look, cells: list[Edit | None], sent: object) -> None:
    """Give a cell the number that the browser sends, where both are sensible."""
    match sent:
        case [int(i), int() | float() as x] if 0 <= i < len(cells) and cells[i] and abs(x) <= LARGEST:
            state.edit(lambda edits: put(edits, replace(cells[i], value=float(x))))


def _settable(look: Look, point: str, at: tuple[int, ...]) -> Edit | None:
    """The what-if that sets a cell, where it is a number of a point."""
    if point not in look.trace.table or look.trace[point].dtype == torch.bool:
        return None
    axes = look.trace.table[point].axes[1:]
    return Edit(point, "set", [(axis, i) for axis, i in zip(axes, at, strict=True) if axis != "1"], 0.0)


def _by_hand(look: Look, point: str, *cell: int) -> dict:
    sizes = look.trace[point].shape[1:]
    at = tuple(_clamp(i, n) for i, n in zip(cell, sizes, strict=True))
    made, made_at = _made(look, point, at)
    return _box(look, work(look.trace, made, (0, *made_at)), {point: at})


def _box(look: Look, worked: Worked, picked: dict[str, tuple[int, ...]] | None = None) -> tuple:
    """The arithmetic of a cell, and the what-if that sets it; `picked` names one that only takes it over."""
    cells = (picked or {}) | {worked.point: worked.at[1:]}
    difference = abs(worked.value - worked.shown) if worked.value != worked.shown else 0.0
    told = "frac" in worked.numbers or not worked.terms  # else the terms below tell the same
    settable = _settable(look, *next(iter(cells.items())))
    return {
        "cell": " = ".join(f"{name}[{', '.join(map(str, i))}]" for name, i in cells.items()),
        "formulas": [compute.formula(latex) for latex in (worked.symbols, worked.numbers)[: 1 + told]],
        "terms": _terms(look, worked),
        "total": _number(worked.total),
        "value": _number(worked.value),
        "shown": _number(worked.shown),
        "who": "shown above" if worked.point == "p" else "this what-if" if look.trace.edits else "the model",
        "difference": _number(difference, 1),
        "sources": worked.sources,
        "set": settable is not None,
        "exact": worked.shown if math.isfinite(worked.shown) else 0.0,
    }, settable


def _made(look: Look, point: str, at: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """Where the number in a cell was made: a point that only takes over another has nothing to work out."""
    step = look.trace.table[point]
    if not step.sources or point in (edit.point for edit in look.trace.edits):
        return point, at
    if step.kind == "identity":
        return _made(look, step.sources[0], at)
    return _made(look, step.sources[at[0]], at[1:]) if step.kind == "stack" else (point, at)


def _terms(look: Look, worked: Worked) -> list[tuple[str, str, str]]:
    """The largest terms, each with its factors, and the rest in one."""
    rows = []
    for term in worked.terms[:SHOWN_TERMS]:
        factors = " × ".join(_number(x) for x in term.factors) if len(term.factors) > 1 else ""
        rows.append((_name(look, worked.point, term.label), factors, _number(term.value)))
    rest = worked.terms[SHOWN_TERMS:]
    if rest:
        label = rest[0].label if len(rest) == 1 else f"{len(rest):,} more"
        rows.append((label, "", _number(sum(term.value for term in rest))))
    return rows


def _name(look: Look, point: str, label: str) -> str:
    """A term's label with the token's text instead of its position, or of its number in the vocabulary."""
    word, _, i = label.partition(" ")
    if word == "entry":
        return look.answer(int(i))
    return look.positions(point)[int(i)] if word == "position" else label


def _number(x: float, digits: int = 5) -> str:
    return f"{x:.{digits}g}".replace("-", "−").replace("inf", "∞")


def whole_run(look: Look, point: str) -> None:
    """The whole run once more by the second route alone, from what was read to a point. It takes a while, so it
    waits until the visitor rests; of a long text, until a click."""
    name, long = look.id_of(point, "whole run"), len(look.trace.ids[0]) > LONG
    header = {
        "name": name,
        "ask": not state.rested(name),
        "button": say("walk", "run/go") if long else "",
        "ok": None,
    }
    values, kind = {}, "long" if long else "waits"
    if not header["ask"]:
        check = compute.checked_run(look.model.name, look.given, point, look.trace.edits)
        values, kind = dict(largest=check.largest, allowed=check.allowed), "agrees" if check.ok else "differs"
        header["ok"] = check.ok
    components.rest("rest", header | {"say": say("walk", f"run/{kind}", **values)}, state.rest)


def code(*functions: Callable) -> None:
    """The functions that made the page's pictures: their source stands below it, to be unfolded."""
    HERE.get().page.code = functions


def ran(*functions: Callable) -> None:
    """The source of functions, when it is unfolded."""
    if not functions:
        return
    names = ", ".join(f.__qualname__ for f in functions)
    box = st.expander(f"The code that ran: {names}", on_change="rerun", key=f"code-{names}", type="compact")
    if box.open:
        for function in functions:
            box.code("# " + inspect.getmodule(function).__name__ + "\n" + inspect.getsource(function))
