"""The stage: one picture and one sentence for a projector, and a clicker that goes on inside a step."""

import pytest

from tests.serving import idle

SIZES = [(1920, 1080), (2560, 1440), (1024, 768)]
SMALL = [(640, 360), (390, 844)]
ARRIVED = "[...document.querySelectorAll('canvas')].every(canvas => !canvas.getAnimations().length)"
READ = """() => {
    const shown = (css) => [...document.querySelectorAll(css)].filter(e => e.checkVisibility());
    const main = document.querySelector('[data-testid=stMain]');
    const picture = shown('figure canvas, figure [role=img], .cut')[0].getBoundingClientRect();
    const sentences = shown('[data-part=said] p, figure > .note:not([hidden])');
    return {
        letters: sentences.map(e => parseFloat(getComputedStyle(e).fontSize)),
        share: picture.height / innerHeight,
        inside: [picture.left, innerWidth - picture.right].every(room => room >= -1),
        over: [main.scrollWidth - main.clientWidth, main.scrollHeight - main.clientHeight],
        others: shown('.prompt, .map, .chips, .tools, .foot, [data-testid=stHeader]').length,
    };
}"""


def stands(page, step: str, level: int) -> None:
    page.wait_for_function(
        "([step, level]) => new URL(location).searchParams.get('step') === step"
        " && (new URL(location).searchParams.get('stage') ?? '0') === level",
        arg=[step, str(level)],
    )
    page.wait_for_selector(f"[data-part=step-{step}] .gb[data-sig]")
    idle(page)
    page.wait_for_function(ARRIVED)


def staged(visitor, size, step: str):
    page = visitor({"viewport": dict(zip(("width", "height"), size, strict=True))}, step=step)
    page.keyboard.press("p")
    stands(page, step, 1)
    return page


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_stage_can_be_read_from_the_last_row(visitor, size):
    page = staged(visitor, size, "softmax")
    for level in (1, 2, 3):
        seen = page.evaluate(READ)
        assert len(seen["letters"]) == 1 and min(seen["letters"]) >= 28
        assert 0.6 <= seen["share"] <= 0.7 and seen["inside"]
        assert seen["over"] == [0, 0] and seen["others"] == 0
        page.keyboard.press("PageDown")
        stands(page, "softmax", level + 1)
    assert page.locator(".hand").bounding_box()["x"] > size[0] / 3
    assert page.evaluate(READ)["over"] == [0, 0]


@pytest.mark.parametrize("size", SMALL, ids=str)
def test_nothing_is_cut_off_on_a_small_screen(visitor, size):
    page = staged(visitor, size, "softmax")
    for level in (1, 2, 3, 4):
        seen = page.evaluate(READ)
        assert seen["inside"] and seen["over"][0] <= 0, seen
        assert level == 4 or seen["over"][1] <= 0
        if level < 4:
            page.keyboard.press("PageDown")
            stands(page, "softmax", level + 1)


def test_a_clicker_goes_on_inside_a_step_then_to_the_next_and_back(visitor):
    page = staged(visitor, (1280, 720), "softmax")
    for step, level in [("softmax", 2), ("softmax", 3), ("softmax", 4), ("heads", 1)]:
        page.keyboard.press("PageDown")
        stands(page, step, level)
    for step, level in [("softmax", 4), ("softmax", 3)]:
        page.keyboard.press("PageUp")
        stands(page, step, level)
    page.keyboard.press("Escape")
    stands(page, "softmax", 0)
    page.wait_for_selector(".prompt")
    assert not page.evaluate("document.documentElement.classList.contains('staged')")


def test_a_link_opens_the_stage_and_the_whole_model_is_played(page, app):
    page.goto(f"{app}/?stage=1")
    page.wait_for_selector("[data-part=machine] .gb[data-sig]")
    idle(page)
    at = "document.querySelector('[data-part=machine] .gb').dataset.sig.split('|').at(-1)"
    for stage in "012":
        page.keyboard.press("PageDown")
        page.wait_for_function(f"{at} === '{stage}'")
    assert "step=" not in page.url
    page.keyboard.press("p")
    page.wait_for_selector(".prompt")
