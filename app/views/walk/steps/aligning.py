"""Whether a head of cross-attention aligns words, as it was measured for the model's card."""

from app import catalogue, state
from app.text import say
from app.ui.context import StepContext
from app.ui.controls import button
from app.ui.words import words


def aligns(ctx: StepContext, layer: int = 0, head: int = 0) -> None:
    """What was measured of this head against pairs aligned by hand, and the way to the best one; nothing where
    nothing was measured, or where something is changed."""
    found = _measured(ctx)
    if not found:
        return
    best = found["heads"][0]
    here = next((one for one in found["heads"] if (one["layer"], one["head"]) == (layer, head)), None)
    if here is None:
        return
    low, high = here["interval"]
    numbers = dict(error=here["error"], low=low, high=high, pairs=found["pairs"])
    numbers |= dict(diagonal=found["baselines"]["diagonal"]["error"], least=best["error"])
    numbers |= dict(layer=best["layer"], head=best["head"])
    also = ["aligns"] * here["aligns"] + ["read"] * (here["row"] == "read") + ["better"] * (here is not best)
    words(ctx, "cross/aligns", *also, **numbers)
    if here is not best:
        there = {name: best[name] for name in ("layer", "head")}
        button("aligning", say("walk", "cross/aligning"), lambda: state.change(**there, key=-1))


def _measured(ctx: StepContext) -> dict:
    name = ctx.model.name
    if ctx.edits or name not in catalogue.shipped():
        return {}
    return catalogue.beside(name, "scores.json").get("alignment", {})
