"""A score for every entry of the vocabulary, and the choice of one."""

import torch

from app import compute, state
from app.ui.arithmetic import arithmetic, whole_run
from app.ui.charts import chart, scored
from app.ui.context import StepContext
from app.ui.controls import button, number, slider
from app.ui.figures import bars, graph, series
from app.ui.page import changing, columns, text
from app.ui.source import code
from app.ui.words import told, words
from app.views.walk.steps.target import forced, go_on, typed_after
from engine import decode
from engine.analysis import entropy
from engine.decode import Decoding
from engine.worked import Check

SHOWN = 14  # candidates


def draw(ctx: StepContext) -> None:
    decoding = _decoding(ctx.view)
    logits = ctx.trace[ctx.whole("logits")][0, ctx.position].cpu()
    steps = _sampled(ctx)
    probabilities = steps["probabilities"]
    order = steps["logits"].sort(descending=True, stable=True).indices
    picked = ctx.view.entry if 0 <= ctx.view.entry < len(logits) else int(order[0])
    left, right = columns(7, 4)
    with left:
        kept = int((probabilities > 0).sum())
        a, b = columns(3, 2)
        with a:
            _candidates(ctx, logits, probabilities, order[:SHOWN].tolist(), kept, picked)
        with b:
            _controls(ctx, picked)
        changing(
            told(
                ctx,
                "next/sentence",
                token=ctx.names[ctx.position],
                first=ctx.label_of(int(order[0])),
                share=float(probabilities[order[0]]),
                kept=kept,
                vocabulary=len(logits),
                entropy=float(entropy(probabilities)),
            )
        )
        if ctx.side:
            forced(ctx, logits)
    with right:
        point, at = ctx.whole("logits"), (ctx.position, picked)
        arithmetic(ctx, (point, *at), ctx.choice(point, at, decoding))
        whole_run(ctx, ctx.whole("logits"))
        _ranks(ctx, probabilities)
        words(ctx, "next/why", vocabulary=len(logits), width=ctx.config.width)
        code(decode.steps_of, decode.draw)


def _sampled(ctx: StepContext) -> dict[str, torch.Tensor]:
    """The sampler's steps from the scores after the picked token."""
    point, decoding = ctx.whole("logits"), _decoding(ctx.view)
    return compute.sampled(ctx.model.name, ctx.given, point, (ctx.position,), decoding, ctx.trace.edits)


def _decoding(view: state.View) -> Decoding:
    return Decoding(
        "sample",
        temperature=view.temperature,
        top_k=view.top_k or None,
        top_p=view.top_p if view.top_p < 1 else None,
        min_p=view.min_p or None,
        seed=view.seed,
    )


def _candidates(ctx: StepContext, logits, probabilities, ids: list[int], kept: int, picked: int) -> None:
    rows = scored(ctx, ids, logits, probabilities, picked)
    rows = [row | {"off": not row["value"] > 0} for row in rows]
    figure = bars(
        rows, "token", "probability", height=330, cut=kept, percent=True, original=_original(ctx, logits, ids)
    )
    chart(
        ctx,
        "candidates",
        figure,
        "The most probable next tokens",
        point=ctx.whole("logits"),
        check=_checked(ctx)[0],
        pick=(ids, lambda i: state.change(entry=i)),
    )


def _original(ctx: StepContext, logits, ids: list[int]) -> tuple | None:
    """The same candidates at temperature 1 and without a cut, if the sampler changes them."""
    view = ctx.view
    if view.temperature == 1:
        return None
    return "temperature 1", f"temperature {view.temperature:g}", logits.softmax(-1)[ids].tolist()


def _controls(ctx: StepContext, picked: int) -> None:
    """The sampler's settings, and the ways to continue."""
    slider("Temperature", "temperature", 0.1)
    number("Top-k: keep the k best (0 = all)", "top_k")
    slider("Top-p: smallest set with this total probability", "top_p", 0.01)
    slider("Min-p: at least this fraction of the top probability", "min_p", 0.01)
    a, b = columns(1, 1, align="stretch")
    with a:
        button("take", "Append the marked token", lambda: append(ctx, picked, ""))
    with b:
        button("draw", "Sample a token", lambda: _draw(ctx), primary=True)
    if ctx.side:
        go_on(ctx)
    if rest := typed_after(ctx):
        words(ctx, "next/rest", token=ctx.token, rest=rest)
    if state.told():
        text(state.told())


def _draw(ctx: StepContext) -> None:
    """Sample a token, and say where the random number fell."""
    probabilities = _sampled(ctx)["probabilities"]
    random = torch.Generator().manual_seed(ctx.view.seed)
    u = torch.rand((), generator=random, dtype=torch.float64).item()
    id = decode.draw(probabilities, u)
    share = float(probabilities[id])
    append(ctx, id, told(ctx, "next/drawn", u=u, token=ctx.label_of(id), share=share))


def append(ctx: StepContext, id: int, note: str) -> None:
    """Replace what follows the picked token by token `id`; a note if that is impossible, if the text is
    tokenized differently afterwards, or if something was replaced."""
    tokenizer, field = ctx.model.tokenizer, "target" if ctx.side else "prompt"
    before = slice(1 if ctx.side else 0, ctx.position + 1)
    if id in tokenizer.special.values():
        state.tell(told(ctx, "next/end"))
        return state.change(seed=ctx.view.seed + 1)
    try:
        around = tokenizer.special.values()  # no text: the tokenizer puts them there again
        pairs = zip(ctx.tokens[before], ctx.ids[before], strict=True)
        text = b"".join([*(token for token, own in pairs if own not in around), tokenizer.shown(id)]).decode()
    except UnicodeDecodeError:
        state.tell(told(ctx, "next/part", token=ctx.label_of(id)))
        return state.change(seed=ctx.view.seed + 1)
    if ctx.position + 1 == ctx.config.context:
        state.tell(told(ctx, "next/full", context=ctx.config.context))
        return None
    ids = [*ctx.ids[before], id]
    if tokenizer.encode(text)[: len(ids)] != ids:  # a decoder's text may have its end after it
        note += " " + told(ctx, "next/recut")
    if rest := typed_after(ctx):
        note += " " + told(ctx, "next/replaced", rest=rest)
    state.tell(note)
    return state.anew(**{field: text}, seed=ctx.view.seed + 1)


def _checked(ctx: StepContext) -> tuple[Check, Check]:
    """The checks of the probabilities after the sampler's cuts, and of their cumulative sums."""
    point, decoding = ctx.whole("logits"), _decoding(ctx.view)
    return compute.checked_choice(ctx.model.name, ctx.given, point, ctx.position, decoding, ctx.trace.edits)


def _ranks(ctx: StepContext, probabilities: torch.Tensor) -> None:
    """The cumulative probability of the top n tokens."""
    total = probabilities.sort(descending=True).values.cumsum(-1)
    ranks = sorted({min(len(total), round(1.25**k)) for k in range(60)})
    line = series("cumulative probability", ranks, [total[n - 1] for n in ranks])
    figure = graph([line], "top n tokens", "cumulative probability", height=190, log=True, percent=True)
    title = "Cumulative probability of the top n tokens"
    chart(ctx, "ranks", figure, title, point=ctx.whole("logits"), check=_checked(ctx)[1])
