"""Next token: every position predicts the one after it; and one pass beside a pass for each prefix."""

from itertools import pairwise

import numpy as np

from app import compute
from app.text import say
from app.ui.controls import text_field
from app.ui.page import columns, text
from app.ui.source import code
from app.views.train.batches.computed import both, checked, next_tokens
from app.views.train.batches.settings import Batches
from app.views.train.batches.shown import (
    by_hand,
    heat,
    labels_of,
    loss_bars,
    pick,
    picked_of,
    rows_of,
    strip,
    told,
)
from engine.training.objectives import losses, prefixes
from engine.worked.losses import check_again, check_losses
from engine.worked.objectives import check_order

MODEL = "storybook"
LONGEST = 40  # tokens of a text that are shown
ONCE = 24  # of one that is read prefix by prefix
TYPED = 2000  # characters of a text


def ids_of(now: Batches, most: int) -> list[int]:
    """The tokens of what was typed; a sentence says where there are more than can be shown."""
    ids = compute.model(MODEL).tokenizer.encode(checked(now.text, "the text"))
    if len(ids) > most:
        text(say("batches", "cut", n=len(ids), most=most))
    return ids[:most]


def two(ids: list[int]) -> list[int]:
    if len(ids) < 2:
        raise ValueError("the text is a single token, and two are needed at least. Type more")
    return ids


def draw(now: Batches) -> None:
    text_field(say("batches", "text"), "batches.text", TYPED)
    ids = two(ids_of(now, LONGEST))
    scored = next_tokens(MODEL, tuple(ids))
    labels = labels_of(MODEL, ids)
    at = picked_of(scored, now.token)
    left, right = columns(7, 4)
    with left:
        text(say("batches", "next/mean", n=len(ids) - 1, mean=scored.mean, among=float(np.exp(scored.mean))))
        strip("read", [(a, f"→ {b}") for a, b in pairwise(labels)], told("next/aria"))
        rows = rows_of(scored, labels[1:], at)
        loss_bars("losses", rows, told("next/bars"), scored.check, pick, model=MODEL)
    with right:
        entry = int(scored.wanted[at])
        text(say("batches", "next/picked", token=labels[at + 1], before=labels[at]))
        shown = float(scored.losses[at])
        by_hand(MODEL, scored.logits[at], entry, shown, f"logits[0, {at}, :]", f"loss[{at + 1}]")
        text(say("batches", "next/why"))
    code(losses.losses, losses.mean)


def draw_once(now: Batches) -> None:
    text_field(say("batches", "text"), "batches.text", TYPED)
    ids = two(ids_of(now, ONCE))
    found, labels = both(MODEL, tuple(ids)), labels_of(MODEL, ids)
    values = np.stack([found.together, found.apart])
    count = len(ids) - 1
    check = check_again(found.logits, ids[1:], found.apart)
    own = check_losses(found.logits, ids[1:], found.together)
    rows = [told("once/together"), told("once/apart", n=count)]
    more = {"title": told("once/title"), "rowName": "way", "colName": "token", "pick": None}
    change = float((found.together - found.apart).abs().max())
    more |= {"say": told("once/say", change=change, n=count), "counted": (False, True), "model": MODEL}
    heat("once", values, rows, labels[1:], check=check if own.ok else own, **more)
    left, right = columns(1, 1)
    with left:
        text(say("batches", "once/cost", n=count, read=count, again=count * (count + 1) // 2))
        text(say("batches", "once/why"))
    with right:
        mask = np.where(np.tri(count, dtype=bool), 1.0, -np.inf)
        more = {"title": told("once/mask"), "told": "mask", "max": 1.0, "hidden": "masked", "axes": "TS"}
        more |= {
            "titles": ("reads ↓", "sees →"),
            "wide": False,
            "height": 260,
            "say": told("once/mask/say"),
        }
        check = check_order(range(count), True, np.isfinite(mask))
        heat("mask", mask, labels[:-1], labels[:-1], check=check, **more)
    code(prefixes.both)
