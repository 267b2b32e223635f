"""The walk in a real browser: all twelve steps by key and by button, every picture drawn, everything named."""

import pytest

from app.architecture import GLANCE, STEPS
from tests.browser.reading import arrived, colours, go, step, walk

WITHOUT = {"tokens", "next"}  # the steps without a canvas


@pytest.fixture(scope="module")
def walked(page, app):
    """What was on the page at each step, on the way there by the right arrow key."""
    go(page, app)
    box = page.get_by_label("Prompt", exact=True)
    box.fill("Lily saw a big red ball <b>and</b> ran")
    box.press("Enter")
    page.wait_for_url("**Lily**")
    box.blur()
    return walk(page)


def test_every_canvas_is_drawn(walked):
    for name, seen in zip(STEPS, walked, strict=True):
        assert all(count > 2 for count in seen["colours"]), name
        assert bool(seen["colours"]) == (name not in WITHOUT)


def test_no_step_shows_an_error(walked):
    assert [seen["errors"] for seen in walked] == [0] * 12


def test_the_link_says_the_step(walked):
    assert all(f"step={name}" in seen["link"] for name, seen in zip(STEPS, walked, strict=True))


def test_every_light_is_green(walked):
    lights = [light for seen in walked for light in seen["lights"]]
    assert len(lights) > 20
    assert all(light.startswith("✓") for light in lights)


def test_every_control_has_a_name_and_every_picture_a_label(walked):
    assert [seen["nameless"] for seen in walked] == [[]] * 12
    assert [seen["unlabelled"] for seen in walked] == [0] * 12


def test_the_way_back_by_the_button(walked, page):
    back = page.get_by_role("button", name="Step back")
    for number in range(10, -1, -1):
        back.click()
        arrived(page, number)
        assert all(count > 2 for count in colours(page))
    for at in reversed(range(len(GLANCE))):
        back.click()
        page.wait_for_selector(f"[data-at='{at}']")
    assert back.is_disabled()
    for _ in GLANCE:
        page.keyboard.press("ArrowRight")
    arrived(page, 0)


def test_a_typing_hand_does_not_step(walked, page):
    box = page.get_by_label("Prompt", exact=True)
    box.focus()
    for key in ("ArrowRight", "ArrowLeft", "p", "ArrowRight"):
        page.keyboard.press(key)
    page.wait_for_timeout(200)
    assert step(page) == 0
