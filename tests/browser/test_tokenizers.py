"""Tokenizers in a real browser: a text is typed, a training scrubbed, and the link opens the same elsewhere."""

from playwright.sync_api import Page
from tokenizers import Tokenizer

from engine.tokenize import train
from engine.tokenize.plain import excerpt
from tests.serving import idle


def opened(page: Page, app: str, link: str) -> Page:
    page.goto(f"{app}/tokenizers?{link}")
    part = "[data-part=training] input[type=range]" if "cutting=train" in link else "[data-part^=part-] .gb"
    page.wait_for_selector(part)
    idle(page)
    return page


def cut(page: Page) -> list[str]:
    return page.locator("[data-part=training] .cut .whole .text").all_inner_texts()


def test_a_typed_text_is_cut_in_every_row(visitor, app):
    page = opened(visitor(blank=True), app, "")
    box = page.get_by_role("textbox", name="The text to be cut")
    box.fill("naïve 👩‍👩‍👧")
    box.press("Enter")
    page.locator("[data-part=beside] .whole", has_text="ï").first.wait_for()
    rows = page.locator("[data-part=beside] .cut-row")
    assert rows.count() >= 12 and "\ufffd" not in page.locator("[data-part=beside]").inner_text()
    family = rows.nth(1).locator(".whole", has_text="👩‍👩‍👧")
    assert family.locator("b").all_inner_texts() == [f"{b:02X}" for b in "👩‍👩‍👧".encode()]


def test_a_training_is_scrubbed_and_shared(visitor, app):
    page = opened(visitor(blank=True), app, "cutting=train&size=600&prompt=The+caf%C3%A9+was+there")
    range = page.get_by_role("slider", name="Merges so far")
    assert range.input_value() == range.get_attribute("max")  # a newcomer sees what was learned
    range.fill("0")
    assert len(cut(page)) == len("The café was there")
    back = page.get_by_role("button", name="One merge back")
    first = back.element_handle()
    for n in (1, 120, 300):
        range.fill(str(n))
        ours = train(excerpt(), "byte-bpe", 256 + n)
        groups = [ours.bytes_of(id).decode().replace(" ", "·") for id in ours.encode("The caf")]
        assert cut(page)[: len(groups)] == groups
        below = page.locator("[data-part=training] .cut .id span").all_inner_texts()
        assert below == [str(id) for id in ours.encode("The café was there")]
    page.wait_for_url("**merge=300**")
    idle(page)
    assert first.evaluate("button => button.isConnected")  # what a hand is at is not made anew by an answer
    back.click()
    page.wait_for_url("**merge=299**")
    range.fill("77")
    page.wait_for_url("**merge=77**")
    idle(page)
    elsewhere = opened(visitor(blank=True), app, page.url.partition("?")[2])
    assert (
        cut(elsewhere) == cut(page)
        and "merge 77 / 344" in elsewhere.locator("[data-part=training]").inner_text()
    )


def test_more_than_is_read_is_not_put_in_and_that_is_said(visitor, app):
    page = opened(visitor(blank=True), app, "cutting=train&kind=bpe&corpus=low+lower&size=20")
    box = page.get_by_role("textbox", name="The text to learn from")
    paste = """(box, n) => {
        const held = new DataTransfer();
        held.setData("text/plain", "a".repeat(n));
        return box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: held, cancelable: true }));
    }"""
    assert box.evaluate(paste, 1_000_000) is False
    said = page.get_by_role("alert").filter(has_text="At most 200,000 characters")
    assert said.is_visible() and box.input_value() == "low lower"
    assert box.evaluate(paste, 1000) is True and not said.is_visible()


def test_the_kinds_are_cut_by_the_tokenizer_of_the_moment(visitor, app):
    for kind, text in (("bpe", "lowest 漢"), ("wordpiece", "Lowest, widest")):
        corpus = "low+low+low+lower+lower+newest+newest+newest+widest+widest,"
        page = opened(visitor(blank=True), app, f"cutting=train&kind={kind}&corpus={corpus}&prompt={text}")
        range = page.get_by_role("slider", name="Merges so far")
        most = int(range.get_attribute("max"))
        whole = train(corpus.replace("+", " "), kind, 800)
        for n in (0, 3, most):
            range.fill(str(n))
            ours = train(corpus.replace("+", " "), kind, len(whole) - most + n)
            raw = [ours.token(id) for id in ours.encode(text)]
            shown = [x.replace("·", " ") for x in cut(page)]
            assert [x if x != "漢" else "<unk>" for x in shown] == raw, (kind, n)


def test_the_file_that_is_saved_is_opened_by_the_library(visitor, app, tmp_path):
    page = opened(visitor(blank=True), app, "cutting=train&kind=bpe&corpus=low+lower+lowest&size=20")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save tokenizer.json").click()
    waiting.value.save_as(tmp_path / "tokenizer.json")
    read = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert read.encode("lower").ids == train("low lower lowest", "bpe", 20).encode("lower")
