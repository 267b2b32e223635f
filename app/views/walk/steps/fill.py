"""A score for every entry of the vocabulary at a [MASK], and whether a second text follows."""

from app import catalogue, components, state
from app.ui import figures
from app.ui.arithmetic import arithmetic, whole_run
from app.ui.charts import chart, scored
from app.ui.context import StepContext
from app.ui.controls import button
from app.ui.figures import bars
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from engine.decode import Decoding
from engine.masked import AS_ITSELF, AS_MASK, AS_OTHER, lesson, mask_tokens
from engine.model.transformer import MaskedHead, NextSentenceHead
from engine.tokenize.wordpiece import MASK
from engine.worked.derived import check_choice

SHOWN = 12  # candidates
DONE = {AS_MASK: "masked", AS_OTHER: "replaced", AS_ITSELF: "unchanged, still to be guessed"}


def draw(ctx: StepContext) -> None:
    masks = [t for t, id in enumerate(ctx.ids) if id == ctx.model.tokenizer.mask]
    position = ctx.view.token if ctx.view.token in masks else next(iter(masks), ctx.view.token)
    shares = ctx.trace["logits"][0, position].softmax(-1)
    order = shares.sort(descending=True, stable=True).indices.tolist()
    entry = ctx.view.entry if 0 <= ctx.view.entry < len(shares) else order[0]
    left, right = columns(7, 4)
    with left:
        what = "next/sentence" if masks else "next/unmasked"
        best = dict(first=ctx.label_of(order[0]), share=float(shares[order[0]]), token=ctx.names[position])
        a, b = columns(3, 2)
        with a:
            _candidates(ctx, position, order[:SHOWN], entry)
        with b:
            _buttons(ctx, position, entry)
            _second(ctx)
        words(ctx, what, *["several"] * (len(masks) > 1), **best, position=position, masks=len(masks))
        _lesson(ctx)
    with right:
        follows = [("follows.scores", 0)] if _two(ctx) else []
        arithmetic(ctx, ("logits", position, entry), ctx.choice("logits", (position, entry)), *follows)
        whole_run(ctx, "logits")
        words(ctx, "next/why", vocabulary=len(shares), width=ctx.config.width)
        code(MaskedHead.forward, NextSentenceHead.forward, mask_tokens)


def _candidates(ctx: StepContext, position: int, ids: list[int], entry: int) -> None:
    logits = ctx.trace["logits"][0, position]
    rows = scored(ctx, ids, logits, logits.softmax(-1), entry)
    figure = bars(rows, "entry", "probability", height=300, percent=True)
    title = f"Candidates for position {position}"
    check = check_choice(logits, Decoding("sample"), logits.softmax(-1))
    made = dict(point="logits", check=check)
    chart(ctx, "candidates", figure, title, **made, pick=(ids, lambda i: state.change(entry=i)))


def _buttons(ctx: StepContext, position: int, entry: int) -> None:
    """Mask the picked token, or write the marked entry where the mask is."""
    spans = ctx.model.tokenizer.spans(ctx.view.prompt)
    free = spans[ctx.view.token] != (0, 0)
    hide, put = f"Mask “{ctx.token}”", f"Fill in “{ctx.label_of(entry)}”"
    masked = ctx.ids[position] == ctx.model.tokenizer.mask
    here, there = spans[ctx.view.token], spans[position]
    button(
        "hide",
        hide,
        lambda: _write(ctx.view.prompt, here, MASK),
        disabled=not free or (ctx.view.token == position and masked),
    )
    word = ctx.label_of(entry)
    button("fill", put, lambda: _write(ctx.view.prompt, there, word), disabled=not masked)


def _write(prompt: str, span: tuple[int, int], text: str) -> None:
    """The prompt with `text` instead of some of its characters; a piece joins the word before it."""
    before, after = prompt[: span[0]], prompt[span[1] :]
    if text.startswith("##"):
        before, text = before.rstrip(), text.removeprefix("##")
    state.change(prompt=before + text + after, key=-1, entry=-1)


def _two(ctx: StepContext) -> bool:
    """Are there two texts, and a head that judges whether the second follows?"""
    return ctx.config.next_sentence and ctx.trace.segments is not None and bool(ctx.trace.segments.any())


def _second(ctx: StepContext) -> None:
    """Does the second text follow the first? Asked only where there are two."""
    if not ctx.config.next_sentence:
        return None
    if not _two(ctx):
        return words(ctx, "next/single")
    scores = ctx.trace["follows.scores"][0]
    probabilities = scores.softmax(-1)
    names = ("it follows", "it does not")
    rows = figures.shares(names, probabilities.tolist())
    figure = bars(rows, "answer", "probability", height=50, percent=True)
    check = check_choice(scores, Decoding("sample"), probabilities)
    chart(ctx, "follows", figure, "Does the second text follow?", point="follows.scores", check=check)
    _trust(ctx)


def _trust(ctx: StepContext) -> None:
    """How often it is right for texts about as long as these, if that was measured."""
    rows = catalogue.beside(ctx.model.name, "scores.json").get("rows", [])
    books = [row for row in rows if "band" in row and row["name"].endswith(", books")]
    if books:
        row = next((row for row in books if len(ctx.ids) <= row["tokens"]), books[-1])
        low, high = row["intervals"][0]
        numbers = dict(share=row["values"][0], overlap=row["values"][4], low=low, high=high)
        words(ctx, "next/trust", count=row["count"], band=row["band"], **numbers)


def _lesson(ctx: StepContext) -> None:
    """What an encoder would read of this text in training, and what it would have to predict."""
    read = lesson(ctx.model, ctx.ids, ctx.view.seed)
    ends = (ctx.model.tokenizer.start, ctx.model.tokenizer.end)  # never chosen
    counts = dict(chosen=sum(one.done in DONE for one in read), of=sum(id not in ends for id in ctx.ids))
    a, b = columns(5, 2, align="center")
    with a:
        words(ctx, "next/lesson", **counts)
    again = ctx.view.seed + 1
    with b:
        button("lesson", "Draw again", lambda: state.change(seed=again), of=again)
    parts = []
    for one, label in zip(read, ctx.labels, strict=True):
        parts.append([ctx.label_of(one.id), f"{label}: {DONE[one.done]}" if one.done in DONE else ""])
    components.lesson("lesson", {"parts": parts, "aria": "What the model would read of this text in training"})
