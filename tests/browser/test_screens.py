"""Other eyes: dark paper, a telephone, and people who want nothing to move."""

import pytest

from app.architecture import STEPS
from tests.browser.reading import arrived, colours, on_map, picture

POINT = "blocks.0.attn.dots"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
GREEN = """canvas => {
    const rgba = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const greens = rgba.filter((_, i) => i % 4 === 1 && rgba[i + 2] > 200);
    return greens.reduce((a, b) => a + b) / greens.length;
}"""
WIDE = """() => ['html', '[data-testid=stMain]', '[data-testid=stMainBlockContainer]']
    .filter(name => { const e = document.querySelector(name); return e.scrollWidth > e.clientWidth + 1; })"""
MOVING = """() => [...document.querySelectorAll('.gb *')].map(e => getComputedStyle(e))
    .filter(s => parseFloat(s.transitionDuration) > 0 || s.animationName !== 'none').length"""


def brightness(page) -> float:
    """The mean green of the drawn parts of a picture."""
    return picture(page, POINT).query_selector("canvas").evaluate(GREEN)


def test_on_dark_paper_everything_is_drawn_in_its_own_colours(visitor):
    light, dark = (visitor({"color_scheme": scheme}, step="scores") for scheme in ("light", "dark"))
    assert all(count > 2 for count in colours(dark))
    assert brightness(light) - brightness(dark) > 50


@pytest.fixture(scope="module")
def phone(lodger):
    return lodger(PHONE)


@pytest.mark.parametrize("number", range(len(STEPS)), ids=STEPS)
def test_a_telephone_needs_no_scrolling_to_the_side(phone, number):
    on_map(phone, number).evaluate("button => button.click()")
    arrived(phone, number)
    assert phone.evaluate(WIDE) == []
    assert all(count > 2 for count in colours(phone))


def test_nothing_moves_for_those_who_ask_for_it(visitor):
    assert visitor({"reduced_motion": "no-preference"}, step="heads").evaluate(MOVING) > 0
    assert visitor({"reduced_motion": "reduce"}, step="heads").evaluate(MOVING) == 0
