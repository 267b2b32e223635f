"""The parts of the page, a file each, and what draws them."""

from collections.abc import Callable

from app.ui.context import StepContext
from app.views.decode import cache, choice, ngrams, prompts, searching, writing

DRAW: dict[str, Callable[[StepContext], None]] = {
    "choice": choice.draw,
    "text": writing.draw,
    "tree": searching.draw,
    "cache": cache.draw,
    "ngrams": ngrams.draw,
    "prompts": prompts.draw,
}
