"""One picture in a real browser: picking a cell, switching heads, its table and files, and the link to it."""

import csv
import io

import numpy as np
import pytest

from tests.app.visit import numbers
from tests.browser.reading import FIND, boxes, go, pick_of, picture, ready, step
from tests.browser.reading import number as read

PROMPT = "Tom had a cat, and the cat had a hat"
VIEW = dict(prompt=PROMPT, step="scores", layer=2, head=1, token=6, key=2)
SCORES = "blocks.2.attn.scores"
# In one turn of the page's event loop, in which no answer of the server can arrive.
SWITCH = """([find, point]) => {
    const g = find(point), look = () => [g.dataset.sig, g.querySelector('canvas').toDataURL()];
    const before = look();
    document.querySelector('button.choice.head[data-i="4"]').click();
    return [...before, ...look()];
}"""


@pytest.fixture
def shown(page, app):
    """The page at the scores of one head."""
    go(page, app, **VIEW)
    return page


def engine(point: str) -> np.ndarray:
    return numbers(point, PROMPT)


def click(page, point: str, x: float, y: float) -> tuple[int, int]:
    """Click in a picture at these shares of its width and height; the cell that is picked."""
    found = picture(page, point)
    box = found.query_selector("canvas").bounding_box()
    found.query_selector("canvas").click(position={"x": x * box["width"], "y": y * box["height"]})
    return tuple(pick_of(found))


@pytest.mark.parametrize("x, y", [(0.5, 0.9), (0.8, 0.6)])
def test_a_clicked_cell_is_worked_out_with_the_engines_number(shown, x, y):
    token, key = click(shown, SCORES, x, y)
    assert (token, key) != (6, 2)
    shown.wait_for_url(f"**token={token}&key={key}**")
    ready(shown)
    value = engine(SCORES)[1, token, key]
    assert boxes(shown)[SCORES, (1, token, key)] == pytest.approx(value, rel=1e-4)


def test_a_fraction_is_drawn_as_one_in_the_font_that_ships(shown):
    over, under = shown.locator(".hand mfrac").first.locator("> *").all()
    assert over.bounding_box()["y"] + over.bounding_box()["height"] <= under.bounding_box()["y"]
    fonts = "() => [...document.fonts].filter((f) => f.status === 'loaded').map((f) => f.family).join()"
    assert "Glassbox Math" in shown.evaluate(fonts)


def test_arrow_keys_move_the_picked_cell_and_not_the_walk(shown):
    picture(shown, SCORES).query_selector("canvas").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft"):
        shown.keyboard.press(key)
    assert pick_of(picture(shown, SCORES)) == [5, 3]
    shown.wait_for_url("**token=5&key=3**")
    ready(shown)
    assert step(shown) == 4
    assert boxes(shown)[SCORES, (1, 5, 3)] == pytest.approx(engine(SCORES)[1, 5, 3], rel=1e-4)


def test_hovering_reads_a_cell(shown):
    found = picture(shown, SCORES)
    box = found.query_selector("canvas").bounding_box()
    shown.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.9 * box["height"])
    shown.wait_for_selector(".tip:not([hidden])")
    token, key = map(int, found.get_attribute("data-hover").split(","))
    said = found.query_selector(".tip").inner_text().rsplit(": ", 1)[1]
    assert read(said) == pytest.approx(engine(SCORES)[1, token, key], rel=1e-3)


def test_the_head_switches_at_once_and_the_link_follows(shown):
    picture(shown, SCORES)
    sig, image, new_sig, new_image = shown.evaluate(f"([point]) => ({SWITCH})([{FIND}, point])", [SCORES])
    assert (sig.split("|")[-2], new_sig.split("|")[-2]) == ("1", "4")
    assert image != new_image
    shown.wait_for_url("**head=4**")
    ready(shown)
    assert boxes(shown)[SCORES, (4, 6, 2)] == pytest.approx(engine(SCORES)[4, 6, 2], rel=1e-4)


def signatures(page) -> list[str]:
    """What every component on the page says that it shows."""
    return page.evaluate("() => [...document.querySelectorAll('.gb[data-sig]')].map(g => g.dataset.sig)")


def test_the_link_opens_the_same_view_for_somebody_else(shown, visitor, app):
    click(shown, SCORES, 0.6, 0.8)
    shown.wait_for_url("**key=**")
    ready(shown)
    other = visitor(blank=True)
    other.goto(shown.url)
    ready(other)
    for page in (shown, other):
        page.mouse.move(0, 0)
    assert len(signatures(shown)) > 3
    assert signatures(shown) == signatures(other)
    assert boxes(shown) == boxes(other)
    assert other.url == shown.url
    assert other.get_by_label("Prompt", exact=True).input_value() == PROMPT


def test_the_table_reads_the_same_numbers(shown):
    found = picture(shown, SCORES)
    found.query_selector("button:text('Table')").click()
    rows = found.query_selector_all("tbody tr")
    table = np.array([[read(cell.inner_text()) for cell in row.query_selector_all("td")] for row in rows])
    np.testing.assert_allclose(table, engine(SCORES)[1], rtol=6e-4, atol=1e-7)


@pytest.fixture
def download(shown):
    def get(tool: str) -> bytes:
        with shown.expect_download() as waiting:
            picture(shown, SCORES).query_selector(f"button:text('{tool}')").click()
        assert "scores" in waiting.value.suggested_filename
        return waiting.value.path().read_bytes()

    return get


def test_the_csv_has_the_exact_numbers(download):
    head, *rows = csv.reader(io.StringIO(download("CSV").decode()))
    values = np.array([[np.float32(x) for x in row[1:]] for row in rows])
    np.testing.assert_array_equal(values, engine(SCORES)[1])
    assert len(head) == len(rows) + 1


def test_the_png_is_a_png(download):
    data = download("PNG")
    assert data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) > 1000


def test_masked_cells_are_minus_infinity_in_the_table(page, app):
    go(page, app, **VIEW | {"step": "mask"})
    found = picture(page, "blocks.2.attn.masked")
    found.query_selector("button:text('Table')").click()
    assert found.query_selector_all("tbody tr")[0].query_selector_all("td")[1].inner_text() == "−∞ (masked)"


def test_a_drawn_token_joins_the_prompt(page, app):
    go(page, app, prompt=PROMPT, step="next", top_k=3, seed=4)
    page.get_by_role("button", name="Sample a token").click()
    page.wait_for_url("**seed=5**")
    ready(page)
    text = page.get_by_label("Prompt", exact=True).input_value()
    assert text.startswith(PROMPT) and len(text) > len(PROMPT)
    assert step(page) == 11


def test_where_cells_are_smaller_than_a_pixel_it_is_said(page, app):
    said = "document.querySelectorAll('canvas[aria-label*=\"smaller than a pixel\"]').length"
    go(page, app, step="mlp")
    assert page.evaluate(said) >= 1
    go(page, app, **VIEW)
    assert page.evaluate(said) == 0
