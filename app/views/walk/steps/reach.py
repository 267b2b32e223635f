"""How far layers see: what a cell of a convolutional network can, beside where heads of transformers look."""

from app import catalogue, compute
from app.text import say
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.figures import graph, series
from app.ui.words import words
from engine.config import Config
from engine.receptive import attention_distance, receptive_fields
from engine.worked import Check
from engine.worked.derived import check_attention_distance, check_receptive_fields, worst


def reach(ctx: StepContext) -> None:
    """A chart of both, for this image."""
    fields, start = receptive_fields(ctx.config), len(ctx.config.filters)
    seen = [side // 2 for side, _ in fields]
    lines = [series(say("walk", "reach/cell"), range(start), seen)]
    checks = [check_receptive_fields(ctx.config.strides, ctx.config.kernel, fields)]
    own, found = heads(ctx.trace, ctx.config, ctx.side)
    lines += _lines(say("walk", "reach/own"), own, start)
    other, theirs = beside(ctx), []
    if other:
        run = compute.trace(other, (ctx.given[0], ""))
        theirs, more = heads(run, run.model.reads[0], ctx.side)
        lines, checks = lines + _lines(other, theirs, 0), checks + more
    longest = max(start + len(own), len(theirs))
    names = [str(i) for i in range(longest)]
    figure = graph(lines, say("walk", "reach/x"), say("walk", "reach/y"), height=260, ticks=names, zero=True)
    title = say("walk", "reach/title")
    chart(ctx, "reach", figure, title, foot=say("walk", "reach/foot"), check=worst([*checks, *found]))
    nearest, furthest = (f([d for row in theirs for d in row], default=0.0) for f in (min, max))
    facts = ["beside"] * bool(other)
    told = dict(other=other, near=nearest, far=furthest, most=seen[-1], field=fields[-1][0])
    words(ctx, "reach/words", *facts, **told)


def heads(trace, config: Config, side: str) -> tuple[list[list[float]], list[Check]]:
    """How far the heads of each block of an image's stack look on average, in pixels, and their checks."""
    start, across = f"{side}." if side else "", config.image // config.patch
    patterns = [trace[f"{start}blocks.{i}.attn.pattern"][0] for i in range(config.layers)]
    away = [attention_distance(pattern, config) for pattern in patterns]
    pairs = zip(patterns, away, strict=True)
    checks = [check_attention_distance(pattern, across, config.patch, shown) for pattern, shown in pairs]
    return [each.tolist() for each in away], checks


def _lines(name: str, away: list[list[float]], start: int) -> list:
    """A line for each head, from block to block."""
    return [
        series(say("walk", "reach/head", name=name, head=h), range(start, start + len(away)), each)
        for h, each in enumerate(zip(*away, strict=True))
    ]


def beside(ctx: StepContext) -> str:
    """A shipped model that reads the same images in patches; none: empty."""
    own = ctx.model.prepare
    for name in catalogue.captioners():
        model = compute.model(name)
        c, prepare = model.reads[0], model.prepare
        if not c.filters and (prepare.size, prepare.palette) == (own.size, own.palette):
            return name
    return ""
