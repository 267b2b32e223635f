"""The parts of the page, a file each, and what draws them."""

from collections.abc import Callable

from app.state import View
from app.views.tokenizers import beside, languages, stages, train

DRAW: dict[str, Callable[[View], None]] = {
    "beside": beside.draw,
    "train": train.draw,
    "languages": languages.draw,
    "stages": stages.draw,
}
