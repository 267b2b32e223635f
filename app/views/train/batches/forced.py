"""Translation: the loss of each right word after the right ones (teacher forcing), and after its own."""

import numpy as np

from app.settings import change
from app.text import say
from app.ui.controls import text_field
from app.ui.page import columns, text
from app.ui.source import code
from app.views.train.batches.computed import checked, forced
from app.views.train.batches.next_token import TYPED
from app.views.train.batches.settings import Batches
from app.views.train.batches.shown import by_hand, heat, labels_of, strip, told
from engine.training.objectives import forcing
from engine.training.objectives.forcing import Forced
from engine.worked import Check

MODEL = "interpreter"
FED = ("right", "own")


def draw(now: Batches) -> None:
    a, b = columns(1, 1)
    with a:
        text_field(say("batches", "translate/source"), "batches.source", TYPED)
    with b:
        text_field(say("batches", "translate/right"), "batches.right", TYPED)
    source, right = checked(now.source, "the English text"), checked(now.right, "the translation")
    one, check = forced(MODEL, source, right)
    labels = labels_of(MODEL, one.wanted)
    row, at = _losses(now, one, check, labels)
    left, right_side = columns(7, 4)
    with left:
        text(_told(one, labels))
        text(say("batches", "translate/own"))
        own = labels_of(MODEL, one.own)
        off = told("translate/off/here")
        strip(
            "own", [(label, off if t == one.off else "") for t, label in enumerate(own)], told("translate/aria")
        )
        text(say("batches", "translate/why"))
    with right_side:
        logits, losses = ((one.logits, one.right), (one.own_logits, one.free))[row]
        source = f"decoder.logits[0, {at}, :]"
        by_hand(MODEL, logits[at], one.wanted[at], float(losses[at]), source, f"loss[{at}]")
    code(forcing.forced)


def _losses(now: Batches, one: Forced, check: Check, labels: list[str]) -> tuple[int, int]:
    """Both losses of each right token as a heat map; returns what is picked."""
    values = np.full((2, len(labels)), -np.inf)
    values[0], values[1, : len(one.free)] = one.right, one.free
    row = FED.index(now.fed)
    there = int(np.isfinite(values[row]).sum())
    at = now.token if 0 <= now.token < there else int(values[row].argmax())
    rows = [told("translate/fed/right"), told("translate/fed/own")]
    more = {"title": told("translate/title"), "rowName": "fed", "colName": "right word", "pick": [row, at]}
    more |= {"hidden": told("translate/ended"), "counted": (False, True), "model": MODEL}
    heat("forced", values, rows, labels, check=check, act=_pick, **more)
    return row, at


def _pick(at: list[int]) -> None:
    change(Batches, fed=FED[at[0]], token=at[1])


def _told(one: Forced, labels: list[str]) -> str:
    """Both means, and where its own text leaves the right one."""
    values = dict(n=len(one.wanted), right=float(one.right.mean()), own=float(one.free.mean()), m=len(one.free))
    if one.off is None:
        return say("batches", "translate/same", **values)
    wrote = labels_of(MODEL, one.own)[one.off] if one.off < len(one.own) else "∅"
    after = one.free[one.off + 1 :]
    values |= dict(at=one.off + 1, wanted=labels[one.off], wrote=wrote, behind=len(after))
    values |= dict(then=float(after.mean()) if len(after) else 0.0)
    same = one.right[one.off + 1 : len(one.free)]
    values |= dict(still=float(same.mean()) if len(same) else 0.0)
    return say("batches", "translate/off", {"behind": len(after) > 0}, **values)
