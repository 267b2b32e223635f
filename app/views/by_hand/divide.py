"""Why √d_k: random vectors of any width, and a model's own queries and keys, with the division and without."""

import numpy as np

from app import catalogue, compute, state
from app.text import say
from app.ui.charts import by_itself
from app.ui.controls import number, slider_of_names
from app.ui.figures import graph, histogram, series
from app.ui.page import columns, text
from app.ui.source import code
from engine.examples.scale import KEYS, QUERIES, WIDTHS, Spread, dots, spread, with_and_without

SIGHTS = ("variance", "largest", "entropy")


def draw() -> None:
    view = state.current()
    at = min(range(len(WIDTHS)), key=lambda i: abs(WIDTHS[i] - view.wide))
    a, b = columns(3, 1)
    with a:
        names = [str(width) for width in WIDTHS]
        slider_of_names(
            "width", say("by_hand", "divide/width"), at, names, lambda i: state.change(wide=WIDTHS[i])
        )
    with b:
        number(say("by_hand", "exam/seed"), "seed")
    width = WIDTHS[at]
    without, divided = with_and_without(width, view.seed)
    text(say("by_hand", "divide/told", d=width, queries=QUERIES, keys=KEYS))
    text(_table(without, divided))
    for place, sight in zip(columns(1, 1, 1), SIGHTS, strict=True):
        with place:
            _over_widths(sight, width)
    _histograms(width)
    _real()
    code(dots, spread, with_and_without)


def _table(without: Spread, divided: Spread) -> str:
    rows = [["", *(say("by_hand", f"divide/{sight}") for sight in SIGHTS)], ["---"] * 4]
    for name, one in (("without", without), ("with", divided)):
        rows.append([say("by_hand", f"divide/{name}"), *(f"{getattr(one, sight):.4g}" for sight in SIGHTS)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _over_widths(sight: str, width: int) -> None:
    """One of the three as vectors grow."""
    found = [with_and_without(each, state.current().seed) for each in WIDTHS]
    lines = [
        series(say("by_hand", f"divide/{name}"), WIDTHS, [getattr(pair[i], sight) for pair in found])
        for i, name in enumerate(("without", "with"))
    ]
    now = getattr(with_and_without(width, state.current().seed)[0], sight)
    title = say("by_hand", f"divide/{sight}")
    by_itself(
        sight,
        title,
        graph(lines, "d", title, height=240, marks=[(width, now, str(width))], log=True, zero=True),
    )


def _histograms(width: int) -> None:
    scores = dots(width, state.current().seed).ravel()
    for place, (name, shown) in zip(
        columns(1, 1), (("without", scores), ("with", scores / np.sqrt(width))), strict=True
    ):
        with place:
            title = say("by_hand", "divide/scores", how=say("by_hand", f"divide/{name}"))
            figure = graph(
                [histogram(title, shown)],
                say("by_hand", "divide/score"),
                say("by_hand", "divide/count"),
                height=220,
            )
            by_itself(f"scores-{name}", title, figure)


def _real() -> None:
    """The same on a shipped model's own queries and keys, every head of a block."""
    view = state.current()
    name = catalogue.shipped()[0]
    trace = compute.trace(name, catalogue.opening(name, view.prompt) or state.PROMPT)
    layer = min(view.layer, trace.model.config.layers - 1)
    block = f"blocks.{layer}.attn"
    raw, mask = trace[f"{block}.dots"][0].double().numpy(), trace[f"{block}.mask"][0].numpy()
    hidden = np.where(mask, raw, -np.inf)[:, 1:]  # the first token sees itself alone
    width = trace.model.config.head_width
    without = spread(hidden.reshape(-1, hidden.shape[-1]))
    divided = spread((hidden / np.sqrt(width)).reshape(-1, hidden.shape[-1]))
    text(say("by_hand", "divide/real", model=name, layer=layer, width=width, prompt=view.prompt[:80]))
    text(_table(without, divided))
