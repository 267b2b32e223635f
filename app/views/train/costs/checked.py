"""The formulas beside what torch really allocates, on a small model."""

import torch

from app import compute, state
from app.settings import change, read
from app.shared import shared
from app.text import say
from app.ui.controls import select_of, unfold
from app.ui.page import text
from app.ui.tables import table
from app.views.train.costs.settings import DECODERS, Costs
from app.views.train.costs.shown import heads
from engine.training.costs import Plan, memory_of
from engine.training.costs.measure import Measured, measure

MOST = 32  # tokens of the prompt that are read
PARTS = ("weights", "gradients", "optimizer", "activations")


@shared(64)
def measured(name: str, ids: tuple[int, ...], checkpoints: bool) -> Measured:
    """What torch keeps of one step of a shipped model on a text."""
    return measure(compute.model(name), torch.tensor([ids]), "adam", checkpoints)[0]


def read_of(name: str) -> tuple[int, ...]:
    """The first tokens of the prompt; two at least."""
    ids = compute.model(name).tokenizer.encode(state.current().prompt[: 20 * MOST])[: MOST + 1]
    return tuple(ids) if len(ids) > 1 else tuple(compute.model(name).tokenizer.encode(state.PROMPT))


def draw() -> None:
    place, open = unfold("costs-measured", say("costs", "measured"))
    if open:
        with place:
            _compared()


def _compared() -> None:
    now = read(Costs)
    names = {name: name for name in DECODERS}
    select_of("small", say("costs", "of/small"), now.small, names, lambda name: change(Costs, small=name))
    ids = read_of(now.small)
    tokens, config = len(ids) - 1, compute.model(now.small).config
    rows, apart, kept = [], 0.0, None
    for checkpoints in (False, True):
        kept = measured(now.small, ids, checkpoints)
        by_formula = memory_of(config, Plan(tokens, checkpoints=checkpoints))
        for part in PARTS if not checkpoints else PARTS[-1:]:
            a, b = getattr(by_formula, part), getattr(kept, part)
            apart = max(apart, abs(a - b))
            name = say("costs", f"held/{part}") + (
                f", {say('costs', 'way/checkpoints')}" if checkpoints else ""
            )
            rows.append([name, f"{a:,.0f}", f"{b:,}", f"{a - b:,.0f}".replace("-", "−")])
    table(heads("part", "by formula", "by torch", "difference"), rows)
    text(
        say(
            "costs",
            "measured/told",
            n=tokens,
            ids=kept.ids,
            steps=kept.steps,
            model=now.small,
            apart=int(apart),
        )
    )
