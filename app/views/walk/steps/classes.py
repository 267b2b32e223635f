"""A score for every class of image, read off the first vector alone."""

from app import state
from app.ui.arithmetic import arithmetic, whole_run
from app.ui.charts import chart, scored
from app.ui.context import StepContext
from app.ui.figures import bars
from app.ui.heatmaps import picture
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from engine.decode import Decoding
from engine.model.transformer import Transformer
from engine.worked.derived import check_choice


def draw(ctx: StepContext) -> None:
    scores = ctx.trace["classes"][0]
    shares = scores.softmax(-1)
    order = shares.sort(descending=True, stable=True).indices.tolist()
    picked = ctx.view.entry if 0 <= ctx.view.entry < len(shares) else order[0]
    left, right = columns(7, 4)
    with left:
        first, second = (ctx.answer(i) for i in order[:2])
        values = dict(first=first, first_share=float(shares[order[0]]))
        rows = scored(ctx, list(range(len(shares))), scores, shares, picked)
        figure = bars(rows, "class", "probability", height=300, percent=True)
        title = "The probability of every class"
        check = check_choice(scores, Decoding("sample"), shares)
        made = dict(point="classes", check=check)
        chart(ctx, "classes", figure, title, **made, pick=(range(len(rows)), lambda i: state.change(entry=i)))
        words(ctx, "next/sentence", **values, second=second, second_share=float(shares[order[1]]))
        title = "The last vectors: only the first is read"
        picture(ctx, "final_norm.out", title, height=150, bands=[["row", 0, 1]], pickable=False)
    with right:
        arithmetic(ctx, ("classes", picked), ctx.choice("classes", (picked,)))
        whole_run(ctx, "classes")
        words(ctx, "next/why", patches=ctx.config.patches)
        code(Transformer.unembed)
