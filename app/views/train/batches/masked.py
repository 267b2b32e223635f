"""BERT's objectives: masked words with their dice, next sentence, and the sum of the two losses."""

import numpy as np

from app import compute
from app.settings import change
from app.text import say
from app.ui.controls import button, number, switch, text_field
from app.ui.page import columns, text
from app.ui.source import code
from app.views.train.batches.computed import checked, masked
from app.views.train.batches.computed import scored as of_masked
from app.views.train.batches.next_token import TYPED
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
from engine.masked import KEPT, MASKED, RANDOM, SHARE, mask_by, together
from engine.training.objectives import masking
from engine.training.objectives.masking import Masked, follows_loss
from engine.worked.losses import check_losses
from engine.worked.objectives import check_masking

MODEL = "wordfinder"


def draw(now: Batches) -> None:
    text_field(say("batches", "text"), "batches.text", TYPED)
    _dice_controls(now)
    one = masked(MODEL, checked(now.text, "the text"), None, now.seed, now.whole)
    _dice(now, one)
    _words(now, one)
    code(mask_by, together, masking.masked)


def draw_pair(now: Batches) -> None:
    text_field(say("batches", "sentence/first"), "batches.text", TYPED)
    text_field(say("batches", "sentence/second"), "batches.second", TYPED)
    first, second = checked(now.text, "the first passage"), checked(now.second, "the second passage")
    one = masked(MODEL, first, second, now.seed, now.whole)
    left, right = columns(1, 1)
    with left:
        switch(say("batches", "sentence/label"), "batches.follows")
        _sum(now, one)
    with right:
        _judged(now, one)
    _dice_controls(now)
    _words(now, one)
    code(masking.masked, follows_loss)


def _dice_controls(now: Batches) -> None:
    a, b, c = columns(1, 1, 1, align="end")
    with a:
        button(
            "again",
            say("batches", "masked/again"),
            lambda: change(Batches, seed=(now.seed + 1) % 10_000, token=-1),
        )
    with b:
        number(say("batches", "seed"), "batches.seed")
    with c:
        switch(say("batches", "masked/whole"), "batches.whole")


def _dice(now: Batches, one: Masked) -> None:
    """The numbers that were thrown for every token, and what came of them."""
    names = compute.model(MODEL).tokenizer.names
    ids, special = one.ids.tolist(), one.special.tolist()
    dice = [x[0].tolist() for x in one.dice]
    pieces = [names[id] for id in ids] if now.whole else None
    shares = (SHARE, MASKED, RANDOM)
    mask = compute.model(MODEL).tokenizer.mask
    check = check_masking(dice, ids, special, mask, shares, one.read, one.done, pieces)
    values = np.array(dice[:2])
    values[0, one.special] = -np.inf
    values[1, one.done == KEPT] = -np.inf
    rows = [told("masked/dice/chosen"), told("masked/dice/how")]
    more = {"title": told("masked/dice"), "rowName": "die", "colName": "token", "max": 1.0, "pick": None}
    more |= {"hidden": told("masked/dice/none"), "say": told("masked/dice/say"), "counted": (False, True)}
    heat("dice", values, rows, labels_of(MODEL, ids), check=check, height=150, **more)


def _words(now: Batches, one: Masked) -> None:
    """What is read, and the loss of each chosen token."""
    was, read = labels_of(MODEL, one.ids.tolist()), labels_of(MODEL, one.read.tolist())
    done = one.done.tolist()
    parts = [
        (b, told(f"masked/done/{d}", token=a) if d else "") for a, b, d in zip(was, read, done, strict=True)
    ]
    scored = of_masked(one)
    text(say("batches", "masked/read", n=len(scored.places), of=int((~one.special).sum())))
    strip("read", parts, told("masked/aria"))
    at = picked_of(scored, now.token)
    if at < 0:
        return text(say("batches", "masked/nobody"))
    left, right = columns(7, 4)
    with left:
        labels = [f"{a} ({told(f'masked/as/{d}', token=b)})" for a, b, d in zip(was, read, done, strict=True)]
        rows = rows_of(scored, labels, at)
        choose = lambda place: pick(scored.places[place])  # noqa: E731
        loss_bars("losses", rows, told("masked/bars"), scored.check, choose, model=MODEL)
        text(say("batches", "masked/mean", n=len(rows), mean=scored.mean, among=float(np.exp(scored.mean))))
    with right:
        entry, shown = int(scored.wanted[at]), float(scored.losses[at])
        by_hand(MODEL, scored.logits[at], entry, shown, f"logits[0, {at}, :]", f"loss[{at}]")


# --- next sentence -----------------------------------------------------------------------------------


def _judged(now: Batches, one: Masked) -> None:
    """The answer of the head on [CLS], as a heat map of two scores."""
    shares = one.follows.softmax(-1)
    label = int(not now.follows)
    loss = follows_loss(one.follows, now.follows)
    check = check_losses(one.follows[None], np.array([label]), np.array([loss]))
    cols = [told("sentence/yes"), told("sentence/no")]
    rows = [told("sentence/scores"), told("sentence/shares")]
    more = {"title": told("sentence/title"), "rowName": "row", "colName": "answer", "scale": "diverging"}
    remark = told("sentence/say", answer=cols[label], share=float(shares[label]), loss=loss)
    more |= {"say": remark, "pick": [1, label], "model": MODEL}
    heat("follows", np.stack([one.follows, shares]), rows, cols, check=check, height=100, **more)
    names = dict(enumerate(cols))
    by_hand(names, one.follows, label, loss, "follows.scores[0, :]", "loss of [CLS]", key="arithmetic-follows")


def _sum(now: Batches, one: Masked) -> None:
    scored = of_masked(one)
    second = follows_loss(one.follows, now.follows)
    values = dict(words=scored.mean, n=len(scored.places), follows=second, sum=scored.mean + second)
    text(say("batches", "sentence/sum", **values, weighted=scored.mean + 2 * second))
