"""Charts in the frame that heat maps have too."""

import plotly.graph_objects as go
import torch

from app import components
from app.ui.context import StepContext
from app.ui.frame import light, origin
from engine.worked import Check


def chart(
    ctx: StepContext,
    key: str,
    figure: go.Figure,
    title: str,
    *,
    point: str = "",
    foot: str = "",
    aria: str = "",
    check: Check | None = None,
    pick=None,
    model: str | None = None,
) -> None:
    """A chart of `app.ui.figures` in the frame that heat maps have too.

    point  where its numbers come from, which are then checked; foot says it in words where no point holds them
    check  of what was made of a point's numbers
    model  whose numbers they are, if not those of the model that reads; empty: of none
    """
    header = {"title": title, "aria": aria or title, "foot": foot}
    header |= origin(ctx, point) if point else {"model": ctx.source if model is None else model}
    header |= {"light": light(check)} if check else {}
    components.plot(f"plot-{key}", header, figure, pick)


def by_itself(
    key: str,
    title: str,
    figure: go.Figure,
    told: str = "",
    *,
    foot: str = "",
    model: str = "",
    light: dict | None = None,
    pick=None,
) -> None:
    """A chart in the same frame of what no step of the walk holds.

    told   what it shows, where its own sentence would say too little
    model  whose numbers they are; empty: of none
    """
    header = {"title": title, "aria": title, "foot": foot, "model": model, "light": light}
    components.plot(f"plot-{key}", header | ({"say": told} if told else {}), figure, pick)


def scored(
    ctx: StepContext, indices: list[int], scores: torch.Tensor, shares: torch.Tensor, picked: int
) -> list[dict]:
    """Rows of `bars` for some of a model's answers: each one's probability and the score that it comes from."""
    rows = []
    for i in indices:
        share = float(shares[i])
        note = f"{share:.1%}, score {float(scores[i]):.2f}".replace("-", "−")
        rows.append({"label": ctx.answer(i), "value": share, "note": note, "mark": i == picked})
    return rows
