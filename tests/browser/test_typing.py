"""Typing in a real browser: what runs a prompt, and hostile prompts that must do nothing but be shown."""

import pytest

from tests.browser.reading import arrived, go, ready, step
from tests.hostile import HOSTILE

LONG = "a long text, " * 200
OPENED = ("image", "script", "frame", "remote image", "right to left", "nothing", "end of text")


def box(page):
    return page.get_by_label("Prompt", exact=True)


def run(page, text: str) -> None:
    """Type a text and run it; wait for the server's answer."""
    box(page).fill(text)
    box(page).press("Enter")
    ready(page)


def assert_harmless(page, text: str) -> None:
    assert page.evaluate("() => window.__xss === undefined")
    assert page.locator("[data-testid=stException]").count() == 0
    assert box(page).input_value() == text.replace("\r\n", "\n")
    assert box(page).is_visible()


@pytest.fixture(scope="module")
def walk(page, app):
    return go(page, app)


@pytest.mark.parametrize("text", [*HOSTILE.values(), LONG], ids=[*HOSTILE, "long"])
def test_a_hostile_prompt_that_is_typed_does_nothing(walk, text):
    run(walk, text)
    assert_harmless(walk, text)


@pytest.mark.parametrize("name", OPENED)
def test_a_hostile_prompt_in_a_link_does_nothing(page, app, name):
    go(page, app, prompt=HOSTILE[name], step="softmax", token=1)
    assert_harmless(page, HOSTILE[name])
    assert step(page) == 6


def test_a_hostile_link_does_nothing(page, app):
    go(page, app, **{"layer": HOSTILE["image"], HOSTILE["remote image"]: "1", "edits": HOSTILE["markdown"]})
    assert page.evaluate("() => window.__xss === undefined")
    said = page.locator("[data-kind=notice]").inner_text()
    assert HOSTILE["image"][:30] in said and "![i](" in said


def test_the_page_forbids_foreign_scripts(page, app):
    go(page, app)
    policy = page.response.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "'unsafe-eval'" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert page.response.headers["x-content-type-options"] == "nosniff"


def test_a_token_of_signs_is_shown_as_it_is(page, app):
    go(page, app, prompt="so--he", step="scores", token=1)
    assert page.locator("[aria-checked=true].token").inner_text() == "--"
    sentence = page.locator("[data-part^=step-] [data-kind=text]").first.inner_text()
    assert "--" in sentence


def test_shift_enter_starts_a_line_and_enter_runs(page, app):
    go(page, app)
    box(page).fill("one")
    box(page).press("Shift+Enter")
    page.keyboard.type("two")
    assert box(page).input_value() == "one\ntwo"
    assert "prompt" not in page.url
    box(page).press("Enter")
    page.wait_for_url("**prompt=one%0Atwo**")
    ready(page)
    assert box(page).input_value() == "one\ntwo"
    assert "↵" in page.locator(".choice.token").all_inner_texts()


def test_an_example_opens_at_the_head_to_watch(page, app):
    go(page, app)
    page.get_by_role("button", name="Examples").click()
    example = page.locator(".example").first
    text = example.get_attribute("title")
    example.click()
    page.wait_for_url("**prompt=**")
    arrived(page, 7)
    assert box(page).input_value() == text
    assert "head=" in page.url


def test_an_example_for_every_model_keeps_the_step(page, app):
    go(page, app)
    page.get_by_role("button", name="Examples").click()
    example = page.locator(".example:not(.more)").last
    example.click()
    page.wait_for_url("**prompt=**")
    ready(page)
    assert box(page).input_value() == example.get_attribute("title")
    assert step(page) == 0


def test_a_prompt_that_is_too_long_stays_to_be_shortened(page, app):
    go(page, app, step="scores")
    run(page, LONG)
    assert "256" in page.locator("[data-kind=notice]").inner_text()
    assert box(page).input_value() == LONG
    run(page, "short")
    assert page.locator("[data-kind=notice]").count() == 0
    assert step(page) == 4


# What a keyboard that composes letters sends when Enter ends the composing: in Safari after its end.
COMPOSED = {
    "chrome": [("keydown", dict(key="Enter", keyCode=229, isComposing=True)), ("compositionend", {})],
    "safari": [("compositionend", {}), ("keydown", dict(key="Enter", keyCode=229))],
    "without a code": [("compositionend", {}), ("keydown", dict(key="Enter", keyCode=13))],
}
SEND = """([field, events]) => {
    const on = document.querySelector(field);
    on.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
    for (const [type, given] of events) {
        const made = type === "keydown" ? KeyboardEvent : CompositionEvent;
        on.dispatchEvent(new made(type, { bubbles: true, cancelable: true, composed: true, ...given }));
    }
}"""


@pytest.mark.parametrize("order", COMPOSED)
def test_enter_that_ends_composing_does_not_run_the_prompt(page, app, order):
    go(page, app)
    box(page).fill("東京")
    page.evaluate(SEND, ["[data-part=prompt] textarea", COMPOSED[order]])
    page.wait_for_timeout(300)
    assert "prompt" not in page.url
    box(page).press("Enter")
    page.wait_for_url("**prompt=**")


@pytest.mark.parametrize("order", COMPOSED)
def test_enter_that_ends_composing_sets_no_number(page, app, order):
    go(page, app, step="scores")
    page.locator(".set input").first.fill("7")
    page.evaluate(SEND, [".set input", COMPOSED[order]])
    page.wait_for_timeout(300)
    assert "edits" not in page.url
    page.locator(".set input").first.press("Enter")
    page.wait_for_url("**edits=**")


def test_hostile_texts_are_read_as_they_were_typed(page, app):
    """In the box, in the tokens, and in a sentence about what a link asked for."""
    for text in (HOSTILE["autolinks"], HOSTILE["streamlit"], HOSTILE["markdown"]):
        go(page, app, **{text[:40]: "1", "prompt": text})
        assert box(page).input_value() == text
        assert text[:40] in page.locator("[data-kind=notice]").first.text_content()
        tokens = "".join(page.locator(".cut .text").all_text_contents())
        assert tokens == text.replace(" ", "·")
        assert page.locator("[data-part] a, [data-part] img, [data-part] svg:not(.main-svg)").count() == 0
