"""A what-if in a real browser: set on one step, seen on another, opened by its link elsewhere, taken back."""

import pytest

import engine
from app.state import PROMPT
from tests.app.visit import model
from tests.browser.reading import boxes, go, on_map, ready

HEAD = engine.Edit("blocks.2.attn.z", "zero", {"H": 3})
OUTCOME = "[data-part^=text]:has-text('bits apart')"


def labels(page) -> list[str]:
    return [text.removesuffix(" ✕") for text in page.locator("[data-part=edits] .edit").all_inner_texts()]


def test_a_head_taken_out_is_out_on_every_step_in_its_link_and_back_by_its_cross(page, visitor, app):
    go(page, app, step="heads", layer=2, head=3)
    page.get_by_role("radio", name="taken out").click()
    page.wait_for_url("**edits=**")
    ready(page)
    on_map(page, 11).click()
    page.wait_for_url("**step=next**")
    ready(page)
    assert labels(page) == ["block 2: head 3 taken out"]
    said, changed = page.locator(OUTCOME).inner_text(), engine.run(model(), PROMPT, [HEAD])
    share = changed["logits"][0, -1].softmax(-1).max()
    assert f"{share:.1%}" in said
    ((point, cell), shown), *_ = boxes(page).items()
    assert shown == pytest.approx(float(changed[point][(0, *cell)]), rel=1e-4)
    other = visitor(blank=True)
    other.goto(page.url)
    ready(other)
    assert labels(other) == labels(page) and other.locator(OUTCOME).inner_text() == said
    other.locator("[data-part=edits] .edit").click()
    other.wait_for_selector("[data-part=edits]", state="detached")
    other.wait_for_url(lambda url: "edits" not in url)
    assert labels(page)


def test_a_number_typed_in_its_box_is_the_cells(page, app):
    go(page, app, step="scores", layer=1, head=0, token=5, key=2)
    page.locator(".hand > summary").nth(1).click()
    field = page.locator(".hand .set input").nth(1)
    field.fill("9.5")
    field.press("Enter")
    page.wait_for_url("**edits=set**")
    ready(page)
    assert boxes(page)["blocks.1.attn.scores", (0, 5, 2)] == 9.5


def test_two_choices_within_a_moment_are_both_made(page, app):
    go(page, app, step="softmax")
    both = "['layer', 'head'].forEach(c => document.querySelectorAll(`.choice.${c}`)[3].click())"
    page.evaluate(f"() => {both}")
    page.wait_for_url("**head=3**")
    assert "layer=3" in page.url


def test_what_is_typed_stays_while_the_page_changes(page, app):
    go(page, app, step="next")
    field = page.get_by_label("Top-k: keep the k best (0 = all)")
    field.fill("-5")
    field.press("Enter")
    assert field.input_value() == "0"
    field.fill("7")
    field.press("Enter")
    field.press_sequentially("3", delay=30)
    page.wait_for_url("**top_k=7**")
    ready(page)
    assert field.input_value() == "73"


def test_a_clicker_steps_whatever_was_clicked(page, app):
    go(page, app, step="scores")
    page.get_by_role("switch").click()
    page.wait_for_url("**edits=**")
    for key, step in (("PageDown", "mask"), ("PageDown", "softmax"), ("PageUp", "mask")):
        page.keyboard.press(key)
        page.wait_for_url(f"**step={step}**")
        ready(page)


def test_a_number_too_large_to_be_set_is_refused_in_words(page, app):
    go(page, app, step="embeddings")
    field = page.locator(".hand[open] .set input").first
    field.fill("1e38")
    field.press("Enter")
    said = page.locator(".set .wrong").first
    assert "1,000,000,000" in said.inner_text() and "edits=" not in page.url
    field.fill("2")
    field.press("Enter")
    page.wait_for_url("**edits=**")
