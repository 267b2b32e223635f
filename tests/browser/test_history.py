"""The browser's own buttons: Back and Forward go from place to place, reload and a copied address keep it."""

import re
from urllib.parse import unquote_plus

import pytest

from app.architecture import STEPS
from tests.browser.reading import arrived, go, on_map, ready

BOX = "document.querySelector('[data-part=prompt] textarea')"


def box(page):
    return page.get_by_label("Prompt", exact=True)


def run(page, text: str) -> None:
    box(page).fill(text)
    box(page).press("Enter")
    page.wait_for_function("text => new URL(location).searchParams.get('prompt') === text", arg=text)
    ready(page)


def press(page, number: int) -> None:
    on_map(page, number).click()
    arrived(page, number)
    page.wait_for_function("name => location.search.includes('step=' + name)", arg=STEPS[number])


def nav(page, name: str) -> None:
    page.get_by_role("link", name=name).click()


def test_back_and_forward_go_from_step_to_step_and_prompt_to_prompt(page, app):
    go(page, app)
    press(page, 4)
    page.locator(".choice.layer[data-i='2']").click()  # picked there, no place of its own
    page.wait_for_url("**layer=2**")
    run(page, "one two three")
    press(page, 6)
    page.go_back()
    arrived(page, 4)
    assert box(page).input_value() == "one two three"
    page.go_back()
    page.wait_for_function(f"() => {BOX}.value.startsWith('The animal')")
    arrived(page, 4)
    assert page.locator(".choice.layer[aria-checked=true]").inner_text() == "2"
    page.go_back()
    arrived(page, 0)
    for number in (4, 4, 6):
        page.go_forward()
        arrived(page, number)
    assert box(page).input_value() == "one two three"


def test_back_and_forward_cross_pages(page, app):
    go(page, app, step="scores", layer=1)
    nav(page, "Families")
    page.wait_for_selector("[data-part=translators]")
    page.wait_for_url("**/families?**")
    ready(page)
    nav(page, "The models")
    page.wait_for_url("**/model?**")
    page.go_back()
    page.wait_for_selector("[data-part=translators]")
    page.go_back()
    arrived(page, 4)
    assert "layer=1" in page.url and "/families" not in page.url
    page.go_forward()
    page.wait_for_selector("[data-part=translators]")
    page.locator("[data-part^=button-walk-] button").nth(1).click()
    page.wait_for_url("**/?**model=**")
    ready(page)
    page.go_back()
    page.wait_for_url("**/families?**")
    page.wait_for_selector("[data-part=translators]")
    assert "model=" not in page.url


def test_back_and_forward_go_from_part_to_part_of_train_and_from_view_to_view(page, app):
    def choose(name: str) -> None:
        page.get_by_role("radio", name=name, exact=True).click()

    def shown(text: str) -> None:
        page.wait_for_function("text => decodeURIComponent(location.search).includes(text)", arg=text)

    page.goto(f"{app}/train?train=backprop")
    choose("By modules")
    page.wait_for_selector("[data-part=button-descend-1]")
    shown("show=modules")
    page.locator("[data-part=button-descend-1] button").click()  # done there, no place of its own
    shown("taken=0.1x1")
    choose("Batches and objectives")
    shown("train=batches")
    page.wait_for_selector("[data-part=sentences]")
    choose("Next token")
    shown("about=next")
    page.wait_for_selector("[data-part=plot-losses]")
    page.go_back()
    page.wait_for_selector("[data-part=sentences]")
    page.go_back()
    page.wait_for_selector("[data-part=button-descend-1]")
    shown("taken=0.1x1")
    page.go_back()
    page.wait_for_selector("[data-part='control-backprop.version']")
    assert "show" not in page.url
    page.evaluate("() => history.go(3)")
    page.wait_for_selector("[data-part=plot-losses]")
    shown("about=next")


def test_back_and_forward_go_from_part_to_part_of_other_pages(page, app):
    waves = ("by-hand", "Waves", "Positions as waves")
    for address, part, title in (waves, ("tokenizers", "Stages", "From text to ids, stage by stage")):
        page.goto(f"{app}/{address}")
        shown = page.get_by_role("heading", name=title)
        page.get_by_role("radio", name=part, exact=True).click()
        shown.wait_for()
        page.go_back()
        shown.wait_for(state="detached")
        page.go_forward()
        shown.wait_for()


def test_a_run_that_was_under_way_when_one_went_back_does_not_write_its_address(page, app):
    go(page, app, step="scores")
    press(page, 6)
    page.go_back()
    arrived(page, 4)
    entries = page.evaluate("history.length")
    for stale in ("/families?model=bookworm", "/?step=softmax"):
        page.evaluate("address => history.pushState({}, '', address)", stale)
    assert page.url.endswith("/?step=scores") and page.evaluate("history.length") == entries
    press(page, 7)
    page.go_back()
    arrived(page, 4)


def test_two_presses_of_back_at_once(page, app):
    go(page, app)
    for number in (2, 5, 9):
        press(page, number)
    page.evaluate("() => { history.back(); history.back(); }")
    arrived(page, 2)
    page.evaluate("() => history.go(2)")
    arrived(page, 9)


def test_two_quick_clicks_are_both_done(page, app):
    go(page, app, step="softmax")
    page.evaluate(
        """() => {
            document.querySelector(".choice.layer[data-i='3']").click();
            setTimeout(() => document.querySelector(".choice.head[data-i='2']").click(), 60);
            setTimeout(() => document.querySelector(".choice.token[data-i='4']").click(), 120);
        }"""
    )
    page.wait_for_function("() => ['layer=3', 'head=2', 'token=4'].every(s => location.search.includes(s))")


@pytest.mark.parametrize("again", ["reload", "copy"])
def test_reload_and_a_copied_address_give_the_same_view(page, app, visitor, again):
    go(page, app)
    run(page, "Où est le café ? 🙂 & + %")
    press(page, 6)
    before = page.locator("[data-part^=step-]").inner_text()
    if again == "reload":
        page.reload()
        ready(page)
        other = page
    else:
        other = visitor(blank=True)
        other.goto(page.url)
        ready(other)
    arrived(other, 6)
    assert box(other).input_value() == "Où est le café ? 🙂 & + %"
    assert other.locator("[data-part^=step-]").inner_text() == before


def test_what_no_address_can_hold_is_said_and_kept(page, app):
    """The address stays short enough for every server; Back finds the text in the same session."""
    text = "é" * 6000
    go(page, app, step="scores")
    box(page).fill(text)
    box(page).press("Enter")
    page.wait_for_url("**cut=prompt**")
    ready(page)
    assert len(page.url) < 9000
    assert "cannot hold the prompt" in page.locator("[data-kind=notice]").first.inner_text()
    run(page, "short")
    page.go_back()
    page.wait_for_function(f"() => {BOX}.value.length === 6000")
    assert page.reload().status == 200
    ready(page)
    assert re.search("prompt.*too long", page.locator("[data-kind=notice]").first.inner_text())
    assert "é" * 100 not in unquote_plus(page.url)
