"""All heads in one picture, by mouse and by keys: read a weight, pick, open, take out, lines added up."""

from functools import cache
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Page

import engine
from app.edits import write
from engine import roles
from engine.trace import Edit
from tests.browser.reading import ready

PROMPT = "The cat sat on the mat because the cat was"
ROOT = "document.querySelector('[data-kind=all_heads] .gb')"
CANVAS = "[data-kind=all_heads] canvas"
# Where on the canvas a cell of a head is
PLACE = f"""([layer, head, row, col]) => {{
    const {{ plan, h }} = {ROOT}.__state;
    const x = plan.x(head) + plan.w * (col + 0.5) / h.cols.length;
    return [x, plan.y(layer) + plan.h * (row + 0.5) / h.rows.length];
}}"""
LINES = "document.querySelector('[data-kind=lines] .gb')"


@cache
def run() -> engine.Trace:
    return engine.run(engine.load(), PROMPT)


def open_heads(page: Page, app: str, **link) -> Page:
    page.goto(f"{app}/?{urlencode({'step': 'all_heads', 'prompt': PROMPT} | link, quote_via=quote)}")
    page.wait_for_function(f"() => {ROOT}?.dataset.sig")
    ready(page)
    return page


def at(page: Page, *cell: int) -> dict:
    x, y = page.evaluate(PLACE, list(cell))
    return {"position": {"x": x, "y": y}}


def name_at(page: Page, row: int) -> dict:
    """Where on the canvas of lines the name of a token that asks is."""
    place = f"row => {{ const plan = {LINES}.__state.plan; return [plan.left - 10, plan.y(row)]; }}"
    x, y = page.evaluate(place, row)
    return {"x": x, "y": y}


def hovered(page: Page) -> str:
    return page.evaluate(f"() => {ROOT}.dataset.hover")


@pytest.mark.parametrize("value", [7.25, -0.3])
def test_a_weight_that_is_no_share_is_read_as_it_is(page, app, value):
    open_heads(page, app, edits=write((Edit("blocks.1.attn.pattern", "set", {"H": 2}, value),)))
    page.locator(CANVAS).hover(**at(page, 1, 2, 6, 3))
    assert hovered(page).rsplit(" ", 1)[1].replace("−", "-") == str(value)


@pytest.mark.parametrize("cell", [(0, 0, 4, 2), (3, 5, 9, 0), (5, 2, 9, 9)])
def test_the_weight_under_the_pointer_is_the_engines(page, app, cell):
    open_heads(page, app)
    page.locator(CANVAS).hover(**at(page, *cell))
    layer, head, row, col = cell
    weight = float(run()[f"blocks.{layer}.attn.pattern"][0, head, row, col])
    told = hovered(page)
    assert told.startswith(f"head {layer}.{head}") and float(told.rsplit(" ", 1)[1]) == float(f"{weight:.3g}")
    assert page.locator("[data-kind=all_heads] .tip").inner_text() == told


def test_a_masked_pair_is_said_to_be_masked(page, app):
    open_heads(page, app)
    page.locator(CANVAS).hover(**at(page, 1, 1, 2, 7))
    assert hovered(page).endswith("masked")


def test_a_click_picks_the_head_everywhere_and_a_double_click_opens_it(page, app):
    open_heads(page, app)
    page.locator(CANVAS).click(**at(page, 2, 4, 5, 1))
    page.wait_for_url("**layer=2**head=4**")
    page.get_by_text("Block 2, head 4").first.wait_for()
    page.locator(CANVAS).dblclick(**at(page, 4, 3, 6, 2))
    parts = ("step=softmax", "layer=4", "head=3", "token=6", "key=2")
    page.wait_for_url(lambda url: all(part in url for part in parts))
    page.go_back()
    page.wait_for_function(f"() => {ROOT}?.dataset.sig")


def test_keys_alone_find_a_head_pick_it_take_it_out_and_open_it(page, app):
    open_heads(page, app)
    page.locator(CANVAS).focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    scores = {role: float(x[1, 1]) for role, x in roles.of_run(run()).items()}
    name = roles.named(scores)
    assert hovered(page).startswith("head 1.1") and hovered(page).endswith("its largest")
    assert not name or f"{scores[name]:.2f}" in hovered(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**layer=1**head=1**")
    ready(page)
    page.keyboard.press("Delete")
    page.wait_for_url("**edits=zero**H1**")
    page.wait_for_function(f"() => {ROOT}.__state.h.off.length === 1")
    page.keyboard.press("Delete")
    page.wait_for_url(lambda url: "edits" not in url)
    ready(page)
    page.locator(CANVAS).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**step=softmax**")


def test_lines_say_what_several_tokens_look_at_together(page, app):
    open_heads(page, app, lines=1, layer=2, head=3)
    page.wait_for_function(f"() => {LINES}?.dataset.sig")
    canvas = page.locator("[data-kind=lines] canvas")
    canvas.click(position=name_at(page, 5))
    page.wait_for_url("**token=5**")
    ready(page)
    canvas.click(position=name_at(page, 8), modifiers=["Shift"])
    page.mouse.move(0, 0)
    pattern = run()["blocks.2.attn.pattern"][0, 3]
    together = pattern[5] + pattern[8]
    said = page.locator("[data-kind=lines] .note").inner_text()
    assert "together look" in said and f"{float(together.max()):.4g}" in said


def test_the_picture_has_a_name_a_table_and_a_file(page, app):
    open_heads(page, app)
    assert "6 rows of 6" in page.locator(CANVAS).get_attribute("aria-label")
    part = page.locator("[data-kind=all_heads]")
    part.get_by_role("button", name="table").click()
    assert part.locator("tbody tr").count() == 36
    with page.expect_download() as saved:
        part.get_by_role("button", name="CSV").click()
    assert saved.value.suggested_filename.endswith(".csv")


def test_the_self_check_comes_when_the_visitor_stays(page, app):
    open_heads(page, app, prompt="A prompt whose heads are checked at rest")
    page.wait_for_selector("[data-kind=all_heads] .light.ok")
