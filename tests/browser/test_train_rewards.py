"""Learning from rewards in a browser: texts put in order by hand, and a model that learns while one watches."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.serving import idle

TEXTS = '[data-part="ranking"] .of'


@pytest.fixture
def rewards(visitor, app):
    """rewards(settings) -> the part Rewards, opened by a link."""
    page = visitor(blank=True)

    def open(settings: str) -> Page:
        page.goto(f"{app}/train?train=rewards&rewards={settings}")
        expect(page.locator('[data-part^="rewards-"]').first).to_be_visible(timeout=30_000)
        idle(page)
        return page

    return open


def order(page: Page) -> list[str]:
    return page.locator(TEXTS).all_inner_texts()


def test_texts_are_dragged_into_order_and_the_ranking_stands_in_the_link(rewards):
    page = rewards("step=judge")
    a, b, c, d = order(page)
    handles = page.locator('[data-part="ranking"] .handle')
    start, end = (handles.nth(i).bounding_box() for i in (3, 0))
    page.mouse.move(start["x"] + 5, start["y"] + 5)
    page.mouse.down()
    page.mouse.move(end["x"] + 5, end["y"] + 5, steps=4)
    page.mouse.up()
    expect(page.locator(TEXTS).first).to_have_text(d)
    assert order(page) == [d, a, b, c]
    handles.nth(1).focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(TEXTS).nth(1)).to_have_text(b)
    assert order(page) == [d, b, a, c]
    page.locator('[data-part="ranking"] li').nth(3).get_by_role("button", name="up:").click()
    assert order(page) == [d, b, c, a]
    idle(page)
    page.get_by_role("button", name="This is my ranking").click()
    page.wait_for_url(re.compile("ranked%3D3120"))
    expect(page.get_by_text("Check it by hand")).to_be_visible()


def test_a_model_learns_from_demonstrations_while_one_watches(rewards):
    page = rewards("passes=1")
    expect(page.get_by_text("not yet")).to_be_visible()
    page.get_by_role("button", name="Fine-tune a copy").click()
    expect(page.locator('[data-part="plot-examples"]')).to_be_visible(timeout=150_000)
    expect(page.get_by_text("Done.")).to_be_visible(timeout=150_000)
    expect(page.get_by_text("not yet")).to_have_count(0)
