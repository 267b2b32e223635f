"""Batches and objectives in a real browser: sentences are typed, a loss picked, dice thrown again."""

from playwright.sync_api import Page

from tests.serving import idle


def opened(page: Page, app: str, settings: str = "") -> Page:
    page.goto(f"{app}/train?train=batches&batches={settings}")
    page.wait_for_selector(".gb canvas")
    idle(page)
    return page


def test_own_sentences_become_a_batch_and_a_loss_is_picked_by_keys(visitor, app):
    page = opened(visitor(blank=True), app)
    box = page.get_by_role("textbox", name="The texts of the batch")
    box.fill("Once upon a time\nThe end")
    box.press("Enter")
    page.wait_for_selector("text=Mean loss of the 4 tokens that count")
    idle(page)
    cell = page.locator("[data-part=worked_arithmetic] code").first
    before = cell.inner_text()
    page.locator("[data-part=matrix-losses] canvas").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function(
        "t => document.querySelector('[data-part=worked_arithmetic] code').innerText !== t", arg=before
    )
    assert cell.inner_text().startswith("loss[1, ") and "row%3D1" in page.url


def test_the_dice_are_thrown_again(visitor, app):
    page = opened(visitor(blank=True), app, "about=masked")
    tokens = page.locator(".gb .lesson .part")
    before = tokens.all_inner_texts()
    page.get_by_role("button", name="Roll the dice again").click()
    page.wait_for_function(
        "t => [...document.querySelectorAll('.gb .lesson .part')].map((e) => e.innerText).join() !== t",
        arg=",".join(before),
    )
    assert len(tokens.all_inner_texts()) == len(before)
