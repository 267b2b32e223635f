"""Writing in a real browser: it plays and stops, it branches, and its link opens the same text elsewhere."""

from playwright.sync_api import Page

from tests.serving import idle

PROMPT = "Once upon a time there was a little"


def opened(page: Page, app: str, link: str) -> Page:
    page.goto(f"{app}/decode?{link}")
    written(page)
    return page


def written(page: Page) -> list[str]:
    """The tokens of the text, when the page is at rest."""
    page.wait_for_selector(".gb .tok")
    idle(page)
    return page.locator(".gb .tok").all_inner_texts()


def test_write_stop_branch_and_open_the_link_elsewhere(visitor, app):
    page = opened(visitor(), app, f"part=text&seed=4&length=2&prompt={PROMPT.replace(' ', '+')}")
    before = written(page)
    page.get_by_role("button", name="Write on").click()
    page.wait_for_function("n => document.querySelectorAll('.gb .tok').length >= n", arg=len(before) + 3)
    page.get_by_role("button", name="Stop").click()
    stopped = written(page)
    page.wait_for_timeout(700)
    assert written(page) == stopped and stopped[: len(before)] == before
    page.get_by_role("button", name="One token less").click()
    page.wait_for_function("n => document.querySelectorAll('.gb .tok').length < n", arg=len(stopped))
    shorter = written(page)
    assert shorter == stopped[:-1]
    page.locator(".gb .tok").nth(len(before) - 1).click()
    other = page.locator(".gb .other:not([aria-pressed=true])").first
    label = other.locator("code").inner_text()
    other.click()
    page.wait_for_selector("[data-part=texts-kept] tbody tr:nth-child(2)")
    branch = written(page)
    assert branch[: len(before)] == [*before[:-1], label]
    elsewhere = visitor()
    elsewhere.goto(page.url)
    assert written(elsewhere) == branch
    page.locator("[data-part=texts-kept] button:has-text('Open')").first.click()
    page.wait_for_function(
        "t => document.querySelectorAll('.gb .tok')[t[0]].innerText !== t[1]", arg=[len(before) - 1, label]
    )
    assert written(page) == shorter


def test_the_tree_and_the_stages_are_told_by_the_keys(visitor, app):
    page = visitor()
    page.goto(f"{app}/decode?part=tree&depth=3&prompt=The+cat+sat")
    page.wait_for_selector("[data-part=tree] .gb[data-sig]")
    page.locator("[data-part=tree] canvas").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("[data-part=tree] .tip").inner_text()
    page.keyboard.press("ArrowRight")
    assert "−ln p" in first and page.locator("[data-part=tree] .tip").inner_text() != first
    page.goto(f"{app}/decode?top_k=3&prompt=The+cat+sat")
    page.wait_for_selector("[data-part=stages] .gb[data-sig]")
    page.locator("[data-part=stages] canvas").focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert "cut" in page.locator("[data-part=stages] .tip").inner_text()
