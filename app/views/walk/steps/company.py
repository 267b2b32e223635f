"""A word's one fixed vector, and its vectors in a sentence: which words are nearest, after every block."""

import numpy as np
import torch

from app import components, compute
from app.text import say
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.controls import text_field, unfold
from app.ui.figures import graph, series
from app.ui.frame import light
from app.ui.page import columns, group, keep
from app.ui.source import code
from app.ui.words import words
from engine import contextual, vectors
from engine.training.evaluate.intervals import wilson
from engine.worked import Check
from engine.worked.derived import check_cosines, check_in_company

NEAREST, FIXED = 5, 8  # words shown of each list
LONGEST = 400  # characters of the other text


def company(ctx: StepContext) -> None:
    """The words nearest to the picked one: by its fixed vector, and by this model's after every block."""
    inside, open = unfold("company", say("walk", "nearest/title"))
    if not open:
        return
    with inside:
        at = contextual.whole_words(ctx.model, ctx.tokens)
        if ctx.view.token not in at:
            return words(ctx, "nearest/none", token=ctx.labels[ctx.view.token])
        word, met = at[ctx.view.token], compute.met(ctx.model.name)
        words(ctx, "nearest/lead", texts=len(contextual.shipped().texts), count=len(set(met.words)))
        if ctx.config.causal:
            text_field(say("walk", "nearest/other"), "other", LONGEST)
        _fixed(ctx, word)
        _contextual(ctx, word, met)
        _senses(ctx, word, met)
        code(contextual.cosines, contextual.nearest)


# --- one vector for the word ----------------------------------------------------------------------


def _fixed(ctx: StepContext, word: str) -> None:
    """The nearest words by the fixed vector, which are the same in every sentence."""
    table = vectors.shipped()
    if table is None or word not in table.ids:
        return words(ctx, "nearest/unknown" if table else "nearest/lacking", word=word)
    near = table.nearest(word, FIXED)
    shown = np.array([[cosine for _, cosine in near]], np.float32)
    own, others = table.table[table.ids[word]], table.table[[table.ids[other] for other, _ in near]]
    check = check_cosines(*map(torch.from_numpy, (own, others)), shown[0])
    texts = [[other for other, _ in near]]
    model = say("walk", "nearest/fixed/model")
    _grid(ctx, "fixed", shown, texts, [word], say("walk", "nearest/fixed", word=word), check, 90, model)
    if odd := next((row for row in vectors.measured().get("rows", []) if row["name"] == "odd one out"), None):
        told = dict(n=odd["count"], share=odd["values"][0], counted=odd["values"][1], chance=odd["chance"])
        words(ctx, "nearest/measured", words=len(table.words), **told)


# --- a vector for the word in this text -----------------------------------------------------------


def _contextual(ctx: StepContext, word: str, met: contextual.Met) -> None:
    """The nearest words after every block, in this text, and in the other one where that has the word."""
    found = {"here": (ctx.trace, ctx.view.token)}
    other = ctx.view.other.strip()
    if other:
        try:
            theirs = compute.trace(ctx.model.name, other)
        except ValueError as error:
            return words(ctx, "company/trouble", error=str(error))
        places = [t for t, w in contextual.whole_words(ctx.model, theirs.tokens()).items() if w == word]
        if places:
            found["there"] = (theirs, places[-1])
    lists = {}
    for place, which in zip(columns(*[1] * len(found)), found, strict=True):
        with place:
            lists[which] = _list(ctx, word, met, which, *found[which])
    if len(lists) == 2:
        same = [len(set(a) & set(b)) for a, b in zip(*lists.values(), strict=True)]
        words(ctx, "nearest/both", word=word, n=NEAREST, first=same[0], last=same[-1])
    elif other:
        words(ctx, "company/missing", token=word)
    else:
        words(ctx, "nearest/ask", word=word)


def _list(ctx: StepContext, word: str, met: contextual.Met, which: str, trace, token: int) -> list[list[str]]:
    """The nearest words after every block in one text."""
    own = contextual.stream(trace)[:, token]
    found = contextual.cosines(own, met)
    best = contextual.nearest(found, met, word, NEAREST)
    check = check_in_company(own, met.vectors, found.numpy())
    texts = [[met.words[i] for i in row] for row in best]
    shown = found.gather(1, found.new_tensor(best).long()).numpy()
    rows = [f"block {i - 1}" if i else "start" for i in range(len(texts))]
    title = say("walk", f"nearest/{which}", word=word)
    _grid(ctx, which, shown, texts, rows, title, check, 60 + 30 * len(rows))
    return texts


def _grid(
    ctx: StepContext,
    name: str,
    shown: np.ndarray,
    texts: list[list[str]],
    rows: list[str],
    title: str,
    check: Check,
    height: int,
    model: str = "",
) -> None:
    """Words by rank, with the cosine as their colour."""
    id = ctx.id_of(f"company-{name}", f"{ctx.view.token} {ctx.view.other}")
    keep(id, np.asarray(shown, np.float32)[None])
    header = {"src": id, "axes": "LN", "title": title, "aria": title, "rows": rows, "rowName": "after"}
    header |= {"cols": [str(i + 1) for i in range(shown.shape[1])], "colName": "rank", "texts": texts}
    header |= {"titles": ("", say("walk", "nearest/rank")), "scale": "sequential", "max": 1.0, "wide": True}
    header |= {"told": "cosine", "height": height, "light": light(check), "model": model or ctx.source}
    components.matrix(f"matrix-company-{name}", header | {"foot": say("walk", "nearest/foot")})


# --- of a word with two senses --------------------------------------------------------------------


def _senses(ctx: StepContext, word: str, met: contextual.Met) -> None:
    """In how many of the sentences the nearest other one has the word in the same sense, after every block."""
    senses = contextual.shipped().senses.get(word)
    if not senses:
        return
    hits, count, chance = contextual.same_sense(met, word, senses)
    if not count:
        return
    stops = range(len(hits))
    lines = [series(say("walk", "nearest/same"), stops, [n / count for n in hits])]
    lines.append(series(say("walk", "nearest/chance"), stops, [chance / count] * len(hits)))
    ticks = [f"after {i - 1}" if i else "start" for i in stops]
    with group("senses"):
        figure = graph(lines, "block", "share", height=190, percent=True, ticks=ticks)
        chart(ctx, "senses", figure, say("walk", "nearest/senses/title", word=word), foot="sentences.toml")
        tells = wilson(round(hits[-1]), count)[0] > chance / count
        told = dict(word=word, count=count, senses=" / ".join(senses), first=hits[0], last=hits[-1])
        words(ctx, "nearest/senses", *["tells"] * tells, chance=chance, **told)
