"""The same word in two texts: how its vector takes on its company, block by block (contextual embeddings)."""

from app import compute
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.controls import text_field
from app.ui.figures import graph, series
from app.ui.words import words
from engine.analysis import cosine_similarity
from engine.worked.derived import check_cosine_similarity


def contextual_similarity(ctx: StepContext) -> None:
    """How alike the picked token's vector is to that of the same token in another text, after each block."""
    text_field("Another text with the picked word in it", "other", 400)
    other, word = ctx.view.other.strip(), ctx.labels[ctx.view.token]
    if not other:
        special = ctx.ids[ctx.view.token] in ctx.model.tokenizer.special.values()
        return words(ctx, "company/ask", *["special"] * special, token=word)
    try:
        kept, _ = compute.fitting(ctx.model.name, other, ctx.edits)
        theirs = compute.trace(ctx.model.name, other, kept)
    except ValueError as error:
        return words(ctx, "company/trouble", error=str(error))
    places = [t for t, id in enumerate(theirs.ids[0].tolist()) if id == ctx.ids[ctx.view.token]]
    if not places:
        return words(ctx, "company/missing", token=word)
    cosines = cosine_similarity(ctx.trace, ctx.view.token, theirs)  # [L + 1, their T]
    same = cosines[:, places[0]].tolist()
    rest = [t for t in range(cosines.shape[1]) if t not in places]
    others = cosines[:, rest].mean(1).tolist()
    values = dict(first=same[0], last=same[-1], others=others[-1])
    words(ctx, "company/sentence", *["several"] * bool(rest), token=ctx.token, **values)
    stops = range(len(same))
    lines = [series(f"“{ctx.token}” there", stops, same), series("the other tokens there", stops, others)]
    ticks = [f"after {i - 1}" if i else "start" for i in stops]
    figure = graph(lines, "block", "cosine", height=190, zero=True, ticks=ticks)
    check = check_cosine_similarity(ctx.trace, ctx.view.token, theirs, cosines)
    chart(ctx, "company", figure, f"How alike “{ctx.token}” is in both texts", check=check)
