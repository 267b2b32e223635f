"""The parts of the page, a file each, and what draws them."""

from collections.abc import Callable

from app.ui.context import StepContext
from app.views.decode import cache, ngrams, prompts

DRAW: dict[str, Callable[[StepContext], None]] = {
    "cache": cache.draw,
    "ngrams": ngrams.draw,
    "prompts": prompts.draw,
}
