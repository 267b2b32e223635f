"""What only a browser shows: hatching where a cell is masked, names of axes, one scale, one line of origin."""

import csv
import io
import re

import numpy as np
import pytest

from app.state import DEFAULT
from tests.app.visit import numbers
from tests.browser.reading import FIND, go, picture, ready
from tests.browser.reading import number as read

PATTERN = "blocks.2.attn.pattern"
VIEW = dict(step="softmax", layer=2, head=0, token=10)
TINY, MASKED = (10, 5), (2, 9)  # head 0 of this block looks at the first token alone
WIDE = {"viewport": {"width": 1920, "height": 1080}}
# Where the pointer finds a cell, [left, top, right, bottom] in CSS pixels, and what is said there.
PLACE = """([point, cell]) => {
    const g = (FIND)(point), canvas = g.querySelector('canvas'), box = canvas.getBoundingClientRect();
    const on = (x, y) => {
        canvas.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + x, clientY: box.top + y}));
        return g.dataset.hover === cell;
    };
    let x = 1, y = 1;
    while (!on(x, y) && y < box.height) [x, y] = x > box.width ? [1, y + 5] : [x + 5, y];
    const said = g.querySelector('.tip').textContent, edge = (dx, dy) => {
        let n = 0;
        while (on(x + dx * (n + 1), y + dy * (n + 1))) n++;
        return n;
    };
    const sides = [x - edge(-1, 0), y - edge(0, -1), x + edge(1, 0), y + edge(0, 1)];
    canvas.onpointerleave();
    return [sides, said];
}""".replace("FIND", FIND)
INSIDE = """([point, [left, top, right, bottom]]) => {
    const canvas = (FIND)(point).querySelector('canvas'), k = canvas.width / canvas.clientWidth;
    const size = [right - left - 4, bottom - top - 4].map(n => Math.max(2, n * k));
    const data = canvas.getContext('2d').getImageData((left + 2) * k, (top + 2) * k, ...size).data;
    return new Set(new Uint32Array(data.buffer)).size;
}""".replace("FIND", FIND)
THUMB = """index => {
    const canvas = document.querySelectorAll('.thumb canvas')[index];
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return [...data].filter((_, i) => i % 4 === 3);
}"""
RECORD = """() => {
    const draw = CanvasRenderingContext2D.prototype.fillText;
    window.__drawn = [];
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
        window.__drawn.push(text);
        return draw.call(this, text, ...rest);
    };
}"""


def cell(page, point: str, at: tuple[int, int]) -> tuple[int, str]:
    """How many colours a cell has in a picture, and what hovering says of it."""
    picture(page, point)
    box, said = page.evaluate(PLACE, [point, f"{at[0]},{at[1]}"])
    return page.evaluate(INSIDE, [point, box]), said


def drawn(page) -> list[str]:
    """Every text that the pictures draw when the window changes its width."""
    page.evaluate(RECORD)
    page.set_viewport_size({"width": 1240 if page.viewport_size["width"] == 1280 else 1280, "height": 720})
    page.wait_for_function("() => window.__drawn.length > 5")
    page.wait_for_timeout(200)
    return page.evaluate("window.__drawn")


@pytest.mark.parametrize("options", [{}, WIDE, {"color_scheme": "dark"}], ids=["usual", "wide", "dark"])
def test_a_masked_cell_is_hatched_and_a_tiny_weight_is_not(visitor, options):
    page = visitor(options, **VIEW)
    (plain, weight), (hatched, none) = (cell(page, PATTERN, at) for at in (TINY, MASKED))
    assert plain == 1 < hatched
    value = numbers(PATTERN)[0][TINY]
    assert 0 < value < 0.01
    assert re.fullmatch(r"·too \(10\) looks [\d.]+% at ·the \(5\): (.+)", weight)
    assert read(weight.rsplit(" ", 1)[1]) == pytest.approx(value, rel=1e-3)
    assert none == "·didn (2) may not look at ·was (9): masked"


def test_the_thumbnails_leave_out_exactly_the_masked_cells(page, app):
    go(page, app, **VIEW | {"step": "heads"})
    page.wait_for_function("() => document.querySelector('.thumb canvas')?.width > 1")
    allowed = numbers("blocks.2.attn.mask")
    for head in range(len(allowed)):
        seen = np.array(page.evaluate(THUMB, head)).reshape(allowed.shape[1:])
        np.testing.assert_array_equal(seen > 0, allowed[head])


def test_table_and_file_say_masked_and_never_zero_for_it(page, app):
    go(page, app, **VIEW)
    found = picture(page, PATTERN)
    found.query_selector("button:text('Table')").click()
    row = found.query_selector_all("tbody tr")[2].query_selector_all("td")
    assert [one.inner_text() for one in row[3:]] == ["masked"] * (len(numbers(PATTERN)[0]) - 3)
    with page.expect_download() as waiting:
        found.query_selector("button:text('CSV')").click()
    _, *rows = csv.reader(io.StringIO(waiting.value.path().read_text("utf-8")))
    allowed = numbers("blocks.2.attn.mask")[0]
    assert [[x != "masked" for x in row[1:]] for row in rows] == allowed.tolist()


@pytest.mark.parametrize("step", ["scores", "mask", "softmax", "heads"])
def test_the_axes_say_who_asks_and_who_is_asked(page, app, step):
    texts = drawn(go(page, app, **VIEW | {"step": step}))
    assert {"query ↓", "key →"} <= set(texts)


def test_pictures_that_are_added_say_the_same_scale(page, app):
    go(page, app, step="residual")
    points = [f"blocks.0.{name}" for name in ("resid_pre", "attn.out", "resid_mid")]
    legends = {picture(page, point).query_selector(".key").inner_text() for point in points}
    most = max(np.abs(numbers(point)).max() for point in points)
    (legend,) = legends
    assert f"{most:.4g}" in legend and "one scale for 3 heat maps" in legend


def test_where_the_numbers_come_from_unfolds_by_key(page, app):
    go(page, app, **VIEW)
    found = picture(page, PATTERN)
    H, T, S = numbers(PATTERN).shape
    assert found.query_selector("summary").inner_text() == f"✓ [H={H}, T={T}, S={S}]"
    assert not found.query_selector(".check").is_visible()
    found.query_selector("summary").focus()
    page.keyboard.press("Enter")
    assert "worst cell differs by" in found.query_selector(".check").inner_text()
    assert found.query_selector(".foot code").text_content().startswith(f"{PATTERN}  ")


def test_near_uniform_weights_on_an_image_have_five_figures_at_most(page, app):
    texts = drawn(go(page, app, model="captioner", step="cross"))
    assert 0 < len({text for text in texts if text.endswith("%")}) <= 5


def test_the_families_masks_are_squares_with_labels(page, app):
    page.goto(f"{app}/families")
    page.get_by_role("heading", name="Families of models").wait_for()
    ready(page)
    point = "blocks.0.attn.mask"
    box, said = page.evaluate(PLACE, [point, "2,1"])
    wide, high = box[2] - box[0], box[3] - box[1]
    assert abs(wide - high) <= 3
    assert said == "·didn (2) may look at ·animal (1)"
    assert page.evaluate(PLACE, [point, "1,2"])[1] == "·animal (1) may not look at ·didn (2)"
    assert DEFAULT.prompt.startswith("The animal didn")


def test_a_picture_without_labels_tells_them_all_the_same(page, app):
    go(page, app, step="qkv", layer=1)
    picture(page, "blocks.1.attn.q")
    value = numbers("blocks.1.attn.q")[0, 3, 5]
    _, said = page.evaluate(PLACE, ["blocks.1.attn.q", "3,5"])
    assert said.startswith("token 't (3), dimension 5: ")
    assert read(said.rsplit(": ", 1)[1]) == pytest.approx(value, rel=1e-3)
