"""The same word in two texts: how its vector takes on its company, block by block (contextual embeddings)."""

from app import compute
from app.edits import fitting
from app.ui.charts import chart
from app.ui.context import Look
from app.ui.controls import text_field
from app.ui.figures import graph, series
from app.ui.words import words
from engine.analysis import alike
from engine.checks import check_alike


def company(look: Look) -> None:
    """How alike the picked token's vector is to that of the same token in another text, after each block."""
    text_field("Another text with the picked word in it", "other", 400)
    other, word = look.view.other.strip(), look.labels[look.view.token]
    if not other:
        special = look.ids[look.view.token] in look.model.tokenizer.special.values()
        return words(look, "company/ask", *["special"] * special, token=word)
    try:
        theirs = compute.trace(look.model.name, other)
        theirs = compute.trace(look.model.name, other, fitting(theirs, look.edits)[0])
    except ValueError as error:
        return words(look, "company/trouble", error=str(error))
    places = [t for t, id in enumerate(theirs.ids[0].tolist()) if id == look.ids[look.view.token]]
    if not places:
        return words(look, "company/missing", token=word)
    cosines = alike(look.trace, look.view.token, theirs)  # [L + 1, their T]
    same = cosines[:, places[0]].tolist()
    rest = [t for t in range(cosines.shape[1]) if t not in places]
    others = cosines[:, rest].mean(1).tolist()
    values = dict(first=same[0], last=same[-1], others=others[-1])
    words(look, "company/sentence", *["several"] * bool(rest), token=look.token, **values)
    stops = range(len(same))
    lines = [series(f"“{look.token}” there", stops, same), series("the other tokens there", stops, others)]
    ticks = [f"after {i - 1}" if i else "start" for i in stops]
    figure = graph(lines, "block", "cosine", height=190, zero=True, ticks=ticks)
    check = check_alike(look.trace, look.view.token, theirs, cosines)
    chart(look, "company", figure, f"How alike “{look.token}” is in both texts", check=check)
