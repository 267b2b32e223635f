"""A score for every entry of the vocabulary in the place of a [MASK], and whether a second text follows."""

from app import catalogue, components, state
from app.ui import figures
from app.ui.arithmetic import arithmetic, whole_run
from app.ui.charts import chart, scored
from app.ui.context import Look
from app.ui.controls import button
from app.ui.figures import bars
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from engine.checks import check_choice
from engine.decode import Decoding
from engine.masked import AS_ITSELF, AS_MASK, AS_OTHER, corrupt, lesson
from engine.tokenize.wordpiece import MASK
from engine.transformer import MaskedHead, NextSentenceHead

SHOWN = 12  # candidates
DONE = {AS_MASK: "hidden", AS_OTHER: "swapped", AS_ITSELF: "left, to be guessed"}


def draw(look: Look) -> None:
    masks = [t for t, id in enumerate(look.ids) if id == look.model.tokenizer.mask]
    place = look.view.token if look.view.token in masks else next(iter(masks), look.view.token)
    shares = look.trace["logits"][0, place].softmax(-1)
    order = shares.sort(descending=True, stable=True).indices.tolist()
    entry = look.view.entry if 0 <= look.view.entry < len(shares) else order[0]
    left, right = columns(7, 4)
    with left:
        what = "next/sentence" if masks else "next/unmasked"
        best = dict(first=look.label_of(order[0]), share=float(shares[order[0]]), token=look.names[place])
        words(look, what, *["several"] * (len(masks) > 1), **best, place=place, masks=len(masks))
        a, b = columns(3, 2)
        with a:
            _candidates(look, place, order[:SHOWN], entry)
        with b:
            _buttons(look, place, entry)
            _second(look)
        _lesson(look)
    with right:
        follows = [("follows.scores", 0)] if _two(look) else []
        arithmetic(look, ("logits", place, entry), look.choice("logits", (place, entry)), *follows)
        whole_run(look, "logits")
        words(look, "next/why", vocabulary=len(shares), width=look.config.width)
        code(MaskedHead.forward, NextSentenceHead.forward, corrupt)


def _candidates(look: Look, place: int, ids: list[int], entry: int) -> None:
    logits = look.trace["logits"][0, place]
    rows = scored(look, ids, logits, logits.softmax(-1), entry)
    figure = bars(rows, "entry", "probability", height=300, percent=True)
    title = f"What could stand at place {place}"
    check = check_choice(logits, Decoding("sample"), logits.softmax(-1))
    made = dict(point="logits", check=check)
    chart(look, "candidates", figure, title, **made, pick=lambda i: state.change(entry=ids[int(i)]))


def _buttons(look: Look, place: int, entry: int) -> None:
    """Hide the picked token, or write the marked entry where the mask is."""
    spans = look.model.tokenizer.spans(look.view.prompt)
    free = spans[look.view.token] != (0, 0)
    hide, put = f"Hide {look.token}", f"Write {look.label_of(entry)} there"
    masked = look.ids[place] == look.model.tokenizer.mask
    here, there = spans[look.view.token], spans[place]
    button(
        "hide",
        hide,
        lambda: _write(look.view.prompt, here, MASK),
        disabled=not free or (look.view.token == place and masked),
    )
    word = look.label_of(entry)
    button("fill", put, lambda: _write(look.view.prompt, there, word), disabled=not masked)


def _write(prompt: str, span: tuple[int, int], text: str) -> None:
    """The prompt with `text` in the place of some of its characters; a piece joins the word before it."""
    before, after = prompt[: span[0]], prompt[span[1] :]
    if text.startswith("##"):
        before, text = before.rstrip(), text.removeprefix("##")
    state.change(prompt=before + text + after, key=-1, entry=-1)


def _two(look: Look) -> bool:
    """Are there two texts, and a head that judges whether the second follows?"""
    return look.config.next_sentence and look.trace.segments is not None and bool(look.trace.segments.any())


def _second(look: Look) -> None:
    """Does the second text follow the first? Asked only where there are two."""
    if not look.config.next_sentence:
        return None
    if not _two(look):
        return words(look, "next/single")
    scores = look.trace["follows.scores"][0]
    probabilities = scores.softmax(-1)
    names = ("it follows", "it does not")
    rows = figures.shares(names, probabilities.tolist())
    figure = bars(rows, "answer", "probability", height=50, percent=True)
    check = check_choice(scores, Decoding("sample"), probabilities)
    chart(look, "follows", figure, "Does the second text follow?", point="follows.scores", check=check)
    _trust(look)


def _trust(look: Look) -> None:
    """How often it is right of texts about as long as these, where that was measured."""
    rows = catalogue.beside(look.model.name, "scores.json").get("rows", [])
    books = [row for row in rows if row["name"].startswith("next sentence") and row["name"].endswith(", books")]
    if books:
        drawn, *matched = books
        row = min(matched, key=lambda row: abs(row["tokens"] - len(look.ids)))
        low, high = row["intervals"][0]
        numbers = dict(share=row["values"][0], overlap=row["values"][4], low=low, high=high)
        numbers |= {"count": row["count"], "tokens": row["tokens"], "longest": look.config.context}
        words(look, "next/trust", drawn=drawn["values"][0], **numbers)


def _lesson(look: Look) -> None:
    """What an encoder would read of this text in training, and what it would have to guess."""
    read = lesson(look.model, look.ids, look.view.seed)
    ends = (look.model.tokenizer.start, look.model.tokenizer.end)  # never chosen
    counts = dict(chosen=sum(one.done in DONE for one in read), of=sum(id not in ends for id in look.ids))
    a, b = columns(5, 2, align="center")
    with a:
        words(look, "next/lesson", **counts)
    again = look.view.seed + 1
    with b:
        button("lesson", "Draw again", lambda: state.change(seed=again))
    parts = []
    for one, label in zip(read, look.labels, strict=True):
        parts.append([look.label_of(one.id), f"{label}: {DONE[one.done]}" if one.done in DONE else ""])
    components.lesson("lesson", {"parts": parts, "aria": "What the model would read of this text in training"})
