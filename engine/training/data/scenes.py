"""Pictures of coloured shapes on white, two or one, and of each picture the one caption that is right.

What is said follows from what is seen:

- Of two shapes the larger is named first. It stands left of, right of, above or below the other, whichever is
  farther: along that axis their middles are MARGIN pixels farther apart than along the other, or more, and GAP
  pixels or more are between them.
- One shape alone is small, large or neither, and in one of five places, NEAR pixels from it at most.

One caption in ten, chosen by its text, is never drawn for learning, and a test draws only those.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import torch
from torch import Tensor

from engine.images import Palette
from engine.training.data.words import words

SIDE = 32  # pixels of a picture
WHITE = (255.0, 255.0, 255.0)
WORDS = words("scenes.toml")
COLOURS: dict[str, tuple[float, ...]] = {name: tuple(rgb) for name, rgb in WORDS["colours"].items()}
PALETTE: Palette = (WHITE, *COLOURS.values())
FILLED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {  # what belongs to it of a square from -1 to 1
    "circle": lambda x, y: x**2 + y**2 <= 1,
    "ring": lambda x, y: (x**2 + y**2 <= 1) & (x**2 + y**2 > 0.25),
    "square": lambda x, y: x.abs() <= 1,
    "diamond": lambda x, y: x.abs() + y.abs() <= 1.01,
    "cross": lambda x, y: torch.minimum(x.abs(), y.abs()) < 1 / 3,
    "triangle": lambda x, y: x.abs() <= (1.15 + y) / 2,  # a little more than 1: its tip is drawn too
}
SHAPES = {name: FILLED[name] for name in WORDS["shapes"]}
RELATIONS, PLACES, SIZES = WORDS["relations"], WORDS["places"], WORDS["sizes"]
LARGER, SMALLER = (12, 13, 14), (7, 8, 9)  # of two shapes
MARGIN, GAP, NEAR = 4, 1, 2  # pixels
ALONE = 0.25  # the share of pictures with one shape


@dataclass(frozen=True)
class Shape:
    """What fills a square of `size` pixels a side, whose first pixel is in row `top` and column `left`."""

    kind: str
    colour: str
    size: int
    top: int
    left: int


@dataclass(frozen=True)
class Scene:
    """One or two shapes, and what is said of them."""

    caption: str
    shapes: tuple[Shape, ...]

    def pixels(self) -> Tensor:
        """[3, SIDE, SIDE], 0 dark to 255 bright, in the colours of PALETTE alone."""
        picture = torch.tensor(WHITE)[:, None, None].repeat(1, SIDE, SIDE)
        for s in self.shapes:
            square = picture[:, s.top : s.top + s.size, s.left : s.left + s.size]
            square[:, filled(s.kind, s.size)] = torch.tensor(COLOURS[s.colour])[:, None]
        return picture


@cache
def filled(kind: str, size: int) -> Tensor:
    """Which pixels of its square a shape fills [size, size], by their middles."""
    along = (2 * torch.arange(size) + 1) / size - 1
    return SHAPES[kind](along[None, :].expand(size, size), along[:, None].expand(size, size))


def stamps() -> list[dict]:
    """Each shape in three sizes, a 1 for each pixel that it fills, row by row: for people to put them down."""
    sizes = (("small", SMALLER[1]), ("middle", SIZES[""][1]), ("large", LARGER[2]))
    return [
        {
            "name": kind,
            "sizes": [
                (name, "".join(str(int(on)) for on in filled(kind, size).flatten())) for name, size in sizes
            ],
        }
        for kind in SHAPES
    ]


def captions() -> Iterator[str]:
    """All that is ever said."""
    things = [f"{colour} {kind}" for colour, kind in product(COLOURS, SHAPES)]
    for first, relation, second in product(things, RELATIONS, things):
        yield WORDS["two"].format(first=first, relation=relation, second=second)
    for size, thing, place in product(SIZES, things, PLACES):
        yield WORDS["alone"].format(size=size, thing=thing, place=place)


def is_held(caption: str) -> bool:
    """Is it one of the captions that are never drawn for learning?"""
    return zlib.crc32(caption.encode()) % 10 == 0


def drawn(count: int, seed: int, step: int = 0, held: bool = False) -> list[Scene]:
    """Scenes to learn from or, where `held`, with captions that are held out: the same for the same numbers."""
    draw = np.random.default_rng([seed, step])
    return [_scene(draw, held) for _ in range(count)]


def relation_of(first: Shape, second: Shape) -> str | None:
    """Where the first stands, seen from the second; None where that is not clear."""
    down, across = (
        getattr(first, start) - getattr(second, start) + (first.size - second.size) / 2
        for start in ("top", "left")
    )
    far, near = max(abs(down), abs(across)), min(abs(down), abs(across))
    if far - near < MARGIN or far < (first.size + second.size) / 2 + GAP:
        return None
    left, right, above, below = RELATIONS
    if abs(across) > abs(down):
        return left if across < 0 else right
    return above if down < 0 else below


def _scene(draw: np.random.Generator, held: bool) -> Scene:
    kind = _alone if draw.random() < ALONE else _two
    while True:
        scene = kind(draw)
        if scene is not None and is_held(scene.caption) == held:
            return scene


def _two(draw: np.random.Generator) -> Scene | None:
    """Two shapes anywhere; None where it is not clear how they stand."""
    first, second = (
        _shape(draw, size, *draw.integers(SIDE - size + 1, size=2))
        for size in (_one_of(draw, LARGER), _one_of(draw, SMALLER))
    )
    relation = relation_of(first, second)
    if relation is None:
        return None
    first_thing, second_thing = (f"{shape.colour} {shape.kind}" for shape in (first, second))
    caption = WORDS["two"].format(first=first_thing, relation=relation, second=second_thing)
    return Scene(caption, (first, second))


def _alone(draw: np.random.Generator) -> Scene:
    word, place = _one_of(draw, tuple(SIZES)), _one_of(draw, tuple(PLACES))
    size = _one_of(draw, SIZES[word])
    shape = _shape(draw, size, *(_start(draw, size, side) for side in PLACES[place]))
    caption = WORDS["alone"].format(size=word, thing=f"{shape.colour} {shape.kind}", place=place)
    return Scene(caption, (shape,))


def _start(draw: np.random.Generator, size: int, side: int) -> int:
    """Where a shape begins along one axis: NEAR pixels at most from the one edge (-1), the other (1) or what
    puts it into the middle (0)."""
    room = SIDE - size
    if side == 0:
        return room // 2 + draw.integers(-NEAR, NEAR + 1)
    off = draw.integers(NEAR + 1)
    return off if side < 0 else room - off


def _shape(draw: np.random.Generator, size: int, top: int, left: int) -> Shape:
    return Shape(_one_of(draw, tuple(SHAPES)), _one_of(draw, tuple(COLOURS)), size, int(top), int(left))


def _one_of(draw: np.random.Generator, choices: tuple):
    return choices[draw.integers(len(choices))]
