"""Which token goes to which expert, and what the picked expert does for it."""

import numpy as np

from app.ui.arithmetic import arithmetic
from app.ui.context import StepContext
from app.ui.heatmaps import WEIGHTS, picture
from app.ui.page import columns
from app.ui.source import code
from app.ui.what_ifs import taken_out
from app.ui.words import words
from app.views.walk.steps.mlp import fired, units
from engine.model.mlp import Expert, Experts


def draw(ctx: StepContext) -> None:
    ctx = ctx.strongest(expert=ctx.point("mlp.shares"))
    view = ctx.view
    part = f"mlp.experts.{view.expert}"
    ctx = ctx.strongest(unit=ctx.point(f"{part}.act"))
    unit = min(ctx.view.unit, ctx.config.mlp_width - 1)
    left, right = columns(7, 4)
    with left:
        picture(ctx, ctx.point("mlp.shares"), "Which token goes to which expert", height=260, **WEIGHTS)
        words(ctx, "mlp/routed", token=ctx.token, chosen=_chosen(ctx))
        _expert(ctx, part, unit)
    with right:
        taken_out(ctx, "mlp.out", f"All experts of block {view.layer}")
        taken_out(ctx, f"{part}.out", f"Expert {view.expert}")
        routed = ((ctx.point(f"mlp.{name}"), view.token, view.expert) for name in ("router", "shares"))
        fires = ((ctx.point(f"{part}.{name}"), view.token, unit) for name in ("pre", "gate", "act"))
        arithmetic(ctx, *routed, *fires, open=1)
        words(ctx, "mlp/why", units=ctx.config.mlp_width, wide=ctx.config.width)
        code(Experts.forward, Expert.forward)


def _chosen(ctx: StepContext) -> str:
    """The experts of the picked token with their shares, the largest first."""
    row = ctx.array(ctx.point("mlp.shares"))[ctx.view.token]
    goes = ctx.array(ctx.point("mlp.chosen"))[ctx.view.token]
    best = [i for i in np.argsort(-row, kind="stable") if goes[i]]
    *others, last = [f"expert {i} ({row[i]:.1%})" for i in best] or ["no expert"]
    return f"{', '.join(others)} and {last}" if others else last


def _expert(ctx: StepContext, part: str, unit: int) -> None:
    """The units of the picked expert, for the tokens that go to it."""
    view, goes = ctx.view, ctx.array(ctx.point("mlp.chosen"))[:, ctx.view.expert]
    told = dict(expert=view.expert, tokens=int(goes.sum()), length=len(goes), token=ctx.token)
    whose = f"of expert {view.expert} "
    if goes[view.token]:
        words(ctx, "mlp/expert", **told)
        fired(ctx, part, unit, whose)
    else:
        words(ctx, "mlp/expert", "idle", **told)
        units(ctx, part, whose)
