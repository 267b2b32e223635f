"""Of a model that fills spans (T5): the next token, the text put together, what training would make of it."""

import torch

from app import components, compute, state
from app.text import plain
from app.ui.charts import by_itself
from app.ui.context import StepContext
from app.ui.controls import button
from app.ui.figures import bars
from app.ui.frame import light, written
from app.ui.labels import escape, token_labels, visible
from app.ui.page import columns, group, notice, text
from app.ui.source import code
from app.ui.words import told, words
from app.views.walk.steps import next_token
from engine.spans import together
from engine.training.objectives import spans
from engine.training.objectives.spans import Lesson
from engine.worked.objectives import check_filled

ROOM = 1.5  # beside the longest bar, for what is told of it
Token = tuple[str, str, int | None]  # its label, what is said of it, and the span that it belongs to


def draw(ctx: StepContext) -> None:
    next_token.draw(ctx)
    with group("filled", border=True):
        _together(ctx)
    with group("corrupted", border=True):
        _corrupted(ctx)
    code(together, spans.spans, spans.rolled, spans.corrupt)


def _plain(ctx: StepContext, name: str, *also: str, **values) -> str:
    """A text of the walk where it is shown as it stands, not as Markdown."""
    return plain(told(ctx, name, *also, **values))


# --- what was written, in its places ----------------------------------------------------------------


def _together(ctx: StepContext) -> None:
    """The text that was read, what the decoder wrote in the place of each sentinel."""
    if not ctx.filled_text:
        return words(ctx, "spans/none")
    tokenizer, target = ctx.model.tokenizer, ctx.trace.target[0].tolist()
    special = set(tokenizer.special.values()) - {tokenizer.unknown}
    shown = [id for part in together(tokenizer, ctx.memory.ids, target) for id in part.ids]
    check = check_filled(tokenizer.sentinels, special, ctx.memory.ids, target, shown)
    words(ctx, "spans/together")
    pieces = [(visible(piece.strip()), _name(ctx, number), number) for piece, number in ctx.filled]
    _strip("filled", pieces, _plain(ctx, "spans/together/aria"))
    text(told(ctx, "spans/checked") if check.ok else told(ctx, "spans/unequal"))


def _name(ctx: StepContext, number: int | None) -> str:
    """A sentinel by its number, as the vocabulary writes it."""
    return "" if number is None else spans.name_of(spans.sentinel(number))


def _strip(key: str, tokens: list[Token], aria: str) -> None:
    components.lesson(f"spans-{key}", {"parts": [list(token) for token in tokens], "aria": aria})


# --- what it would learn from this text -------------------------------------------------------------


def _corrupted(ctx: StepContext) -> None:
    """The prompt, its gaps filled, corrupted as in training: input and target, and the loss of each token."""
    whole, seed = ctx.filled_text or ctx.view.prompt, ctx.view.seed
    try:
        one, (hidden, losses) = compute.corrupted(ctx.model.name, whole, seed)
    except ValueError as error:
        words(ctx, "spans/lesson")
        return notice(escape(str(error)[0].upper() + str(error)[1:]) + ".", "warning")
    a, b = columns(5, 2, align="center")
    with a:
        words(ctx, "spans/lesson", "thrown", n=int(one.hidden.sum()), of=len(one.ids), share=one.hidden.mean())
    with b:
        button("lesson", _plain(ctx, "spans/again"), lambda: state.change(seed=seed + 1), of=seed)
        corrupted = ctx.model.tokenizer.decode(one.read[:-1])
        button("read", _plain(ctx, "spans/read"), lambda: _open(corrupted), of=(whole, seed))
    for name, ids in (("input", one.read), ("target", one.wanted)):
        words(ctx, f"spans/{name}", n=len(ids))
        _strip(name, _spans(ctx, ids, name == "target"), _plain(ctx, f"spans/{name}/aria"))
    text(told(ctx, "spans/hidden" if hidden.ok else "spans/unequal"))
    _losses(ctx, one, losses)
    _own(ctx, one)


def _open(text: str) -> None:
    state.tell("")
    state.anew(prompt=text, target="")


def _spans(ctx: StepContext, ids: list[int], inside: bool) -> list[Token]:
    """Tokens with the span of each: of the target all that stands behind a sentinel, too."""
    sentinels, found, now = ctx.model.tokenizer.sentinels, [], None
    last = max((ids.index(id) for id in sentinels if id in ids), default=-1) if inside else -1
    for t, (id, label) in enumerate(zip(ids, _labels(ctx, ids), strict=True)):
        now = sentinels.index(id) if id in sentinels else now if inside and t < last else None
        note = ""
        if id in sentinels:
            note = _plain(ctx, "spans/closes" if t == last else "spans/sentinel")
        found.append((label, note, None if t == last else now))
    return found


def _labels(ctx: StepContext, ids: list[int]) -> list[str]:
    return token_labels([ctx.model.tokenizer.shown(id) for id in ids])


def _losses(ctx: StepContext, one: Lesson, check) -> None:
    """The loss of each token of the target after the right ones, and what the model would write there."""
    shares = one.logits.double().softmax(-1)
    best, rows = shares.max(-1), []
    for t, label in enumerate(_labels(ctx, one.wanted)):
        right = float(shares[t, one.wanted[t]])
        writes = ctx.label_of(int(best.indices[t]))
        same = int(best.indices[t]) == one.wanted[t]
        values = dict(p=right, loss=written(float(one.losses[t]), 3), writes=writes, q=float(best.values[t]))
        note = _plain(ctx, "spans/note", *["same"] * same, **values)
        rows.append({"label": label, "value": float(one.losses[t]), "note": note})
    room = ROOM * max(row["value"] for row in rows)
    figure = bars(rows, _plain(ctx, "spans/row"), "loss, −ln p", height=24 * len(rows), top=room)
    marks = torch.isin(torch.tensor(one.wanted), torch.tensor([*ctx.model.tokenizer.sentinels, ctx.model.end]))
    parts = {"mean": one.losses, "hidden": one.losses[~marks], "sentinels": one.losses[marks]}
    means = {name: float(part.mean()) for name, part in parts.items()}
    more = dict(foot="decoder.logits, given the target", model=ctx.model.name, light=light(check))
    by_itself("spans", _plain(ctx, "spans/losses"), figure, _plain(ctx, "spans/mean", **means), **more)


def _own(ctx: StepContext, one: Lesson) -> None:
    """What it writes by itself, and where that leaves the target."""
    pairs = enumerate(zip(one.own, one.wanted, strict=False))
    off = next((t for t, (own, wanted) in pairs if own != wanted), min(len(one.own), len(one.wanted)))
    if one.own == one.wanted:
        return words(ctx, "spans/own", "same")
    words(ctx, "spans/own")
    here = _plain(ctx, "spans/off")
    tokens = _spans(ctx, one.own, True)
    parts = [(label, here if t == off else "", n) for t, (label, _, n) in enumerate(tokens)]
    _strip("own", parts, _plain(ctx, "spans/own/aria"))
