"""Objectives of which there is no trained model on this page: what is read and what is wanted."""

import numpy as np

from app import catalogue, compute, state
from app.settings import change
from app.text import say
from app.ui.controls import button, choice, number, slider, switch, text_field
from app.ui.page import columns, text
from app.ui.source import code
from app.views.train.batches.computed import checked
from app.views.train.batches.next_token import LONGEST, MODEL, TYPED, ids_of, two
from app.views.train.batches.settings import Batches
from app.views.train.batches.shown import heat, labels_of, strip, told
from engine.training.data.pairs import sentences_of
from engine.training.objectives import denoising
from engine.training.objectives import permuted as orders
from engine.training.objectives import spans as t5
from engine.worked.objectives import check_denoised, check_order, check_spans


def _again(now: Batches, label: str) -> None:
    a, b = columns(1, 1, align="end")
    with a:
        button("again", say("batches", label), lambda: change(Batches, seed=(now.seed + 1) % 10_000))
    with b:
        number(say("batches", "seed"), "batches.seed")


# --- T5 ----------------------------------------------------------------------------------------------


def spans(now: Batches) -> None:
    text_field(say("batches", "text"), "batches.text", TYPED)
    a, b, c = columns(1, 1, 2, align="end")
    with a:
        slider(say("batches", "spans/share"), "batches.share", 5)
    with b:
        slider(say("batches", "spans/length"), "batches.length", 1)
    with c:
        _again(now, "spans/again")
    ids = two(ids_of(now, LONGEST))
    hidden = t5.spans(len(ids), now.share / 100, now.length, np.random.default_rng(now.seed))
    read, wanted = t5.corrupt(ids, hidden)
    runs = -wanted[-1] - 1
    told_ = dict(
        n=int(hidden.sum()), of=len(ids), share=hidden.mean(), runs=runs, read=len(read), wanted=len(wanted)
    )
    text(say("batches", "spans/numbers", **told_))
    kinds = [(0.1, told("spans/kept")), (0.7, told("spans/hidden"))]
    more = {"title": told("spans/title"), "rowName": "row", "colName": "token", "kinds": kinds, "max": 1.0}
    more |= {"texts": [labels_of(MODEL, ids)], "pick": None, "say": told("spans/say")}
    check = check_spans(ids, read, wanted)
    heat("hidden", np.where(hidden, 0.7, 0.1)[None], [None], [None], check=check, height=60, **more)
    for name, tokens in (("read", read), ("wanted", wanted)):
        text(say("batches", f"spans/{name}", n=len(tokens)))
        strip(name, _with_sentinels(tokens), told(f"spans/{name}/aria"))
    _filler()
    code(t5.spans, t5.corrupt)


def _filler() -> None:
    """Which model here learned so, if there is one: its walk has the losses."""
    name = next(iter(catalogue.fillers()), "")
    text(say("batches", "spans/why", {"filler": bool(name)}, name=name))
    if name:
        button("filler", say("batches", "spans/walk"), lambda: _walk(name))


def _walk(name: str) -> None:
    state.anew(model=catalogue.linked(name), step="next", stack="", target="")
    state.leave()


def _with_sentinels(tokens: list[int]) -> list[tuple[str, str]]:
    labels = iter(labels_of(MODEL, [id for id in tokens if id >= 0]))
    return [(next(labels), "") if id >= 0 else (t5.name_of(id), told("spans/sentinel")) for id in tokens]


# --- BART --------------------------------------------------------------------------------------------


def denoise(now: Batches) -> None:
    text_field(say("batches", "text"), "batches.text", TYPED)
    a, b = columns(3, 2, align="end")
    with a:
        names = {kind: told(f"denoise/{kind}") for kind in denoising.KINDS}
        choice(say("batches", "denoise/kinds"), "batches.damage", names)
    with b:
        _again(now, "spans/again")
    ids, sentences = _by_sentence(now)
    came = denoising.KINDS[now.damage](sentences, np.random.default_rng(now.seed))
    labels = labels_of(MODEL, ids)
    damaged = ["[MASK]" if t < 0 else labels[t] for t in came]
    text(say("batches", f"denoise/{now.damage}/told"))
    left, right = columns(1, 1)
    with left:
        text(say("batches", "denoise/read", n=len(came)))
        notes = ["" if t >= 0 else told("denoise/mask/note") for t in came]
        strip("read", list(zip(damaged, notes, strict=True)), told("denoise/damaged"))
        text(say("batches", "denoise/wanted", n=len(ids)))
        strip("wanted", [(label, "") for label in labels], told("denoise/aria"))
        text(say("batches", "denoise/why"))
    with right:
        _where(now, sentences, came, damaged, labels)
    code(denoising.KINDS[now.damage])


def _by_sentence(now: Batches) -> tuple[list[int], denoising.Sentences]:
    """The tokens of a text, and where each of its sentences stands in them."""
    encode = compute.model(MODEL).tokenizer.encode
    ids, ranges = [], []
    for n, sentence in enumerate(sentences_of(checked(now.text, "the text"))):
        more = encode(f" {sentence}" if n else sentence)[: LONGEST - len(ids)]
        if more:
            ranges.append(range(len(ids), len(ids) + len(more)))
        ids += more
    return ids, ranges


def _where(now: Batches, sentences, came: list[int], damaged: list[str], labels: list[str]) -> None:
    """Where each token of the damaged text stood."""
    check = check_denoised(now.damage, sentences, came)
    if not came:
        return text(say("batches", "denoise/nothing"))
    values = np.full((len(came), len(labels)), -np.inf)
    for row, t in enumerate(came):
        if t >= 0:
            values[row, t] = 1.0
    more = {"title": told("denoise/title"), "rowName": "read", "colName": "text", "max": 1.0, "axes": "TS"}
    more |= {
        "titles": ("is read ↓", "text →"),
        "kinds": [(1.0, told("denoise/stood"))],
        "hidden": told("denoise/not"),
    }
    more |= {"pick": None, "say": told("denoise/say"), "counted": (True, True), "wide": False, "height": 330}
    heat("where", values, damaged, labels, check=check, **more)


# --- XLNet -------------------------------------------------------------------------------------------


def permuted(now: Batches) -> None:
    text_field(say("batches", "text"), "batches.text", TYPED)
    _again(now, "permuted/again")
    ids = two(ids_of(now, LONGEST))
    labels, order = labels_of(MODEL, ids), orders.order_of(len(ids), now.seed)
    mask = orders.mask_of(order, now.content).numpy()
    ranks = np.argsort(order)
    left, right = columns(1, 1)
    with left:
        text(say("batches", "permuted/order"))
        turns = [
            (label, told("permuted/turn", n=int(rank) + 1)) for label, rank in zip(labels, ranks, strict=True)
        ]
        strip("order", turns, told("permuted/aria"))
        text(_first(labels, order))
        switch(say("batches", "permuted/content"), "batches.content")
        text(say("batches", "permuted/why"))
    with right:
        more = {"title": told("permuted/title"), "told": "mask", "max": 1.0, "hidden": "masked", "axes": "TS"}
        more |= {"rowName": "predicted", "colName": "seen", "titles": ("predicted ↓", "sees →"), "pick": None}
        more |= {"say": told("permuted/say", n=int(mask.sum()), of=mask.size), "counted": (True, True)}
        check = check_order(order, now.content, mask)
        heat("order", np.where(mask, 1.0, -np.inf), labels, labels, check=check, wide=False, **more)
    code(orders.order_of, orders.mask_of)


def _first(labels: list[str], order: list[int]) -> str:
    """The first three steps in words."""
    steps = [say("batches", "permuted/step", token=labels[order[0]], n=1, of=order[0])]
    for n in range(1, min(3, len(order))):
        seen = ", ".join(f"“{labels[t].removeprefix('·')}”" for t in sorted(order[:n]))
        steps.append(say("batches", "permuted/later", token=labels[order[n]], n=n + 1, of=order[n], seen=seen))
    return " ".join(steps)
