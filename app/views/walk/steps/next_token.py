"""A score for every entry of the vocabulary, and the choice of one."""

import torch

from app import compute, state
from app.ui.arithmetic import arithmetic, whole_run
from app.ui.charts import chart, scored
from app.ui.context import Look
from app.ui.controls import button, number, slider
from app.ui.figures import bars, graph, series
from app.ui.page import columns, text
from app.ui.source import code
from app.ui.words import told, words
from app.views.walk.steps.target import forced, go_on, typed_after
from engine import decode
from engine.analysis import entropy
from engine.decode import Decoding
from engine.worked import Check

SHOWN = 14  # candidates


def draw(look: Look) -> None:
    decoding = _decoding(look.view)
    logits = look.trace[look.whole("logits")][0, look.place].cpu()
    steps = _sampled(look)
    probabilities = steps["probabilities"]
    order = steps["logits"].sort(descending=True, stable=True).indices
    picked = look.view.entry if 0 <= look.view.entry < len(logits) else int(order[0])
    left, right = columns(7, 4)
    with left:
        kept = int((probabilities > 0).sum())
        words(
            look,
            "next/sentence",
            token=look.names[look.place],
            first=look.label_of(int(order[0])),
            share=float(probabilities[order[0]]),
            kept=kept,
            vocabulary=len(logits),
            entropy=float(entropy(probabilities)),
        )
        if look.side:
            forced(look, logits)
        a, b = columns(3, 2)
        with a:
            _candidates(look, logits, probabilities, order[:SHOWN].tolist(), kept, picked)
        with b:
            _controls(look, picked)
    with right:
        point, at = look.whole("logits"), (look.place, picked)
        arithmetic(look, (point, *at), look.choice(point, at, decoding))
        whole_run(look, look.whole("logits"))
        _ranks(look, probabilities)
        words(look, "next/why", vocabulary=len(logits), width=look.config.width)
        code(decode.steps_of, decode.draw)


def _sampled(look: Look) -> dict[str, torch.Tensor]:
    """The sampler's steps from the scores after the picked token."""
    point, decoding = look.whole("logits"), _decoding(look.view)
    return compute.sampled(look.model.name, look.given, point, (look.place,), decoding, look.trace.edits)


def _decoding(view: state.View) -> Decoding:
    return Decoding(
        "sample",
        temperature=view.temperature,
        top_k=view.top_k or None,
        top_p=view.top_p if view.top_p < 1 else None,
        min_p=view.min_p or None,
        seed=view.seed,
    )


def _candidates(look: Look, logits, probabilities, ids: list[int], kept: int, picked: int) -> None:
    rows = scored(look, ids, logits, probabilities, picked)
    rows = [row | {"off": not row["value"] > 0} for row in rows]
    figure = bars(
        rows, "token", "probability", height=330, cut=kept, percent=True, original=_original(look, logits, ids)
    )
    chart(
        look,
        "candidates",
        figure,
        "The most probable next tokens",
        point=look.whole("logits"),
        check=_checked(look)[0],
        pick=lambda i: state.change(entry=ids[int(i)]),
    )


def _original(look: Look, logits, ids: list[int]) -> tuple | None:
    """The same candidates at temperature 1 and without a cut, where the sampler changes them."""
    view = look.view
    if view.temperature == 1:
        return None
    return "temperature 1", f"temperature {view.temperature:g}", logits.softmax(-1)[ids].tolist()


def _controls(look: Look, picked: int) -> None:
    """The sampler's settings, and the ways to go on."""
    slider("Temperature", "temperature", 0.1)
    number("Top-k: keep the k best (0 = all)", "top_k")
    slider("Top-p: keep this share", "top_p", 0.01)
    slider("Min-p: at least this share of the best", "min_p", 0.01)
    a, b = columns(1, 1)
    with a:
        button("take", "Take the marked", lambda: append(look, picked, ""))
    with b:
        button("draw", "Draw one", lambda: _draw(look), primary=True)
    if look.side:
        go_on(look)
    if rest := typed_after(look):
        words(look, "next/rest", token=look.token, rest=rest)
    if state.told():
        text(state.told())


def _draw(look: Look) -> None:
    """Draw a token by its probability, and say which random number fell where."""
    probabilities = _sampled(look)["probabilities"]
    random = torch.Generator().manual_seed(look.view.seed)
    u = torch.rand((), generator=random, dtype=torch.float64).item()
    id = decode.draw(probabilities, u)
    share = float(probabilities[id])
    append(look, id, told(look, "next/drawn", u=u, token=look.label_of(id), share=share))


def append(look: Look, id: int, note: str) -> None:
    """The text up to the picked token with token `id` after it; a word where it cannot be, where it reads
    otherwise, and of what stood there."""
    tokenizer, field = look.model.tokenizer, "target" if look.side else "prompt"
    before = slice(1 if look.side else 0, look.place + 1)
    if id in tokenizer.special.values():
        state.tell(told(look, "next/end"))
        return state.change(seed=look.view.seed + 1)
    try:
        text = b"".join([*look.tokens[before], tokenizer.bytes_of(id)]).decode()
    except UnicodeDecodeError:
        state.tell(told(look, "next/part", token=look.label_of(id)))
        return state.change(seed=look.view.seed + 1)
    if look.place + 1 == look.config.context:
        state.tell(told(look, "next/full", context=look.config.context))
        return None
    ids = [*look.ids[before], id]
    if tokenizer.encode(text)[: len(ids)] != ids:  # a decoder's text may have its end after it
        note += " " + told(look, "next/recut")
    if rest := typed_after(look):
        note += " " + told(look, "next/replaced", rest=rest)
    state.tell(note)
    return state.anew(**{field: text}, seed=look.view.seed + 1)


def _checked(look: Look) -> tuple[Check, Check]:
    """The checks of the probabilities as the sampler leaves them, and of the best of them together."""
    point, decoding = look.whole("logits"), _decoding(look.view)
    return compute.checked_choice(look.model.name, look.given, point, look.place, decoding, look.trace.edits)


def _ranks(look: Look, probabilities: torch.Tensor) -> None:
    """How much of the whole is held by the best n tokens."""
    total = probabilities.sort(descending=True).values.cumsum(-1)
    ranks = sorted({min(len(total), round(1.25**k)) for k in range(60)})
    line = series("share together", ranks, [total[n - 1] for n in ranks])
    figure = graph([line], "the best n tokens", "share together", height=190, log=True, percent=True)
    title = "How the whole vocabulary shares"
    chart(look, "ranks", figure, title, point=look.whole("logits"), check=_checked(look)[1])
