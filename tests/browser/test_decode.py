"""Writing in a real browser: it plays and stops, it branches, and its link opens the same text elsewhere."""

from playwright.sync_api import Page

from tests.serving import idle

PROMPT = "Once upon a time there was a little"


STREAM = f"part=text&seed=4&temperature=1.5&length=2&prompt={PROMPT.replace(' ', '+')}"


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
    page = opened(visitor(blank=True), app, f"part=text&seed=4&length=2&prompt={PROMPT.replace(' ', '+')}")
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
    elsewhere = visitor(blank=True)
    elsewhere.goto(page.url)
    assert written(elsewhere) == branch
    page.locator("[data-part=texts-kept] button:has-text('Open')").first.click()
    page.wait_for_function(
        "t => document.querySelectorAll('.gb .tok')[t[0]].innerText !== t[1]", arg=[len(before) - 1, label]
    )
    assert written(page) == shorter


def test_visitors_who_open_a_text_at_the_same_moment_all_get_it(visitor, app):
    pages = [visitor(blank=True) for _ in range(3)]
    for n, page in enumerate(pages):
        page.goto(
            f"{app}/decode?part=text&seed={n}&length=6&prompt={PROMPT.replace(' ', '+')}", wait_until="commit"
        )
    assert all(len(written(page)) > 6 for page in pages)


def frames(page: Page, sent: list) -> None:
    """Note every message that this page sends to the server from now on."""
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))


def test_it_stops_within_a_moment_and_with_the_tab(visitor, app):
    page, sent = visitor(blank=True), []
    frames(page, sent)
    opened(page, app, STREAM)
    before = len(written(page))
    page.get_by_role("button", name="Write on").click()
    page.wait_for_function("n => document.querySelectorAll('.gb .tok').length >= n", arg=before + 3)
    page.get_by_role("button", name="Stop").click()
    count = len(sent)
    page.wait_for_timeout(800)
    assert len(sent) == count
    page.get_by_role("button", name="Write on").click()
    page.wait_for_function("n => document.querySelectorAll('.gb .tok').length >= n", arg=before + 6)
    page.close()
    count = len(sent)
    visitor(blank=True).wait_for_timeout(500)
    assert len(sent) == count


def test_the_best_in_a_tokens_place_are_told_by_hover_and_by_the_keys(visitor, app):
    page = opened(visitor(blank=True), app, "part=text&seed=4&length=4&prompt=The+cat+sat")
    tip, token = page.locator("[data-part=writing] .tip"), page.locator(".gb .tok").nth(2)
    token.hover()
    told = tip.inner_text().split("\n")
    assert len(told) == 11 and "bits" in told[0] and all("%" in line for line in told[1:])
    best = page.locator(".gb .other code").all_inner_texts()
    token.click()
    page.mouse.move(0, 0)
    assert page.locator(".gb .other code").all_inner_texts() != best
    assert [line.split()[-2] for line in told[1:]] == page.locator(".gb .other code").all_inner_texts()
    page.keyboard.press("ArrowRight")
    assert tip.is_visible() and tip.inner_text().split("\n")[0] != told[0]


def test_the_cache_is_looked_at_pass_by_pass_and_the_text_stays(visitor, app):
    page = opened(visitor(blank=True), app, "part=text&method=greedy&length=7&prompt=The+cat+sat")
    before = written(page)
    page.get_by_role("radio", name="Key–value cache").click()
    page.wait_for_selector("[data-part=matrix-k] .gb[data-sig]")
    idle(page)
    page.locator("[data-part=control-pass] input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('[data-part=changing]')?.innerText.includes('Pass 2')")
    idle(page)
    assert "let go" in page.locator("[data-part=matrix-q] .key").inner_text()
    assert "again" in page.locator("[data-part=matrix-read] .key").inner_text()
    assert "at_pass=2" in page.url and "length=7" in page.url
    page.get_by_role("radio", name="Writing").click()
    assert written(page) == before


def test_counting_throws_again(visitor, app):
    page = visitor(blank=True)
    page.goto(f"{app}/decode?part=ngrams&seed=3&words=5&prompt=It+was+too")
    page.wait_for_selector("[data-part=plot-dice] .gb[data-sig]")
    said = page.locator("[data-kind=text]").all_inner_texts()
    page.get_by_role("button", name="Draw again").click()
    page.wait_for_url("**seed=4**")
    idle(page)
    assert page.locator("[data-kind=text]").all_inner_texts() != said


def test_a_prompt_of_examples_becomes_the_text(visitor, app):
    page = visitor(blank=True)
    page.goto(f"{app}/decode?part=prompts&task=dictionary&shots=1")
    page.wait_for_selector("[data-part=plot-shots] .gb[data-sig]")
    assert "Memory helps here" in page.locator("[data-part=part-prompts]").inner_text()
    page.get_by_role("button", name="Take this prompt").click()
    page.wait_for_url("**otter**")
    idle(page)
    page.get_by_role("radio", name="Writing").click()
    assert "sea otter" in "".join(written(page)).replace("·", " ")


def test_the_tree_and_the_stages_are_told_by_the_keys(visitor, app):
    page = visitor(blank=True)
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
