"""The model beside the prompt, by hand: open the list, search, choose; and the card behind a name."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reading import arrived, picture
from tests.serving import idle

PROMPT = "the cat sat on the mat"
OPTIONS = "[role=listbox] [role=option]"


@pytest.fixture
def walk(visitor) -> Page:
    return visitor(step="scores", prompt=PROMPT)


def now(page: Page):
    return page.locator(".now-model")


def at(page: Page) -> str:
    """The option that a screen reader is told of."""
    field = page.get_by_role("combobox", name="Search a model")
    return page.locator(f"#{field.get_attribute('aria-activedescendant')} b").inner_text()


def test_a_model_is_found_and_chosen_by_the_keyboard_alone(walk):
    now(walk).focus()
    walk.keyboard.press("ArrowDown")
    assert at(walk) == "storybook"
    expect(walk.locator("[role=option][aria-selected=true] b")).to_have_text("storybook")
    assert now(walk).get_attribute("aria-expanded") == "true"
    walk.keyboard.press("ArrowDown")
    assert at(walk) == "bookworm"
    walk.keyboard.type("TINY decoder")
    expect(walk.locator(OPTIONS)).to_have_count(1)
    assert at(walk) == "tiny-gpt2"
    walk.keyboard.press("Enter")
    walk.wait_for_url("**model=tiny-gpt2**")
    arrived(walk, 4)
    expect(now(walk)).to_have_text("tiny-gpt2 · decoder")
    assert walk.evaluate("document.activeElement.className") == "now-model"
    dots = picture(walk, "blocks.0.attn.dots")
    assert "· tiny-gpt2" in dots.inner_text() and "✓" in dots.inner_text()
    assert "prompt=the+cat" in walk.url
    walk.keyboard.press("ArrowRight")
    arrived(walk, 5)


def test_a_model_is_chosen_by_the_mouse(walk):
    now(walk).click()
    walk.locator(OPTIONS).filter(has_text="bookworm").click()
    walk.wait_for_url("**model=bookworm**")
    arrived(walk, 4)
    expect(now(walk)).to_have_text("bookworm · decoder")
    expect(walk.get_by_role("listbox")).to_be_hidden()


def test_escape_a_click_elsewhere_and_tab_close_it(walk):
    for close in (
        lambda: walk.keyboard.press("Escape"),
        lambda: walk.mouse.click(20, 600),
        lambda: walk.keyboard.press("Tab"),
    ):
        now(walk).click()
        expect(walk.get_by_role("listbox")).to_be_visible()
        close()
        expect(walk.get_by_role("listbox")).to_be_hidden()
    assert "model=" not in walk.url


def test_what_cannot_be_read_is_there_with_the_reason_and_stays(walk):
    now(walk).click()
    walk.keyboard.type("pickled")
    option = walk.locator(OPTIONS)
    expect(option).to_have_attribute("aria-disabled", "true")
    expect(option).to_contain_text("Only safetensors files are read")
    option.click(force=True)
    walk.keyboard.press("Enter")
    expect(walk.get_by_role("listbox")).to_be_visible()
    walk.keyboard.type("zzz")
    expect(walk.get_by_text("No model has that in its name")).to_be_visible()
    walk.keyboard.press("Escape")
    assert "model=" not in walk.url


def test_the_name_under_a_picture_opens_the_card(walk):
    walk.locator(".badge button").first.click()
    expect(walk.get_by_role("heading", name="storybook")).to_be_visible()
    idle(walk)
    assert "/model?" in walk.url
    walk.go_back()
    arrived(walk, 4)


def test_the_list_fits_on_a_narrow_screen(visitor):
    page = visitor({"viewport": {"width": 390, "height": 844}}, step="scores")
    now(page).click()
    box = page.locator(".pop").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
