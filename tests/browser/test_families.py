"""Every family walked through by hand; an image drawn, taken from a file, refused where it is none."""

import struct
import zlib

import pytest
from playwright.sync_api import Page, expect

from app import catalogue, compute
from app.architecture import GLANCE, steps_of
from tests.browser.reading import arrived, colours, go, ready, walk
from tests.serving import idle

OTHERS = [name for name in catalogue.families().values() if name != catalogue.shipped()[0]]


@pytest.fixture(params=OTHERS)
def walked(request, page, app):
    """A family's steps, and what was on the page at each."""
    model = compute.model(request.param)
    two = len(model.reads) == 2
    steps = steps_of(model.decoder.config, "decoder") if two else steps_of(model.config)
    steps = [step for step in steps if step not in GLANCE]
    return steps, walk(go(page, app, model=request.param, **({"stack": "decoder"} if two else {})), len(steps))


def test_every_step_of_a_family_is_drawn_and_its_lights_are_green(walked):
    steps, seen = walked
    for step, one in zip(steps, seen, strict=True):
        assert one["errors"] == 0, step
        assert all(count > 2 for count in one["colours"]), step
        assert all(light.startswith("✓") for light in one["lights"]), step
        assert (one["nameless"], one["unlabelled"]) == ([], 0), step
    assert all(f"step={step}" in one["link"] for step, one in zip(steps, seen, strict=True))


@pytest.fixture(scope="module")
def families(lodger) -> Page:
    page = lodger()
    page.get_by_role("link", name="Families").click()
    expect(page.get_by_role("heading", name="Families of models")).to_be_visible(timeout=30_000)
    idle(page)
    return page


def test_one_sentence_goes_through_every_family(families):
    box = families.get_by_label("Prompt", exact=True)
    box.fill("The old [MASK] sat on the mat.")
    box.press("Enter")
    families.wait_for_url("**MASK**")
    ready(families)
    count = len(catalogue.families())
    assert len(colours(families)) >= count
    assert families.locator("[data-part^=plot-]").count() > count
    assert all(light.startswith("✓") for light in families.locator(".light").all_inner_texts())


def test_a_family_leads_into_its_own_walk(families):
    families.get_by_role("button", name="Walk through it").last.click()
    arrived(families, 0)
    assert f"model={list(catalogue.families().values())[-1]}" in families.url


# --- images --------------------------------------------------------------------------------------


@pytest.fixture
def digits(page, app):
    return go(page, app, model="digits", step="tokens")


def reads(page: Page) -> str:
    """The image in the address, a sign a pixel."""
    return page.url.partition("image=")[2].partition("&")[0]


def test_a_stroke_of_the_pointer_is_read(digits):
    pad = digits.locator(".pad").bounding_box()
    x, top, bottom = pad["x"] + 64, pad["y"] + 10, pad["y"] + 118
    digits.mouse.move(x, top)
    digits.mouse.down()
    digits.mouse.move(x, bottom, steps=12)
    digits.mouse.up()
    digits.wait_for_url("**image=**")
    ready(digits)
    rows = [reads(digits)[i : i + 8] for i in range(0, 64, 8)]
    assert all(row.strip("0") for row in rows)  # from top to bottom, and nothing at the sides
    assert all(row[:2] == row[-2:] == "00" for row in rows)


def test_the_keys_draw_too(digits):
    digits.locator(".pad").focus()
    for _ in range(8):
        digits.keyboard.press("ArrowDown")
        digits.keyboard.press("Space")
    digits.wait_for_url("**image=**")
    assert reads(digits).strip("0")


def png(side: int, dark: range = range(0), depth: int = 8) -> bytes:
    """A white square with a dark upright bar, as a PNG; of depth 1 it is all black, and small however large."""

    def part(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    row = b"\0" + (bytes(20 if x in dark else 255 for x in range(side)) if depth == 8 else bytes(-(-side // 8)))
    head = struct.pack(">IIBBBBB", side, side, depth, 0, 0, 0, 0)
    parts = part(b"IHDR", head), part(b"IDAT", zlib.compress(row * side)), part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def choose(page: Page, name: str, kind: str, data: bytes) -> None:
    page.locator(".drawing input[type=file]").set_input_files({"name": name, "mimeType": kind, "buffer": data})


def test_a_picture_from_a_file_is_read_whatever_its_paper(digits):
    choose(digits, "bar.png", "image/png", png(90, range(40, 52)))
    digits.wait_for_url("**image=**")
    rows = [reads(digits)[i : i + 8] for i in range(0, 64, 8)]
    assert all(row[3] + row[4] != "00" and row[0] == row[7] == "0" for row in rows)


@pytest.mark.parametrize(
    "name, kind, data, says",
    [
        ("notes.txt", "text/plain", b"hello", "is not an image"),
        ("broken.png", "image/png", png(90, range(9))[:60], "cannot be opened"),
        ("script.svg", "image/svg+xml", b"<svg onload='window.__xss=1'>", "cannot be opened"),
        ("heavy.png", "image/png", bytes(11_000_000), "the most is 10 MB"),
        ("bomb.png", "image/png", png(20_000, depth=1), "400 million pixels; the most is 40 million"),
    ],
)
def test_a_file_that_is_no_picture_says_so_and_nothing_is_lost(digits, name, kind, data, says):
    before = digits.url
    choose(digits, name, kind, data)
    expect(digits.locator(".sheet .note")).to_contain_text(says)
    expect(digits.locator(".sheet .note")).to_contain_text("still there")
    assert digits.url == before
    assert digits.evaluate("() => window.__xss === undefined")


def test_an_example_is_a_click_away(digits):
    digits.get_by_role("button", name="A 7", exact=True).click()
    digits.wait_for_url("**image=**")
    ready(digits)
    digits.keyboard.press("Escape")
    go(digits, digits.url.partition("?")[0].rstrip("/"), model="digits", step="next", image=reads(digits))
    expect(digits.get_by_text("The most probable class is 7")).to_be_visible()


# --- captions ------------------------------------------------------------------------------------


@pytest.fixture
def captions(page, app):
    return go(page, app, model=catalogue.families()["caption"], step="tokens")


def painted(page: Page) -> list[str]:
    """The rows of the image in the address."""
    page.wait_for_url("**image=**")
    ready(page)
    return [reads(page)[i : i + 32] for i in range(0, 32 * 32, 32)]


def test_a_shape_is_put_where_the_pointer_clicks(captions):
    captions.get_by_role("button", name="Clear").click()
    for name in ("blue", "square", "small"):
        captions.get_by_role("button", name=name, exact=True).click()
    captions.locator(".pad").click(position={"x": 6 * 20, "y": 6 * 10})
    captions.wait_for_url("**33333333**")
    rows = painted(captions)
    assert rows[6:14] == ["0" * 16 + "3" * 8 + "0" * 8] * 8
    assert sum(row.count("0") for row in rows) == 32 * 32 - 64


def test_the_keys_put_shapes_too(captions):
    captions.get_by_role("button", name="Clear").click()
    for name in ("red", "square", "large"):
        captions.get_by_role("button", name=name, exact=True).click()
    captions.locator(".pad").focus()
    captions.keyboard.press("ArrowLeft")
    captions.keyboard.press("Space")
    captions.wait_for_url("**11111111111111**")
    assert painted(captions)[9:23] == ["0" * 8 + "1" * 14 + "0" * 10] * 14


def test_a_files_pixels_take_the_nearest_colours(captions):
    choose(captions, "bar.png", "image/png", png(64, range(16, 32)))
    assert painted(captions) == ["0" * 8 + "6" * 8 + "0" * 16] * 32


def test_a_word_is_picked_by_its_look(captions, app):
    go(captions, app, model=catalogue.families()["caption"], step="cross", token=1)
    captions.locator(".look").nth(3).click()
    captions.wait_for_url("**token=3**")
    expect(captions.locator(".look").nth(3)).to_have_attribute("aria-pressed", "true")
