"""How the objectives are shown: heat maps of small tables, bars of losses, rows of tokens, a loss by hand."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2s

import numpy as np

from app import components, compute
from app.settings import change
from app.text import plain, say
from app.ui.events import Refused
from app.ui.figures import bars
from app.ui.frame import light, written
from app.ui.labels import token_labels
from app.ui.page import keep
from app.views.train.batches.computed import Scored
from app.views.train.batches.settings import Batches
from engine.worked import Check, Worked
from engine.worked.losses import work_loss

HEADER = {"rowName": "text", "colName": "position", "counted": (False, False), "scale": "sequential"}
HEADER |= {"height": 380, "wide": True, "told": "number", "foot": "", "model": ""}
TERMS = 6


def told(key: str, kinds: Mapping[str, bool] | None = None, **values) -> str:
    """A text of this part as it stands in titles, which are no Markdown."""
    return plain(say("batches", key, kinds or {}, **values))


def labels_of(name: str, ids: Sequence[int]) -> list[str]:
    """Tokens of a model as they are read."""
    tokenizer = compute.model(name).tokenizer
    return token_labels([tokenizer.shown(id) for id in ids])


def heat(
    key: str, values: np.ndarray, rows: Sequence[str], cols: Sequence[str], *, act=None, check=None, **more
) -> None:
    """A table of numbers as a heat map, −∞ where there is none."""
    values = np.asarray(values, np.float32)[None]
    sign = blake2s(
        values.tobytes() + repr((rows, cols, more.get("texts"))).encode("utf-8", "replace"), digest_size=8
    )
    src = f"batches|{key}|{sign.hexdigest()}"
    keep(src, values)
    header = {"src": src, "rows": list(rows), "cols": list(cols), "axes": "RC"} | HEADER | more
    header |= {"aria": header["title"]} | ({"light": light(check)} if check else {})
    components.matrix(f"matrix-{key}", header, act)


def strip(key: str, tokens: Sequence[tuple[str, str]], aria: str) -> None:
    """Tokens in a row, what is said of each below it."""
    components.lesson(key, {"parts": list(tokens), "aria": aria})


def loss_bars(key: str, rows: Sequence[dict], title: str, check: Check, pick: Callable, **more) -> None:
    """The loss of each token as a bar; a row has label, value, note, off and mark."""
    height = 24 * len(rows)
    figure = bars(rows, "token", "loss, −ln p", height=height)
    header = {"title": title, "aria": title, "foot": "", "light": light(check)} | more
    components.plot(f"plot-{key}", header, figure, (range(len(rows)), pick))


def rows_of(scored: Scored, labels: Sequence[str], picked: int) -> list[dict]:
    """A bar for each position where something is wanted."""
    shares, rows = scored.probabilities, []
    for at in scored.places:
        note = told("bars/note", p=written(shares[at], 2), loss=float(scored.losses[at]))
        row = {"label": labels[at], "value": float(scored.losses[at]), "note": note}
        rows.append(row | {"mark": at == picked})
    return rows


def picked_of(scored: Scored, asked: int) -> int:
    """The position whose loss is worked out: as asked for, or that of the largest loss; −1: none."""
    if asked in scored.places:
        return asked
    return int(scored.losses.argmax()) if scored.places else -1


def pick(place: int) -> None:
    change(Batches, token=place)


def by_hand(
    names: str | dict, scores, entry: int, shown: float, source: str, cell: str, key="worked_arithmetic"
) -> None:
    """−ln p of one answer from its row of scores, in an arithmetic box; names: the model that it is a token of,
    or what each answer is called."""
    worked = work_loss(scores, entry, shown, source)
    box = {
        "cell": cell,
        "formulas": [compute.formula(latex) for latex in (worked.symbols, worked.numbers)],
        "terms": _terms(names, worked),
        "total": written(worked.total),
        "value": written(worked.value),
        "shown": written(worked.shown),
        "who": told("by hand/who"),
        "difference": written(abs(worked.value - worked.shown), 1),
        "sources": worked.sources,
        "set": False,
        "exact": 0.0,
    }
    components.worked_arithmetic(key, [box], 0, _refused)


def _terms(names: str | dict, worked: Worked) -> list[tuple]:
    rows = []
    for term in worked.terms:
        word, _, i = term.label.partition(" ")
        called = names.get if isinstance(names, dict) else lambda id: labels_of(names, [id])[0]
        label = called(int(i)) if word == "entry" else term.label
        factors = f"e^({written(term.factors[0])} − m)" if term.factors else ""
        rows.append((label, factors, written(term.value), {}))
    return rows


def _refused(sent: object) -> None:
    raise Refused("a loss follows from the scores")
