"""An image cut into patches: the numbers of each, row by row."""

from app.ui.arithmetic import arithmetic
from app.ui.context import Look
from app.ui.heatmaps import picture
from app.ui.images import laid
from app.ui.page import columns
from app.ui.source import code
from app.ui.words import words
from engine.embed import patchify


def draw(look: Look) -> None:
    config, pixels = look.config, look.whole("embed.pixels")
    look = look.strongest(unit=pixels)
    patch = max(look.view.token - 1, 0)
    left, right = columns(7, 4)
    with left:
        words(look, "tokens/counts", pixels=config.image, patches=config.patches, side=config.patch)
        a, b = columns(4, 5)
        with a:
            laid(look, "The image in its patches", height=300)
        with b:
            picture(look, pixels, "Each patch as a row of numbers", height=300)
    with right:
        words(look, "tokens/picked", patch=look.labels[patch + 1], n=config.channels * config.patch**2)
        arithmetic(look, (pixels, patch, look.view.unit), (look.whole("embed.patch"), patch, look.view.unit))
        words(look, "tokens/why", patches=config.patches)
        code(patchify)
