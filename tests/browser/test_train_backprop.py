"""Backpropagation in a browser: step, play, type, descend, find a bug; light, dark and narrow."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WINDOW, watch
from tests.serving import TOURED, idle


@pytest.fixture(scope="module")
def train(browser, app):
    """train(settings, options) -> the page Train, opened by a link."""
    contexts, troubles = [], []

    def open(settings: str = "", **options) -> Page:
        context = browser.new_context(**{"viewport": WINDOW} | options)
        contexts.append(context)
        context.add_init_script(TOURED)
        page = context.new_page()
        watch(page, app, troubles)
        page.goto(f"{app}/train?backprop={settings}")
        expect(page.locator('[data-part="control-backprop.show"]')).to_be_visible(timeout=30_000)
        idle(page)
        return page

    yield open
    for context in contexts:
        context.close()
    assert [one for one in troubles if "404" not in one] == []


def part(page: Page, key: str):
    return page.locator(f'[data-part="{key}"]')


def test_the_keyboard_goes_from_box_to_box_and_reads_its_numbers(train):
    page = train()
    picture = part(page, "graph").locator("canvas")
    picture.focus()
    page.keyboard.press("ArrowRight")
    tip = part(page, "graph").locator(".tip")
    expect(tip).to_contain_text("u₂ = sin(u₁)")
    page.keyboard.press("ArrowLeft")
    expect(tip).to_contain_text("gradient: not yet")
    part(page, "graph").get_by_role("button", name="Show the numbers as a table").click()
    expect(part(page, "graph").locator("table")).to_contain_text("not yet")


def test_it_plays_to_the_end_and_a_step_stands_in_the_link(train):
    page = train("at=9")
    expect(part(page, "graph").locator(".note")).to_contain_text("5 of 6")
    part(page, "graph").get_by_role("button", name="Play").click()
    expect(part(page, "graph").locator(".note")).to_contain_text("6 of 6", timeout=10_000)
    page.wait_for_url(re.compile("at%3D10"))
    expect(part(page, "graph").get_by_role("button", name="Play")).to_be_visible(timeout=5_000)


def test_by_a_click_the_loss_falls_and_what_is_no_rate_is_told_and_stays(train):
    page = train("show=modules")
    said = part(page, "descent")
    expect(said).to_contain_text("No step has been taken")
    part(page, "button-descend-1").get_by_role("button").click()
    expect(said).to_contain_text(re.compile(r"The loss went from 0\.7998 to 0\.7\d+ in 1 step"), timeout=20_000)
    rate = part(page, "control-backprop.rate").locator("input")
    rate.fill("1000000000")
    rate.press("Enter")
    expect(said).to_contain_text("at most 100")
    expect(rate).to_have_value("1000000000")


def test_a_bug_is_found_by_a_click_on_its_line(train):
    page = train("show=ways,bug=1")
    expect(part(page, "light-beside").locator(".light.off")).to_be_visible()
    part(page, "listing").get_by_role("button", name=re.compile("g_a = g_z")).click()
    expect(page.get_by_text("The right line is")).to_be_visible()
    expect(part(page, "listing").locator(".mark.ok")).to_be_visible()


@pytest.mark.parametrize("show", ["scalar", "modules", "ways"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window_and_numbers_are_on_the_first_screen(train, show, width):
    page = train(f"show={show}", viewport={"width": width, "height": 720}, color_scheme="dark")
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    top = part(page, "listing" if show == "ways" else "graph").evaluate("e => e.getBoundingClientRect().top")
    assert top < (400 if width == 1280 else 640)
