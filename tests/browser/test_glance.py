"""What stands around the pictures at a glance: nothing touches, nothing is cut, and each is drawn once."""

from itertools import pairwise

import pytest

from tests.browser.reading import go, ready
from tests.serving import idle

MACHINE = "[data-kind=machine] .gb"
# All that a picture writes when it is drawn: each text, from where to where, at which height, how large
WRITTEN = """selector => {
    const proto = CanvasRenderingContext2D.prototype, own = proto.fillText, texts = [];
    proto.fillText = function (text, x, y, ...more) {
        const width = this.measureText(text).width;
        const from = x - width * ({ right: 1, center: 0.5 }[this.textAlign] ?? 0);
        texts.push({ text, from, to: from + width, y, size: parseFloat(/([\\d.]+)px/.exec(this.font)[1]) });
        return own.call(this, text, x, y, ...more);
    };
    document.querySelector(selector).__state.redraw();
    proto.fillText = own;
    return texts;
}"""
DRAWN = """selector => {
    const canvas = document.querySelector(selector + ' canvas'), g = canvas.getContext('2d');
    const own = g.setTransform;
    window.__drawn = 0;
    g.setTransform = (...given) => {
        window.__drawn++;
        return own.apply(g, given);
    };
}"""


def written(page, y: float) -> list[dict]:
    """The texts of the picture of the whole model at this height, from left to right."""
    texts = page.evaluate(WRITTEN, MACHINE)
    return sorted((text for text in texts if text["y"] == y and text["text"]), key=lambda text: text["from"])


@pytest.mark.parametrize("name", ["storybook", "interpreter", "captioner", "digits", "fabulist"])
def test_headings_do_not_touch_and_each_part_can_be_taken_out(page, app, name):
    go(page, app, model=name, step="machine")
    parts = written(page, 30)
    assert all(one["to"] < next["from"] for one, next in pairwise(parts))
    columns = page.evaluate(f"() => document.querySelector('{MACHINE}').__state.h.columns")
    removable = {(c["stack"], c["layer"], c["part"]) for c in columns if c["adds"]}
    assert sum(part["text"].endswith(" ✕") for part in parts) == len(removable)


@pytest.mark.parametrize("name", ["storybook", "captioner"])
def test_every_column_outside_the_blocks_has_its_name(page, app, name):
    go(page, app, model=name, step="machine")
    plan = page.evaluate(f"() => document.querySelector('{MACHINE}').__state.plan")
    names = written(page, 11)
    for block in plan["blocks"]:
        if block["column"]["layer"] is None:
            near = [
                one["text"] for one in names if one["from"] < block["x"] + block["w"] and one["to"] > block["x"]
            ]
            assert near in (["in"], ["norm"], ["embedding"], ["last norm"])
    assert names[-1]["to"] <= plan["W"]


def test_under_two_lines_of_warning_the_legend_is_still_there(page, app):
    go(page, app, model="courier-gru", step="machine")
    assert page.locator("[data-part=warning] p").bounding_box()["height"] > 40
    foot = page.locator("[data-kind=machine] .foot").bounding_box()
    assert foot["y"] + foot["height"] <= page.viewport_size["height"]


@pytest.mark.parametrize("name", ["interpreter", "wordfinder", "lookback-lstm"])
def test_the_picker_says_all_of_what_the_model_is(page, app, name):
    go(page, app, model=name, step="machine")
    cut = "button => [button, ...button.children].some(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth)"
    assert not page.locator(".now-model").evaluate(cut)


def test_a_block_that_opens_is_drawn_a_few_times_not_once_a_tensor(page, app):
    go(page, app, step="machine")
    page.evaluate(DRAWN, MACHINE)
    page.get_by_label("Open a block").select_option("blocks.2")
    page.wait_for_function(f"() => document.querySelector('{MACHINE}').__state.plan.bands")
    ready(page)
    assert page.evaluate("window.__drawn") < 25  # frames of the fade are among them; tensors are some sixty


def test_what_has_come_before_stays_the_same(page, app):
    go(page, app, step="machine")
    first = f"window.__glassbox.tensors.get(document.querySelector('{MACHINE}').__state.h.columns[0].src)"
    page.evaluate(f"() => {{ window.__first = {first} }}")
    page.locator("[data-kind=machine] canvas").press("ArrowUp")
    page.wait_for_url("**token=**")
    idle(page)
    page.get_by_label("Open a block").select_option("blocks.1")
    page.wait_for_url("**inside=1**")
    ready(page)
    assert page.evaluate(f"() => window.__first === {first}")


@pytest.mark.parametrize("size", [(1920, 1080), (1024, 768)], ids=str)
def test_roles_on_the_stage_are_as_large_as_other_letters(visitor, size):
    viewport = dict(zip(("width", "height"), size, strict=True))
    page = visitor({"viewport": viewport}, step="all_heads")
    page.keyboard.press("p")
    page.wait_for_url("**stage=1**")
    idle(page)
    texts = page.evaluate(WRITTEN, "[data-kind=all_heads] .gb")
    letters = page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize)")
    assert {"first token", "previous token"} <= {text["text"] for text in texts}
    assert all(text["size"] >= 0.7 * letters for text in texts)


def test_the_picked_token_of_a_text_is_marked(page, app):
    go(page, app, step="tokens", token=2)
    pressed = page.locator("[data-part=tokens] .ids button").evaluate_all("all => all.map(b => b.ariaPressed)")
    assert pressed.count("true") == 1 and pressed[2] == "true"
    colours = page.locator("[data-part=tokens] .ids button").evaluate_all(
        "all => all.map(b => getComputedStyle(b).backgroundColor)"
    )
    assert colours[2] not in (colours[1], colours[3])


def test_a_picture_on_its_way_is_never_larger_than_it_becomes(visitor):
    page = visitor({"reduced_motion": "no-preference"}, step="layernorm")
    page.evaluate("""() => {
        const own = Element.prototype.animate;
        window.__ways = [];
        Element.prototype.animate = function (frames, ...more) {
            window.__ways.push(frames[0].transform);
            return own.call(this, frames, ...more);
        };
    }""")
    page.keyboard.press("PageDown")
    page.wait_for_url("**step=qkv**")
    ready(page)
    scales = page.evaluate("() => window.__ways.map(way => parseFloat(/scale\\(([\\d.]+)/.exec(way)[1]))")
    assert scales and max(scales) <= 1
