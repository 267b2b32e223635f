"""The next word by counting: dice whose sides are as wide as counts, beside the model on the same text."""

import numpy as np
import torch

from app import catalogue, compute, state, writing
from app.text import plain, say
from app.ui.charts import chart, scored
from app.ui.context import StepContext
from app.ui.controls import button, number, slider
from app.ui.figures import bars, dice
from app.ui.labels import visible
from app.ui.page import columns, notice, text
from app.ui.source import code
from app.views.decode.unedited import without_edits
from engine.decode import Decoding, draw_many, ngrams
from engine.decode import draw as draw_one

LONGEST = 3  # words that choose a die
SIDES = 12  # that are named
SHOWN = 12  # of the model's tokens
MEASURED = "bits per byte, books"  # as cards have it


def draw(ctx: StepContext) -> None:
    if ctx.model.reads[0].image:
        return notice(say("decode", "ngrams/image", model=ctx.model.name))
    without_edits(ctx, "ngrams")
    counts, u = ngrams.shipped(), _random(ctx.view.seed)
    text(say("decode", "ngrams/dice"))
    left, right = columns(1, 1)
    with left:
        _dice(ctx, counts, u)
        button("again", say("decode", "ngrams/again"), lambda: state.change(seed=_next(ctx.view.seed)))
    with right:
        _transformer(ctx, u)
    _written(ctx)
    _bits(ctx, counts)
    code(ngrams.Ngrams.followers, ngrams.Ngrams.probabilities, draw_one, draw_many)


def _random(seed: int) -> float:
    """The first random number of a seed, which also draws the first word and the first token below."""
    return torch.rand((), generator=torch.Generator().manual_seed(seed), dtype=torch.float64).item()


def _next(seed: int) -> int:
    return min(seed + 1, state.RANGES["seed"][1])


# --- the dice ------------------------------------------------------------------------------------


def _dice(ctx: StepContext, counts: ngrams.Ngrams, u: float) -> None:
    before, pieces = counts.split(ctx.view.prompt), ngrams.PIECES.findall(ctx.view.prompt)
    rows, fell, unseen = [], [], []
    for n in range(1, min(LONGEST, len(before)) + 1):
        words, often = counts.followers(before, n)
        if len(words):
            total, thrown = counts.times(before, n), counts.words[counts.throw(before, n, u)]
            row, rare = _row(counts, words, often, total, u)
            rows.append(row | {"label": visible("".join(pieces[-n:]))})
            name = "ngrams/rare" if rare else "ngrams/one"
            fell.append(say("decode", name, word=visible(thrown), n=n, total=total))
        else:
            unseen.append(n)
    if rows:
        runs = sum(len(table.keys) for table in counts.longer)
        foot = say("decode", "ngrams/foot", words=counts.unknown, runs=runs)
        title = say("decode", "ngrams/title/dice")
        chart(ctx, "dice", dice(rows, "share of the times", u), title, foot=foot, model="")
        text(say("decode", "ngrams/drawn", u=u, seed=ctx.view.seed, words=", ".join(fell)))
    else:
        some = any(id != counts.unknown for id in before)
        text(
            say("decode", "ngrams/uncounted", word=visible(pieces[-1]))
            if some
            else say("decode", "ngrams/none")
        )
    if rows and unseen:
        least = int(counts.longer[unseen[0] - 1].counts.min())
        text(say("decode", "ngrams/unseen", n=unseen[0], least=least))


def _row(
    counts: ngrams.Ngrams, words: np.ndarray, often: np.ndarray, total: int, u: float
) -> tuple[dict, bool]:
    """A die as `dice` draws it, its narrow sides as one, and what was left out as another; and whether u falls
    on that."""
    place = int(np.searchsorted(often.cumsum(), u * total, side="right"))
    names = [counts.words[i] for i in words]
    sides = [
        (visible(name), count / total, _note("ngrams/side", word=visible(name), count=int(count), total=total))
        for name, count in zip(names[:SIDES], often[:SIDES], strict=True)
    ]
    if rest := len(names) - SIDES if len(names) > SIDES else 0:
        count = int(often[SIDES:].sum())
        note = _note("ngrams/others/side", n=rest, count=count, total=total)
        sides.append((say("decode", "ngrams/others", n=rest), count / total, note))
    if left := total - int(often.sum()):
        note = _note("ngrams/left/side", count=left, total=total)
        sides.append((say("decode", "ngrams/left"), left / total, note))
    rare = place >= len(names)
    return {"sides": sides, "drawn": len(sides) - 1 if rare else min(place, SIDES)}, rare


def _note(name: str, **values) -> str:
    return plain(say("decode", name, **values))


# --- the model beside them -----------------------------------------------------------------------


def _transformer(ctx: StepContext, u: float) -> None:
    name = ctx.model.name
    if ctx.side:
        return text(say("decode", "ngrams/apart", model=name))
    point, at = "logits", len(ctx.ids) - 1
    shares = compute.answer(name, ctx.given, point, (at,), ctx.trace.edits)
    scores = ctx.trace[point][0, at].cpu()
    best = shares.sort(descending=True, stable=True).indices[:SHOWN].tolist()
    drawn = draw_one(shares, u)
    rows = scored(ctx, best, scores, shares, drawn)
    title = say("decode", "ngrams/transformer", model=name)
    chart(ctx, "next", bars(rows, "token", "probability", height=250, percent=True), title, point=point)
    text(say("decode", "ngrams/transformer/drawn", token=ctx.label_of(drawn)))


# --- texts ---------------------------------------------------------------------------------------


def _written(ctx: StepContext) -> None:
    view = ctx.view
    text(say("decode", "ngrams/texts"))
    a, b, _ = columns(2, 1, 1)
    with a:
        slider(say("decode", "ngrams/length"), "words", 1)
    with b:
        number(say("decode", "ngrams/seed"), "seed")
    found = {}
    for n in range(1, LONGEST + 1):
        name = say("decode", "ngrams/text", n=n)
        found[name] = writing.drawn_by_counts(view.prompt, view.words, n, view.seed)
    if not ctx.side:
        decoding = Decoding("sample", seed=view.seed, max_tokens=view.words)
        found[ctx.model.name] = writing.text_after(ctx.model.name, ctx.given, decoding)
    for name, written in found.items():
        text(say("decode", "ngrams/written", name=name, text=written))


# --- bits ----------------------------------------------------------------------------------------


def _bits(ctx: StepContext, counts: ngrams.Ngrams) -> None:
    """Bits a byte of the held-out books: of the counts, and of the shipped models' cards."""
    models = measured()
    if not models or not counts.measured:
        return
    rows = [{"label": _called(n), "value": bits} for n, bits in enumerate(counts.measured)]
    rows += [{"label": name, "value": bits, "mark": name == ctx.model.name} for name, bits in models.items()]
    for row in rows:
        row["note"] = f"{row['value']:.3f}"
    figure = bars(rows, "way", "bits per byte", height=230)
    foot = say("decode", "ngrams/bits/foot")
    chart(ctx, "bits", figure, say("decode", "ngrams/bits"), foot=foot, model="")
    best, numbers = min(models, key=models.get), 2 * sum(len(t.keys) for t in counts.longer) + counts.V
    told = dict(gain=counts.measured[-2] - counts.measured[-1], best=best, model=models[best])
    told |= dict(counts=min(counts.measured), numbers=numbers)
    told |= dict(parameters=sum(p.numel() for p in compute.model(best).parameters()))
    text(say("decode", "ngrams/lesson", **told))


def _called(n: int) -> str:
    return say("decode", "ngrams/bits/words", n=n) if n else say("decode", "ngrams/bits/none")


def measured() -> dict[str, float]:
    """Bits a byte of the held-out books, of each shipped model on whose card they are."""
    found = {}
    for name in catalogue.shipped():
        rows = catalogue.beside(name, "scores.json").get("rows", [])
        if values := [row["values"] for row in rows if row["name"] == MEASURED]:
            found[name] = values[0][0]
    return found
