"""A batch: sentences cut to the block size, padded, looked up; the loss of each token; what padding changes."""

from collections.abc import Sequence

import numpy as np
import torch

from app import components, compute
from app.compute import LONGEST
from app.settings import change
from app.text import say
from app.ui.charts import by_itself
from app.ui.controls import choice, choice_of, number, select_of
from app.ui.figures import bars
from app.ui.frame import light, written
from app.ui.page import columns, text
from app.ui.source import code
from app.views.train.batches.computed import Read, checked, ends_of, read, ways
from app.views.train.batches.settings import READERS, STAGES, Batches
from app.views.train.batches.shown import by_hand, heat, labels_of, told
from engine.training.objectives import batch as engine
from engine.training.objectives.batch import WAYS
from engine.training.objectives.losses import NONE, losses
from engine.worked.objectives import check_lookup, check_mask

EIGHT = """In a hole in the ground there lived a hobbit
It is our choices that show what we truly are
It was the best of times it was the worst of times
Even miracles take a little time
The more that you read the more things you will know
We'll always have each other no matter what happens
The sun did not shine it was too wet to play
The important thing is to never stop questioning"""
ONE_LONG = """Yes
No
The old man who lived in the little house by the sea went out every morning to look at his boat
Perhaps"""
MOST = 16  # texts of a batch
LINES = 5  # of them that are in sight
BEHIND = 8  # positions behind the block that are shown


def draw(now: Batches) -> None:
    _controls(now)
    texts = texts_of(now.sentences)
    one = read(now.reader, texts, now.block, now.left)
    row = min(now.row, len(texts) - 1)
    stages = {stage: say("batches", f"stage/{stage}") for stage in STAGES}
    choice(say("batches", "batch/stages"), "batches.stage", stages)
    left, right = columns(1, 1)
    with left:
        DRAWN[now.stage](now, one, row)
    with right:
        at = _losses(now, one, row)
    left, right = columns(1, 1)
    with left:
        _padding(now, texts)
    with right:
        text(_means(now, one))
        _worked(now, one, row, at)
    code(engine.batch, engine.wanted_of, engine.scores_of, losses)


def texts_of(typed: str) -> tuple[str, ...]:
    """The texts of a batch, a line each."""
    typed = typed if typed.strip() else EIGHT
    texts = [line.strip() for line in checked(typed, "the batch").splitlines() if line.strip()]
    if len(texts) > MOST:
        raise ValueError(f"the batch has {len(texts):,} texts; the most is {MOST}. Take some lines out")
    return tuple(texts)


def _controls(now: Batches) -> None:
    header = {name: told(f"batch/{name}") for name in ("label", "placeholder", "run")}
    header |= {"text": now.sentences or EIGHT, "few": 3, "lines": LINES}
    header |= {"most": LONGEST, "large": told("batch/large", most=LONGEST)}
    header["examples"] = [("", told("batch/eight")), (ONE_LONG, told("batch/long"))]
    left, right = columns(1, 1)
    with left:
        components.prompt("sentences", header, _typed, _typed)
    with right:
        number(say("batches", "batch/block"), "batches.block")
        sides = {side: told(f"batch/{side}") for side in ("right", "left")}
        side = "left" if now.left else "right"
        choice_of(
            "side", told("batch/side"), side, sides, lambda to: change(Batches, left=to == "left"), named=True
        )
        names = {name: told(f"reader/{name}") for name in READERS}
        select_of("reader", told("batch/reader"), now.reader, names, lambda name: change(Batches, reader=name))


def _typed(sentences: str) -> None:
    same = sentences.strip() == EIGHT
    change(Batches, sentences="" if same else sentences, row=0, token=-1)


def _picked(at: list[int]) -> None:
    change(Batches, row=at[0], token=at[1])


# --- the stages --------------------------------------------------------------------------------------


def _names(count: int) -> list[str]:
    return [str(i + 1) for i in range(count)]


def _cut(now: Batches, one: Read, row: int) -> None:
    """Which tokens are kept and which are cut, up to some behind the block."""
    wide = min(max(now.block, *map(len, one.rows)), now.block + BEHIND)
    rows = [labels_of(now.reader, ids)[:wide] for ids in one.rows]
    texts = [labels + [""] * (wide - len(labels)) for labels in rows]
    kept = one.batch.real.sum(-1).tolist()
    values = np.full((len(rows), wide), -np.inf)
    for i, labels in enumerate(rows):
        values[i, : len(labels)] = CUT
        values[i, : kept[i]] = KEPT
    kinds = [(KEPT, told("kind/kept")), (CUT, told("kind/cut"))]
    gone = sum(one.batch.cut)
    remark = told("stage/cut/say", n=sum(n > 0 for n in one.batch.cut), gone=gone, block=now.block)
    _grid("cut", values, texts, kinds, remark, told("kind/nothing"), row)


KEPT, CUT, PAD = 0.45, 0.1, 0.0


def _pad(now: Batches, one: Read, row: int) -> None:
    texts = _tokens(now, one)
    values = np.where(one.batch.real, KEPT, PAD)
    padding = int((~one.batch.real).sum())
    values_told = dict(n=padding, of=one.batch.real.numel(), share=padding / one.batch.real.numel())
    kinds = [(KEPT, told("kind/kept")), (PAD, told("kind/pad"))]
    _grid("pad", values, texts, kinds, told("stage/pad/say", **values_told), "", row, check=one.checks[0])


def _tokens(now: Batches, one: Read) -> list[list[str]]:
    """The labels of a batch; padding is a dot."""
    found = []
    for ids, real in zip(one.batch.ids, one.batch.real, strict=True):
        labels = iter(labels_of(now.reader, ids[real].tolist()))
        found.append([next(labels) if is_real else "pad" for is_real in real.tolist()])
    return found


def _ids(now: Batches, one: Read, row: int) -> None:
    texts = [[str(id) for id in ids] for ids in one.batch.ids.tolist()]
    values = np.where(one.batch.real, KEPT, PAD)
    kinds = [(KEPT, told("kind/kept")), (PAD, told("kind/pad"))]
    pad, _ = ends_of(now.reader)
    size = len(compute.model(now.reader).tokenizer)
    remark = told("stage/ids/say", pad=pad, size=size, rows=len(texts), block=now.block)
    _grid("ids", values, texts, kinds, remark, "", row, check=one.checks[0])


def _grid(key: str, values, texts, kinds, remark: str, hidden: str, row: int, check=None) -> None:
    """Tokens or ids of all texts, the picked text marked."""
    more = {"texts": texts, "kinds": kinds, "max": 1.0, "say": remark, "bands": [("row", row, row + 1)]}
    cols = [str(t) for t in range(values.shape[1])]
    more |= {"hidden": hidden, "title": told(f"stage/{key}/title"), "pick": None}
    heat(key, values, _names(len(values)), cols, check=check, act=_row, **more)


def _row(at: list[int]) -> None:
    change(Batches, row=at[0], token=-1)


def _vectors(now: Batches, one: Read, row: int) -> None:
    """The vectors of one text."""
    reader = compute.model(now.reader)
    ids, table = one.batch.ids[row], reader.embed.token.weight
    with torch.inference_mode():
        vectors = reader.embed.token(ids.to(reader.device)).cpu()
    title = told("stage/vectors/title", n=row + 1)
    check = check_lookup(table.detach().cpu(), ids.tolist(), vectors)
    remark = told("stage/vectors/say", rows=len(one.rows), block=now.block, width=table.shape[1])
    more = {"title": title, "scale": "diverging", "rowName": "token", "colName": "dimension", "say": remark}
    names = [str(d) for d in range(table.shape[1])]
    heat("vectors", vectors.numpy(), _tokens(now, one)[row], names, check=check, wide=False, height=260, **more)


def _mask(now: Batches, one: Read, row: int) -> None:
    """Who may look at whom in one text."""
    reader = compute.model(now.reader)
    ids, real = (x[row : row + 1].to(reader.device) for x in (one.batch.ids, one.batch.real))
    mask = engine.context_of(reader, ids, real, WAYS["left, masked, counted"]).mask[0, 0].cpu()
    check = check_mask(real[0].tolist(), reader.config.causal, mask.numpy())
    labels = _tokens(now, one)[row]
    kinds = {"full": bool(real.all()), "padding": not real.all(), "causal": reader.config.causal}
    kinds["first"] = kinds["padding"] and now.left and reader.config.causal
    more = {"title": told("stage/mask/title", n=row + 1), "told": "mask", "max": 1.0, "hidden": "masked"}
    more |= {"rowName": "token", "colName": "token", "titles": ("looks ↓", "at →"), "axes": "TS", "wide": False}
    more |= {"counted": (True, True), "say": told("stage/mask/say", kinds)}
    heat("mask", np.where(mask, 1.0, -np.inf), labels, labels, check=check, height=300, **more)


DRAWN = {"cut": _cut, "pad": _pad, "ids": _ids, "vectors": _vectors, "mask": _mask}


# --- the losses --------------------------------------------------------------------------------------


def _losses(now: Batches, one: Read, row: int) -> int:
    """The loss of each token of the batch; returns the picked position of a text, −1 where it has no loss."""
    wanted = one.wanted != NONE
    values = np.where(wanted, one.losses, -np.inf)
    places = wanted[row].nonzero().flatten().tolist()
    at = now.token if now.token in places else int(one.losses[row].argmax()) if places else -1
    more = {"title": told("losses/title"), "hidden": told("losses/none"), "pick": [row, at] if places else None}
    more["model"] = now.reader
    cols = [str(t) for t in range(now.block)]
    heat("losses", values, _names(len(values)), cols, check=one.checks[1], act=_picked, **more)
    return at


def _means(now: Batches, one: Read) -> str:
    count = int((one.wanted != NONE).sum())
    if not count:
        return say("batches", "losses/nothing")
    padding = int((~one.batch.real).sum())
    values = dict(n=count, mean=one.mean, among=float(np.exp(one.mean)), padding=padding, counted=one.counted)
    causal = compute.model(now.reader).config.causal
    kinds = {"none": not padding, "causal": padding > 0 and causal, "encoder": padding > 0 and not causal}
    return say("batches", "losses/means", kinds, model=now.reader, **values)


def _worked(now: Batches, one: Read, row: int, at: int) -> None:
    """The picked loss by hand."""
    if at < 0:
        return
    entry, loss = int(one.wanted[row, at]), float(one.losses[row, at])
    before = f"logits[{row}, {at - compute.model(now.reader).config.causal}, :]"
    by_hand(now.reader, one.scores[row, at], entry, loss, before, f"loss[{row}, {at}]")


# --- what padding changes ----------------------------------------------------------------------------


def _padding(now: Batches, texts: Sequence[str]) -> None:
    alone, found, check = ways(now.reader, tuple(texts), now.block)
    rows = []
    for way, one in found.items():
        note = told("ways/note", change=written(one.change, 2), mean=one.mean)
        rows.append({"label": told(f"ways/{way}"), "value": one.change, "note": note, "off": one.change < 0.01})
    title = told("ways/title")
    figure = bars(rows, "way", say("batches", "ways/axis"), height=150)
    foot = told("ways/foot", alone=alone)
    by_itself("ways", title, figure, foot=foot, model=now.reader, light=light(check))
    config = compute.model(now.reader).config
    kinds = {"encoder": not config.causal, "learned": config.causal and config.positions == "learned"}
    kinds["rotary"] = config.causal and config.rotary
    text(say("batches", "ways/told", kinds, alone=alone, model=now.reader))
