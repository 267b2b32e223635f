"""The units of an MLP: their activations, and what they write."""

import numpy as np
import torch

from app import compute, state
from app.ui.arithmetic import arithmetic
from app.ui.charts import chart
from app.ui.context import StepContext
from app.ui.figures import bars, graph, series
from app.ui.heatmaps import picture
from app.ui.page import columns
from app.ui.source import code
from app.ui.what_ifs import taken_out
from app.ui.words import words
from engine.model.mlp import ACTIVATIONS, MLP
from engine.worked.derived import check_curve, worst

SHOWN = 12  # units
PROMOTED = {"logits": "tokens", "classes": "classes"}  # outputs that a unit adds to directly


def draw(ctx: StepContext) -> None:
    ctx = ctx.strongest(unit=ctx.point("mlp.act"))
    view, gated = ctx.view, ctx.config.gated
    count = ctx.config.mlp_width
    unit = min(view.unit, count - 1)
    left, right = columns(7, 4)
    with left:
        fired(ctx, "mlp", unit)
    with right:
        read = ctx.config.ending != "classes" or view.token == 0  # classes are read off the first vector alone
        if ctx.config.ending in PROMOTED and not ctx.config.post_norm and read:
            _promotes(ctx, unit)
        taken_out(ctx, "mlp.out", f"The MLP of block {view.layer}")
        names = ("pre", "gate", "act") if gated else ("pre", "act")
        arithmetic(ctx, *((ctx.point(f"mlp.{name}"), view.token, unit) for name in names), open=len(names) - 1)
        words(ctx, "mlp/why", units=count, wide=ctx.config.width)
        code(MLP.forward)


def fired(ctx: StepContext, part: str, unit: int, whose: str = "") -> None:
    """The units of an MLP that fire: `part` is "mlp", or one of its experts, which `whose` names."""
    view, gated = ctx.view, ctx.config.gated
    name = ctx.point(f"{part}.act")
    act = ctx.array(name)
    strongest = np.argsort(-np.abs(act[view.token]))[:SHOWN].tolist()
    best, active = strongest[0], int((act[view.token] > 0.1).sum())
    told = dict(units=act.shape[1], active=active, best=best, best_act=float(act[view.token, best]))
    units(ctx, part, whose)
    words(ctx, "mlp/sentence", token=ctx.token, unit=unit, **told, **_gate(ctx, part, unit))
    a, b = columns(1, 1)
    with a:
        rows = [{"label": f"unit {u}", "value": act[view.token, u], "mark": u == unit} for u in strongest]
        figure = bars(rows, "unit", "activation", height=210)
        title = f"The strongest units {whose}for “{ctx.token}”"
        chart(ctx, "units", figure, title, point=name, pick=(strongest, lambda i: state.change(unit=i)))
    with b:
        _curve(ctx, f"{part}.pre", f"{part}.gate" if gated else f"{part}.act", unit)


def units(ctx: StepContext, part: str, whose: str = "") -> None:
    """All units and all tokens."""
    title = f"Activations of all units {whose}for every token"
    picture(ctx, ctx.point(f"{part}.act"), title, height=170)


def _gate(ctx: StepContext, part: str, unit: int) -> dict[str, float]:
    """Of a gated unit: how far it is open, the value that would pass, and their product."""
    names = ("gate", "up", "act") if ctx.config.gated else ()
    return {name: float(ctx.array(ctx.point(f"{part}.{name}"))[ctx.view.token, unit]) for name in names}


def _promotes(ctx: StepContext, unit: int) -> None:
    """What the unit adds to the answer directly, in models with no head between stream and answer."""
    ids, scores = compute.promoted(ctx.model.name, ctx.side, ctx.view.layer, unit)
    what = PROMOTED[ctx.config.ending]
    names = [ctx.answer(id) for id in ids]
    rows = [{"label": name, "value": score} for name, score in zip(names, scores, strict=True)]
    title = f"Unit {unit} raises the scores of these {what} most"
    figure = bars(rows, what, "score per unit of activation", height=150)
    check = compute.checked_promoted(ctx.model.name, ctx.side, ctx.view.layer, unit)
    chart(ctx, "promotes", figure, title, foot=f"{ctx.point('mlp.out')}.weight", check=check)
    words(ctx, "mlp/promotes")


def _curve(ctx: StepContext, before: str, after: str, unit: int) -> None:
    """The activation, which makes `after` from `before`, with the picked unit on it."""
    x, y = (float(ctx.array(ctx.point(name))[ctx.view.token, unit]) for name in (before, after))
    reach = max(4.0, abs(x) * 1.1)
    xs = torch.linspace(-reach, reach, 121)
    ys = ACTIVATIONS[ctx.config.activation](xs)
    curve, check = series(ctx.activation, xs, ys), check_curve(ctx.config.activation, xs, ys)
    figure = graph([curve], before, after, height=210, marks=[(x, y, f"unit {unit}")], zero=True)
    title = f"{ctx.activation}, with this unit marked"
    chart(ctx, "curve", figure, title, check=worst((check, ctx.checked(ctx.point(after)))))
