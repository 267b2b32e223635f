"""The parts of the page, a folder each, and what draws them."""

from collections.abc import Callable

from app.views.train import backprop, batches, costs, learn, rewards, tune

DRAW: dict[str, Callable[[], None]] = {
    "backprop": backprop.draw,
    "learn": learn.draw,
    "batches": batches.draw,
    "tune": tune.draw,
    "rewards": rewards.draw,
    "costs": costs.draw,
}
