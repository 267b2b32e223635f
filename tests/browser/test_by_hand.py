"""By hand in a browser: type, paste, drag, see every step follow, open the link, print."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WINDOW, watch
from tests.browser.reading import NAMELESS
from tests.browser.test_screens import WIDE
from tests.serving import TOURED, idle

BOTTOM = "e => e.getBoundingClientRect().bottom"


@pytest.fixture(scope="module")
def hand(browser, app):
    """hand(link) -> the page By hand, opened by a link; it has the clipboard."""
    context = browser.new_context(viewport=WINDOW, permissions=["clipboard-read", "clipboard-write"])
    context.add_init_script(TOURED)
    page, troubles = context.new_page(), []
    watch(page, app, troubles)

    def open(link: str) -> Page:
        page.goto(f"{app}/by-hand?{link}")
        expect(page.locator('[data-part^="given-"] input').first).to_be_visible(timeout=30_000)
        idle(page)
        return page

    yield open
    context.close()
    assert [
        one for one in troubles if "404" not in one
    ] == []  # Streamlit asks for files beside a page's address


def cells(page: Page, part: str) -> list[str]:
    all_of = page.locator(f'[data-part="{part}"] :is(.cell, td input)')
    return all_of.evaluate_all("all => all.map(n => n.tagName === 'INPUT' ? n.value : n.textContent)")


def field(page: Page, part: str, n: int):
    return page.locator(f'[data-part="{part}"] input').nth(n)


def result(page: Page, step: str, n: int = 0):
    return page.locator(f'[data-part="step-{step}"] .cell').nth(n)


def test_a_number_that_is_typed_changes_all_that_follows_and_stands_in_the_link(hand):
    page = hand("example=layernorm")
    field(page, "given-x", 0).fill("500")
    expect(result(page, "mu")).to_have_text("200")
    field(page, "given-x", 0).press("Enter")
    page.wait_for_url(re.compile("given=x"))
    again = hand(page.url.partition("?")[2])
    assert cells(again, "given-x") == ["500", "200", "100", "0"] and cells(again, "step-mu") == ["200"]


def test_arrow_keys_go_from_cell_to_cell(hand):
    page = hand("example=reza_lives")
    field(page, "given-Q", 0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(field(page, "given-Q", 4)).to_be_focused()
    page.keyboard.press("Tab")
    expect(field(page, "given-Q", 5)).to_be_focused()


def test_a_block_from_a_spreadsheet_is_pasted_and_the_grid_grows(hand):
    page = hand("example=general_attention")
    page.evaluate("navigator.clipboard.writeText('1\\t2\\t3\\t4\\r\\n5\\t6\\t7\\t8\\r\\n9\\t0\\t1\\t2\\r\\n')")
    field(page, "given-Q", 0).focus()
    page.keyboard.press("Control+v")
    expect(page.locator('[data-part="step-Y"] .cell')).to_have_count(12)
    assert cells(page, "given-Q") == ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "1", "2"]
    assert cells(page, "step-dots")[:3] == ["4", "12", "10"]


def test_a_huge_paste_is_a_sentence_and_changes_nothing(hand):
    page = hand("example=reza_lives")
    before = cells(page, "given-Q")
    page.evaluate("navigator.clipboard.writeText('1\\t2\\n'.repeat(250_000))")
    field(page, "given-Q", 0).focus()
    page.keyboard.press("Control+v")
    expect(page.locator('[data-part="given-Q"] [role=alert]')).to_contain_text("too large")
    assert cells(page, "given-Q") == before


def test_letters_stay_where_they_were_typed_with_a_sentence(hand):
    page = hand("example=layernorm")
    field(page, "given-x", 1).fill("abc")
    field(page, "given-x", 1).press("Enter")
    expect(page.locator('[data-part="given-x"] [role=alert]')).to_contain_text("“abc” is not a number")
    assert cells(page, "given-x") == ["100", "abc", "100", "0"] and cells(page, "step-mu") == ["100"]
    field(page, "given-x", 1).fill("4")
    expect(result(page, "mu")).to_have_text("51")


def test_rows_are_moved_by_keys_and_by_dragging(hand):
    page = hand("example=self_attention")
    names = page.locator('[data-part="given-X"] tbody th')
    page.get_by_role("button", name="Move row the").focus()
    page.keyboard.press("ArrowDown")
    expect(names.nth(1)).to_contain_text("the")
    idle(page)
    handle = page.get_by_role("button", name="Move row sat")
    box, to = handle.bounding_box(), names.nth(0).bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + 4, to["y"] + 4, steps=4)
    page.mouse.up()
    expect(names.nth(0)).to_contain_text("sat")
    rows = page.locator('[data-part="step-Y"] tbody th')
    expect(rows.nth(0)).to_have_text("sat")


def test_a_cell_shows_its_arithmetic(hand):
    page = hand("example=john_kicked_the")
    result(page, "A", 9).click()
    box = page.locator('[data-part="arithmetic-A"]')
    expect(box).to_contain_text("A[kicked, John]")
    expect(box.locator("math")).to_have_count(2)
    expect(page.locator('[data-part="step-A"]')).to_contain_text("it prints .356; it should be .269")


def test_a_guess_is_checked_and_the_result_revealed(hand):
    page = hand("example=reza_lives&predict=1")
    field(page, "step-QK", 0).fill("3")
    field(page, "step-QK", 0).press("Enter")
    expect(page.locator('[data-part="step-QK"] .mark.ok')).to_have_count(1)
    page.locator('[data-part="step-QK"]').get_by_role("button", name="Reveal").click()
    expect(result(page, "QK", 3)).to_have_text("6")


def test_a_telephone_needs_no_scrolling_to_the_side_and_every_control_has_a_name(hand):
    page = hand("example=john_kicked_the&cell=A.3.2")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(WIDE) == []
    assert page.evaluate(NAMELESS) == []
    page.set_viewport_size(WINDOW)


def test_on_paper_there_are_no_controls(hand):
    page = hand("example=reza_lives")
    page.emulate_media(media="print")
    assert page.locator(".sizes:visible, .handle:visible, .sheet-acts:visible").count() == 0
    expect(result(page, "Z", 0)).to_be_visible()
    overflow = "getComputedStyle(document.querySelector('[data-testid=stMain]')).overflowY"
    assert page.evaluate(overflow) == "visible"  # all pages are printed, not what is in sight
    assert page.evaluate("document.querySelector('[data-testid=stHeader]').offsetParent") is None
    page.emulate_media(media="screen")


def test_a_given_and_its_first_result_stand_on_the_first_screen(visitor, app):
    page = visitor(blank=True)
    page.set_viewport_size({"width": 1280, "height": 720})
    for example, given, step in (
        ("reza_lives", "V", "QK"),
        ("layernorm", "x", "mu"),
        ("john_kicked_the", "S", "masked"),
    ):
        page.goto(f"{app}/by-hand?example={example}")
        page.wait_for_selector(f"[data-part=step-{step}] .cell")
        idle(page)
        assert page.locator(f"[data-part=given-{given}] table").evaluate(BOTTOM) <= 720
        assert page.locator(f"[data-part=step-{step}] table").first.evaluate(BOTTOM) <= 720


def test_a_file_that_is_too_large_changes_nothing(visitor, app):
    page = visitor(blank=True)
    page.goto(f"{app}/by-hand?hand=own")
    page.get_by_role("button", name="Masked attention").click()
    page.wait_for_selector("[data-part=step-Z] .cell")
    idle(page)
    before = page.url
    file = {"name": "x.toml", "mimeType": "text/plain", "buffer": b"# " + b"x" * 2_000_000}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_text("too large for an example").wait_for()
    idle(page)
    assert page.url == before and page.locator("[data-part=step-Z] .cell").count()


def test_an_example_is_picked_from_a_list(visitor, app):
    page = visitor(blank=True)
    page.goto(f"{app}/by-hand")
    page.wait_for_selector("[data-part=step-Z] .cell")
    page.get_by_label("Topic", exact=True).select_option(label="Normalisation")
    page.wait_for_selector("[data-part=given-x]")
    page.wait_for_url(lambda url: "example=" in url)
    assert page.get_by_label("Topic", exact=True).input_value() == "normalisation"
