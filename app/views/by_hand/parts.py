"""The parts of the page, a file each, and what draws them."""

from collections.abc import Callable

from app.views.by_hand import divide, exam, examples, own, printed, slides, waves

DRAW: dict[str, Callable[[], None]] = {
    "examples": examples.draw,
    "printed": printed.draw,
    "divide": divide.draw,
    "waves": waves.draw,
    "own": own.draw,
    "exam": exam.draw,
    "slides": slides.draw,
}
