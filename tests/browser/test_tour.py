"""A tour of the page: it comes on the first visit, can be left at any stop, and comes again when asked for."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WINDOW, watch
from tests.browser.reading import ready

CARD = ".tour"
STOPS = ("prompt", "machine", "head", "arithmetic", "what-if")
INSIDE = """card => {
    const { left, top, right, bottom } = card.getBoundingClientRect();
    return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
}"""


@pytest.fixture(scope="module")
def first(app, browser):
    """first(address, window) -> the page of a visitor whose browser has never been here."""
    contexts, troubles = [], []

    def open(address: str = "/", window: dict = WINDOW) -> Page:
        contexts.append(browser.new_context(viewport=window))
        page = contexts[-1].new_page()
        watch(page, app, troubles)
        page.goto(app + address)
        ready(page)
        return page

    yield open
    for context in contexts:
        context.close()
    assert not troubles


@pytest.mark.parametrize("window", [WINDOW, {"width": 390, "height": 844}], ids=["laptop", "telephone"])
def test_it_goes_through_its_stops_in_sight_and_never_comes_again(first, window):
    page = first(window=window)
    for stop in STOPS:
        page.wait_for_selector(f"[data-stop={stop}]")
        assert page.locator(CARD).evaluate(INSIDE) and page.locator(".tour-ring").is_visible()
        page.locator(f"{CARD} .run").click()
    expect(page.locator(CARD)).to_have_count(0)
    page.reload()
    ready(page)
    page.wait_for_timeout(500)
    expect(page.locator(CARD)).to_have_count(0)


def test_it_is_skipped_and_taken_again_by_the_keyboard_alone(first):
    page = first()
    page.get_by_role("button", name="Skip").click()
    expect(page.locator(CARD)).to_have_count(0)
    page.get_by_role("button", name="Take the tour").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-stop=prompt]")
    page.keyboard.press("Enter")  # on "Next", which has the focus
    page.wait_for_selector("[data-stop=machine]")
    page.keyboard.press("Escape")
    expect(page.locator(CARD)).to_have_count(0)


@pytest.mark.parametrize("address", ["/?step=scores", "/?prompt=one+two"])
def test_who_comes_by_a_link_is_shown_what_it_is_for(first, address):
    page = first(address)
    page.wait_for_timeout(500)
    expect(page.locator(CARD)).to_have_count(0)
