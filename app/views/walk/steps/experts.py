"""Which token goes to which expert, and what the picked expert does for it."""

import numpy as np

from app.ui.arithmetic import arithmetic
from app.ui.context import Look
from app.ui.heatmaps import WEIGHTS, picture
from app.ui.page import columns
from app.ui.source import code
from app.ui.what_ifs import taken_out
from app.ui.words import words
from app.views.walk.steps.mlp import fired, units
from engine.mlp import Expert, Experts


def draw(look: Look) -> None:
    look = look.strongest(expert=look.point("mlp.shares"))
    view = look.view
    part = f"mlp.experts.{view.expert}"
    look = look.strongest(unit=look.point(f"{part}.act"))
    unit = min(look.view.unit, look.config.mlp_width - 1)
    left, right = columns(7, 4)
    with left:
        words(look, "mlp/routed", token=look.token, chosen=_chosen(look))
        picture(look, look.point("mlp.shares"), "Which token goes to which expert", height=260, **WEIGHTS)
        _expert(look, part, unit)
    with right:
        taken_out(look, "mlp.out", f"All experts of block {view.layer}")
        taken_out(look, f"{part}.out", f"Expert {view.expert}")
        routed = ((look.point(f"mlp.{name}"), view.token, view.expert) for name in ("router", "shares"))
        fires = ((look.point(f"{part}.{name}"), view.token, unit) for name in ("pre", "gate", "act"))
        arithmetic(look, *routed, *fires)
        words(look, "mlp/why", units=look.config.mlp_width, wide=look.config.width)
        code(Experts.forward, Expert.forward)


def _chosen(look: Look) -> str:
    """The experts of the picked token with their shares, the largest first."""
    row = look.array(look.point("mlp.shares"))[look.view.token]
    goes = look.array(look.point("mlp.chosen"))[look.view.token]
    best = [i for i in np.argsort(-row, kind="stable") if goes[i]]
    *others, last = [f"expert {i} ({row[i]:.1%})" for i in best] or ["no expert"]
    return f"{', '.join(others)} and {last}" if others else last


def _expert(look: Look, part: str, unit: int) -> None:
    """The units of the picked expert, for the tokens that go to it."""
    view, goes = look.view, look.array(look.point("mlp.chosen"))[:, look.view.expert]
    told = dict(expert=view.expert, tokens=int(goes.sum()), length=len(goes), token=look.token)
    whose = f"of expert {view.expert} "
    if goes[view.token]:
        words(look, "mlp/expert", **told)
        fired(look, part, unit, whose)
    else:
        words(look, "mlp/expert", "idle", **told)
        units(look, part, whose)
