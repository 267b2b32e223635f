"""What a hand meets: what it pressed stays in its place, keeps the focus, and does what was meant."""

import pytest

from tests.browser.reading import arrived, go, ready

PLACE = "e => e.getBoundingClientRect().top"
FOCUS = "() => [document.activeElement].map(on => on.title || on.textContent)[0]"
SET = """(range, value) => {
    range.value = value;
    range.dispatchEvent(new Event('input', { bubbles: true }));
    range.dispatchEvent(new Event('change', { bubbles: true }));
}"""
TITLES_CUT = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(chart => {
    const all = chart.getBoundingClientRect();
    return [...chart.querySelectorAll('.infolayer [class*=title]')].filter(title => {
        const one = title.getBoundingClientRect();
        return one.top < all.top || one.bottom > all.bottom + 1 || one.left < all.left || one.right > all.right;
    }).map(title => title.textContent);
})"""


@pytest.mark.parametrize("clicks", [1, 2, 3])
def test_clicks_on_a_fold_open_and_close_it(page, app, clicks):
    go(page, app)
    fold = page.locator("[data-part=mechanisms] details")
    fold.locator("summary").first.evaluate(f"s => {{ for (let i = 0; i < {clicks}; i++) s.click() }}")
    page.wait_for_timeout(300)
    ready(page)
    assert fold.evaluate("d => d.open") == bool(clicks % 2)


def test_the_last_step_keeps_the_focus_on_its_arrow(page, app):
    go(page, app, step="layers")
    on = page.get_by_role("button", name="Next step")
    on.focus()
    page.keyboard.press("Enter")
    arrived(page, 11)
    assert on.is_disabled()
    assert page.evaluate(FOCUS) == on.get_attribute("title")
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    ready(page)
    assert page.get_attribute("[data-number]", "data-number") == "11"
    page.keyboard.press("ArrowLeft")
    arrived(page, 10)


def test_a_button_that_has_done_its_work_keeps_the_focus(page, app):
    go(page, app, model="interpreter", step="next", target="Je vois")
    own = page.get_by_role("button", name="Let it write everything")
    own.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "target" not in url)
    ready(page)
    assert own.is_disabled()
    assert page.evaluate(FOCUS) == "Let it write everything"


def test_the_focus_is_where_it_was_when_what_has_it_is_drawn_anew(page, app):
    go(page, app, step="tokens")
    ids = page.locator(".ids button")
    ids.nth(2).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**token=2**")
    ready(page)
    assert ids.nth(2).evaluate("b => b === document.activeElement")


@pytest.mark.parametrize("step, label", [("next", "Temperature"), ("softmax", "Temperature of this block")])
def test_a_slider_stays_in_its_place(page, app, step, label):
    go(page, app, step=step)
    slider = page.get_by_label(label).first
    before = slider.evaluate(PLACE)
    for value in ("0.2", "4", "2.7"):
        slider.evaluate(SET, value)
        page.wait_for_url(f"**{'temperature' if step == 'next' else 'edits'}=**")
        ready(page)
        assert slider.evaluate(PLACE) == pytest.approx(before, abs=1.5), value


def test_buttons_side_by_side_are_equally_high(visitor):
    page = visitor(model="interpreter", step="next")
    pairs = ("Append the marked token", "Sample a token"), ("Continue from here", "Let it write everything")
    for width in (1280, 1000, 760):
        page.set_viewport_size({"width": width, "height": 720})
        ready(page)
        for pair in pairs:
            a, b = (page.get_by_role("button", name=name).bounding_box() for name in pair)
            assert a["height"] == pytest.approx(b["height"], abs=1), (width, pair)


@pytest.mark.parametrize("path", ["decode", "tokenizers", "families", "by-hand", "model"])
def test_a_page_that_is_opened_by_its_own_address_makes_no_errors(page, app, path):
    page.goto(f"{app}/{path}")
    page.wait_for_selector(
        ".page :is([data-kind=plot], [data-kind=stages], [data-kind=grid], [data-kind=cuts])"
    )
    page.get_by_role("link", name="Walk").first.click()
    ready(page)
    assert page.url.startswith(app + "/") and path not in page.url  # the errors are the fixture's


def test_no_title_of_an_axis_is_cut(page, app):
    for step in ("next", "layers", "layernorm", "mlp", "residual"):
        go(page, app, step=step)
        for chart in page.locator("[data-kind=plot]").all():
            chart.scroll_into_view_if_needed()
            chart.locator(".main-svg").first.wait_for()
        assert page.evaluate(TITLES_CUT) == []


def test_nothing_in_a_text_turns_the_line(page, app):
    go(page, app, prompt="abc \u202edef\u2066 שלום", step="tokens")
    page.get_by_role("link", name="Families").click()
    page.wait_for_selector("[data-part=family-decoder]")
    ready(page)
    texts = page.locator("[data-kind=text]").all_inner_texts()
    assert any("U+202E" in text for text in texts)
    assert not any(sign in text for text in texts for sign in "\u202e\u2066")
