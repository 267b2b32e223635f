"""The page of the models, by hand: look, pick another one, walk through it."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reading import arrived, picture
from tests.serving import idle


@pytest.fixture
def models(visitor) -> Page:
    page = visitor(step="scores")
    page.get_by_role("link", name="The models").click()
    expect(page.get_by_role("heading", name="storybook")).to_be_visible()
    idle(page)
    return page


def test_its_curves_are_drawn(models):
    expect(models.locator("[data-part=plot-learning] .gb[data-sig] .scatterlayer .trace")).to_have_count(4)


def test_a_moment_is_picked_by_the_keyboard_and_walked_through(models):
    models.get_by_role("slider").focus()
    models.keyboard.press("Home")
    models.wait_for_url("**model=storybook%400**")
    idle(models)
    models.get_by_role("button", name="Walk through it").click()
    arrived(models, 4)
    assert "· storybook@0" in picture(models, "blocks.0.attn.dots").inner_text()


def test_another_model_is_picked_and_walked_through(models):
    models.get_by_role("radio", name="bookworm").click()
    expect(models.get_by_role("heading", name="bookworm")).to_be_visible()
    idle(models)
    models.get_by_role("button", name="Walk through it").click()
    arrived(models, 4)
    assert "· bookworm" in picture(models, "blocks.0.attn.dots").inner_text()
