"""What is said of a picture is true of its pixels, and nothing else would be right."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.images import from_signs, to_signs
from engine.training.data import scenes
from engine.training.data.scenes import COLOURS, GAP, MARGIN, NEAR, PALETTE, SIDE, WHITE

sides = st.booleans()
steps = st.integers(0, 10**6)


def seen(pixels: torch.Tensor) -> list[dict]:
    """The shapes of a picture, the larger first, from nothing but its pixels: what is not white, piece by
    piece."""
    white = (pixels == torch.tensor(WHITE)[:, None, None]).all(0)
    left = {(y, x) for y, x in (~white).nonzero().tolist()}
    found = []
    while left:
        todo, inside = [min(left)], []
        while todo:
            at = todo.pop()
            if at in left:
                left.remove(at)
                inside.append(at)
                todo += [(at[0] + 1, at[1]), (at[0] - 1, at[1]), (at[0], at[1] + 1), (at[0], at[1] - 1)]
        found.append(measured(pixels, inside))
    return sorted(found, key=lambda shape: -shape["size"])


def measured(pixels: torch.Tensor, inside: list[tuple[int, int]]) -> dict:
    """The colour, the kind, the square around it and the centre of mass of one shape (down, across)."""
    rows, columns = ([at[axis] for at in inside] for axis in (0, 1))
    top, left, size = min(rows), min(columns), max(rows) - min(rows) + 1
    assert size == max(columns) - left + 1  # it fills a square from edge to edge
    (colour,) = {tuple(pixels[:, y, x].tolist()) for y, x in inside}
    mask = torch.zeros(size, size, dtype=torch.bool)
    for y, x in inside:
        mask[y - top, x - left] = True
    return {
        "colour": next(name for name, numbers in COLOURS.items() if numbers == colour),
        "kind": kind_of(mask),
        "size": size,
        "mass": (sum(rows) / len(rows), sum(columns) / len(columns)),
        "square": (top, left),
    }


def kind_of(mask: torch.Tensor) -> str:
    size, share = len(mask), mask.float().mean()
    if mask[-1, 0]:
        return "square" if mask[0, 0] else "triangle"
    if not mask[size // 2, size // 2]:
        return "ring"
    if share > 0.7:
        return "circle"
    return "cross" if torch.equal(mask[0], mask[1]) else "diamond"


def caption_of(shapes: list[dict]) -> str:
    """What is to be said of what was seen."""
    things = [f"{shape['colour']} {shape['kind']}" for shape in shapes]
    if len(shapes) == 1:
        (one,) = shapes
        size = "small " if one["size"] < 9 else "large " if one["size"] > 12 else ""
        down, across = (round(3 * (start + one["size"] / 2) / SIDE - 1.5) for start in one["square"])
        place = f"at the {('top', '', 'bottom')[down + 1]} {('left', '', 'right')[across + 1]}"
        return f"a {size}{things[0]} {place if down and across else 'in the middle'}"
    down, across = (a - b for a, b in zip(shapes[0]["mass"], shapes[1]["mass"], strict=True))
    relation = (
        ("above", "below")[down > 0] if abs(down) > abs(across) else f"{('left', 'right')[across > 0]} of"
    )
    return f"a {things[0]} {relation} a {things[1]}"


@given(step=steps, held=sides)
def test_every_caption_is_the_one_that_its_pixels_call_for(step, held):
    for scene in scenes.drawn(4, 0, step, held):
        assert caption_of(seen(scene.pixels())) == scene.caption


@given(step=steps, held=sides)
def test_two_shapes_never_touch_and_nobody_could_name_them_otherwise(step, held):
    for scene in scenes.drawn(4, 1, step, held):
        shapes = seen(scene.pixels())
        assert len(shapes) == len(scene.shapes)
        if len(shapes) == 2:
            first, second = shapes
            assert first["size"] >= second["size"] + 3
            near, far = sorted(
                abs(a - b + (first["size"] - second["size"]) / 2)
                for a, b in zip(first["square"], second["square"], strict=True)
            )
            assert far >= near + MARGIN
            assert far - (first["size"] + second["size"]) / 2 >= GAP


@given(step=steps)
def test_one_shape_alone_stands_in_the_middle_or_a_corner(step):
    for scene in scenes.drawn(4, 2, step):
        shapes = seen(scene.pixels())
        if len(shapes) == 1:
            (one,) = shapes
            off = [(start, SIDE - one["size"] - start) for start in one["square"]]
            if "middle" in scene.caption:
                assert all(abs(a - b) <= 2 * NEAR + 1 for a, b in off)
            else:
                assert all(min(edges) <= NEAR for edges in off)
            assert one["size"] not in (9, 12)  # between small, neither and large


@pytest.mark.parametrize(
    ("middle", "relation"),
    [
        ((8, 19), "left of"),
        ((8, 18), None),  # they touch
        ((19, 19), None),  # as far across as down
        ((15, 19), "left of"),
        ((16, 19), None),  # not clear enough
        ((19, 15), "above"),
        ((19, 16), None),
    ],
)
def test_a_relation_that_is_not_clear_is_none(middle, relation):
    first = scenes.Shape("square", "red", 12, 2, 2)
    second = scenes.Shape("square", "blue", 8, middle[0] - 4, middle[1] - 4)
    assert scenes.relation_of(first, second) == relation
    back = {"left of": "right of", "above": "below", None: None}[relation]
    assert scenes.relation_of(second, first) == back


def test_everything_is_drawn_about_as_often():
    drawn = scenes.drawn(2000, 0)
    two = [scene for scene in drawn if len(scene.shapes) == 2]
    assert len(two) / len(drawn) == pytest.approx(1 - scenes.ALONE, abs=0.03)
    for relation in scenes.RELATIONS:
        assert sum(relation in scene.caption for scene in two) / len(two) == pytest.approx(1 / 4, abs=0.05)
    for word in (*scenes.COLOURS, *scenes.SHAPES):
        share = sum(word in (scene.shapes[0].colour, scene.shapes[0].kind) for scene in drawn) / len(drawn)
        assert share == pytest.approx(1 / 6, abs=0.05)


def test_what_is_held_out_is_never_drawn_for_learning():
    learned, held = ({s.caption for s in scenes.drawn(1500, 0, held=held)} for held in (False, True))
    every = set(scenes.captions())
    assert learned | held <= every
    assert not learned & held
    assert len(held) > 400
    assert sum(map(scenes.is_held, every)) / len(every) == pytest.approx(0.1, abs=0.01)
    assert {word for caption in held for word in caption.split()} <= {
        word for caption in learned for word in caption.split()
    }


def test_every_caption_there_is_is_said_once():
    every = list(scenes.captions())
    assert len(every) == len(set(every)) == 36 * 4 * 36 + 3 * 36 * 5


@given(step=steps)
def test_the_same_numbers_draw_the_same_scenes(step):
    assert scenes.drawn(3, 5, step) == scenes.drawn(3, 5, step)
    others = [scenes.drawn(3, 5, step + 1), scenes.drawn(3, 6, step), scenes.drawn(3, 5, step, held=True)]
    assert all(scenes.drawn(3, 5, step) != other for other in others)


def test_a_picture_comes_back_from_its_signs():
    texts = set()
    for scene in scenes.drawn(50, 0):
        text = to_signs(scene.pixels(), PALETTE)
        assert torch.equal(from_signs(text, SIDE, PALETTE), scene.pixels())
        texts.add(text)
    assert len(texts) == 50
    assert set("".join(texts)) == set("0123456")


def test_the_kinds_of_every_size_are_told_apart():
    sizes = {*itertools.chain(*scenes.SIZES.values()), *scenes.LARGER, *scenes.SMALLER}
    for kind, size in itertools.product(scenes.SHAPES, sizes):
        mask = scenes.filled(kind, size)
        assert kind_of(mask) == kind
        assert mask.any(0).all()
        assert mask.any(1).all()
