"""Every query times every key, then divided by √d_k."""

import math

import numpy as np

from app import state
from app.edits import drop, put
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.controls import switch_of
from app.ui.figures import bars, graph, series, shares
from app.ui.heatmaps import picture
from app.ui.page import columns
from app.ui.source import code
from app.ui.what_ifs import undivided
from app.ui.words import words
from engine.analysis import dots_at
from engine.model.attention import attend
from engine.position import alibi, buckets_of, rotate, slopes
from engine.trace.tap import Edit
from engine.worked.derived import check_distances, worst

TITLES = {"dots": "Query · key", "scores": "Divided by √d_k", "bias": "Added for the distance"}
LEAST = 29  # distances drawn, at least
STEP = 3  # positions that tokens are moved on by


def draw(ctx: StepContext) -> None:
    ctx = ctx.strongest(key=ctx.point("attn.pattern"))
    view, width = ctx.view, ctx.config.head_width
    parts, cell = _parts(ctx), (view.head, view.token, view.key)
    dot, score = (float(ctx.array(ctx.point(f"attn.{name}"))[cell]) for name in ("dots", "scores"))
    left, right = columns(7, 4)
    with left:
        added = tuple(parts.values()) if "bias" in parts else ()
        for column, name in zip(columns(*[1] * len(parts)), parts, strict=True):
            with column:
                picture(ctx, parts[name], TITLES[name], height=360, among=added)
        words(
            ctx,
            "scores/sentence",
            token=ctx.token,
            key=ctx.key,
            dot=dot,
            root=math.sqrt(width),
            width=width,
            score=score,
            number=view.layer + 1,
        )
        if "bias" in parts:
            bias, slope = float(ctx.array(parts["bias"])[cell]), slopes(ctx.config.heads)[view.head]
            distance = dict(away=abs(view.token - view.key), slope=slope, bias=bias)
            words(ctx, "scores/bias", token=ctx.token, key=ctx.key, head=view.head, **distance)
            _by_bias(ctx, parts["bias"])
        if ctx.config.rotary:
            _by_distance(ctx)
    with right:
        if ctx.config.scale_scores:
            (edit,) = undivided(ctx, view.layer)
            label, divide = "What if we did not divide?", lambda on: _divide(ctx, not on)
            switch_of("unscaled", label, edit in ctx.edits, divide, of=view.layer)
            if edit in ctx.edits:
                _without(ctx, edit)
        arithmetic(ctx, *((point, *cell) for point in parts.values()))
        places = {"rotary": (dots_at, rotate), "relative": (buckets_of,), "alibi": (alibi, slopes)}
        code(attend, *places.get(ctx.config.positions, ()))


def _parts(ctx: StepContext) -> dict[str, str]:
    """What a score is computed from, name -> point: T5 does not divide; T5 and BLOOM add a bias."""
    config = ctx.config
    names = ("dots", *["scores"] * config.scale_scores, *["bias"] * ctx.facts["biased"])
    return {name: ctx.point(f"attn.{name}") for name in names}


def _by_bias(ctx: StepContext, point: str) -> None:
    """What the picked head adds for each distance that this text has: of the last token those before it, of the
    first, where it may look ahead, those behind."""
    view, ahead = ctx.view, not ctx.config.causal
    bias = ctx.array(point)[view.head]
    count, away = len(bias), view.key - view.token
    added = [*bias[-1].tolist(), *(bias[0, 1:].tolist() if ahead else [])]
    line = series(f"head {view.head}", range(1 - count, count if ahead else 1), added)
    marks = [(away, float(bias[view.token, view.key]), "here")] if ahead or away <= 0 else []
    names = "positions from the query to the key", "added"
    figure = graph([line], *names, height=140, marks=marks, zero=True)
    chart(ctx, "bias", figure, f"What head {view.head} adds for each distance", point=point)


def _by_distance(ctx: StepContext) -> None:
    """The picked query times the picked key at other positions: only their distance counts."""
    view, angles = ctx.view, ctx.stack.angles
    ((asking,), (key,)) = (ctx.sources(ctx.point(f"attn.{turned}")) for turned in ("q_rot", "k_rot"))
    q, k = ctx.trace[asking][0, view.head, view.token], ctx.trace[key][0, ctx.head_in(key), view.key]

    def dots(position: int, other: int, count: int = 1) -> list[float]:
        """With the query at `count` positions from `position` on, the key at `other`."""
        return dots_at(q, k, angles(position, count), angles(other, 1)).tolist()

    here, far = view.token - view.key, max(len(ctx.labels), LEAST)
    first = 0 if here >= 0 else 1 - far
    curve = dots(view.key + first, view.key, far - first)
    (moved,), (alone,) = (dots(view.token + STEP, view.key + on) for on in (STEP, 0))
    words(ctx, "scores/distance", token=ctx.token, distance=here, step=STEP, moved=moved, alone=alone)
    line, mark = series("query · key", range(first, far), curve), (here, curve[here - first], "here")
    names = f"positions from {ctx.key} to {ctx.token}", "query · key"
    figure = graph([line], *names, height=140, marks=[mark], zero=True)
    title = "The same query and key at other distances"
    positions, base = np.arange(view.key + first, view.key + far), ctx.config.rotary_base
    check = check_distances(q, k, base, positions, np.full(len(positions), view.key), curve)
    chart(ctx, "distance", figure, title, foot=f"{asking} · k, rotated", check=check)


def _divide(ctx: StepContext, divide: bool) -> None:
    (edit,) = undivided(ctx, ctx.view.layer)
    state.edit(lambda edits: drop(edits, edit) if divide else put(edits, edit))


def _without(ctx: StepContext, edit: Edit) -> None:
    """The picked row of the softmax as it is, and in a run that does not divide in this block."""
    view, point = ctx.view, ctx.point("attn.pattern")
    runs = (ctx.with_edits(drop(ctx.edits, edit)), ctx)
    usual, other = (run.trace[point][0, view.head, view.token].tolist() for run in runs)
    words(ctx, "scores/without", token=ctx.token, usual=max(usual), other=max(other))
    best = sorted(ctx.seen, key=lambda i: -usual[i])[:8]
    rows = shares([ctx.labels[i] for i in best], [other[i] for i in best])
    original = ("divided", "not divided", [usual[i] for i in best])
    figure = bars(rows, "token", "weight", height=180, percent=True, original=original)
    check = worst(run.checked(point) for run in runs)
    chart(ctx, "without", figure, "Weights: divided → not divided", foot=point, check=check)
