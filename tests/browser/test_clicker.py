"""A presenter's clicker, the map that stays in sight, and a matrix carried from a step to its neighbour."""

import pytest

from tests.browser.reading import go, ready

SEEN = """name => { const part = document.querySelector(`[data-part=step-${name}]`);
    const map = document.querySelector('[data-part=pinned]').getBoundingClientRect();
    return [map.top, part.getBoundingClientRect().top - map.bottom, map.height]; }"""
SCROLL = "by => document.querySelector('[data-testid=stMain]').scrollBy(0, by)"
CANVAS = "document.querySelector('[data-part^=matrix-attn\\\\.masked] canvas')"


def shows(page, step: str) -> None:
    page.wait_for_selector(f"[data-part=step-{step}]")
    ready(page)


def test_a_clicker_steps_after_a_click_and_after_typing(page, app):
    go(page, app, step="scores")
    page.locator("[data-part^=matrix-attn] canvas").first.click(position={"x": 150, "y": 150})
    page.keyboard.press("PageDown")
    shows(page, "mask")
    page.locator(".choice.token").nth(2).click()
    page.keyboard.press("PageUp")
    shows(page, "scores")
    box = page.get_by_label("Prompt", exact=True)
    box.fill("What is typed stays")
    page.keyboard.press("PageDown")
    shows(page, "mask")
    assert box.input_value() == "What is typed stays"


def test_arrow_keys_in_a_picture_move_its_cell_and_do_not_step(page, app):
    go(page, app, step="scores", token=4, key=2)
    picture = page.locator('[data-part^="matrix-attn.scores"] .gb')
    picture.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**key=3**")
    assert picture.get_attribute("data-sig").endswith("|4,3") and "step=scores" in page.url


@pytest.mark.parametrize("width", [1280, 390])
def test_the_map_stays_in_sight_and_a_step_starts_at_its_top(visitor, width):
    page = visitor({"viewport": {"width": width, "height": 720}}, step="heads")
    before = page.evaluate(SEEN, "heads")
    page.evaluate(SCROLL, 900)
    page.wait_for_function(
        "() => document.querySelector('[data-part=pinned]').getBoundingClientRect().top < 100"
    )
    page.keyboard.press("PageDown")
    shows(page, "residual")
    page.wait_for_timeout(100)
    top, below, height = page.evaluate(SEEN, "residual")
    assert 0 <= top < 100 and height == pytest.approx(before[2], abs=40) and height < 150
    assert 0 < below < 250
    step = page.locator("[aria-current=step]").bounding_box()
    assert step["x"] >= 0 and step["x"] + step["width"] <= width


def test_at_1280_all_of_the_map_is_there(page, app):
    go(page, app, step="next")
    strip = page.locator(".groups")
    assert strip.evaluate("strip => strip.scrollWidth <= strip.clientWidth + 1")


def carried(page) -> bool:
    """Do the cells of the masked scores come from those of the scores?"""
    page.keyboard.press("PageDown")
    page.wait_for_function(f"() => {CANVAS}?.width > 300")
    return page.evaluate(f"() => {CANVAS}.getAnimations().length > 0")


def test_scores_are_carried_over_to_where_they_are_masked(visitor):
    page = visitor(step="scores")
    assert carried(page)
    page.wait_for_function(f"() => {CANVAS}.getAnimations().length === 0")
    page.wait_for_timeout(100)
    after = page.evaluate(f"() => {CANVAS}.toDataURL()")
    go(page, page.url.split("/?")[0], step="mask")
    assert page.evaluate(f"() => {CANVAS}.toDataURL()") == after  # what stands at the end is the picture itself


def test_nothing_is_carried_where_nothing_is_to_move(visitor):
    assert not carried(visitor({"reduced_motion": "reduce"}, step="scores"))


def test_a_term_lights_its_cell_and_a_cell_its_term(page, app):
    go(page, app, step="softmax", token=6, key=4)
    term = page.locator(".hand[open] tbody tr[tabindex]").nth(1)
    plain = page.locator('[data-part^="matrix-attn.pattern"] canvas')
    before = plain.evaluate("canvas => canvas.toDataURL()")
    term.hover()
    assert plain.evaluate("canvas => canvas.toDataURL()") != before
    box = plain.bounding_box()
    for share in range(30, 100, 3):  # along the picked row
        page.mouse.move(box["x"] + box["width"] * share / 100, box["y"] + box["height"] * 0.66)
    for down in range(40, 100, 2):
        page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * down / 100)
        if page.locator(".hand tr.lit").count():
            return
    raise AssertionError("no term was lit")


def test_only_the_picked_cells_box_is_open(page, app):
    go(page, app, step="mask", token=5, key=3)
    opened = page.locator(".hand[open] > summary code")
    assert "attn.masked[" in opened.inner_text()
    page.locator('[data-part^="matrix-attn.pattern"] canvas').click(position={"x": 160, "y": 200})
    page.wait_for_function(
        "() => document.querySelector('.hand[open] code').textContent.includes('attn.pattern[')"
    )
    assert opened.count() == 1


def test_a_clicker_goes_on_from_the_encoder_to_the_decoder_and_back(page, app):
    go(page, app, model="interpreter", step="layers", stack="encoder")
    page.keyboard.press("PageDown")
    page.wait_for_url("**stack=decoder**")
    shows(page, "tokens")
    page.keyboard.press("PageUp")
    page.wait_for_url("**stack=encoder**")
    shows(page, "layers")
