"""The picture of the whole model, other families: two stacks, steps in order of time, an image in patches."""

import re
from functools import cache

import pytest

import engine
from app import catalogue, compute
from app.state import View
from tests.browser.reading import number
from tests.browser.test_machine import CANVAS, ROOT, answers, drawn, fits, open_machine, press, state, until

TEXT = "Tom doesn't like my family."
# Where on the canvas a lane of a stack has its name, and where a row of a step has its middle
LANE = f"""([stack, lane]) => {{
    const {{ plan, view }} = {ROOT}.__state, track = plan.tracks[stack];
    return [(track.x - 30 - view.x) * view.k, (track.y(lane) - view.y) * view.k];
}}"""
STEP = f"""([stack, n, row, cell]) => {{
    const {{ plan, view }} = {ROOT}.__state, track = plan.tracks[stack];
    const part = plan.parts.find(({{ column: c }}) => c.kind === 'step' && c.stack === stack && c.n === n);
    const [, , C] = window.__glassbox.tensors.get(part.column.src).shape;
    return [(part.x + part.w * (cell + 0.5) / C - view.x) * view.k, (track.y(row) - view.y) * view.k];
}}"""
# A place in a patch of the image, and the colour that stands there
PATCH = f"""index => {{
    const {{ plan: {{ H }}, h }} = {ROOT}.__state, {{ across }} = h.stacks[0].image, size = 100 / across;
    const top = Math.max(50, (H + 50 - 100) / 2 - 20);
    return [4 + (index % across + 0.75) * size, top + (Math.floor(index / across) + 0.75) * size];
}}"""
COLOUR = f"""([x, y]) => {{
    const canvas = {ROOT}.querySelector('canvas'), ratio = devicePixelRatio;
    return [...canvas.getContext('2d').getImageData(x * ratio, y * ratio, 1, 1).data].slice(0, 3);
}}"""


@cache
def run(name: str) -> engine.Trace:
    return compute.trace(name, catalogue.given(name, View(model=name, prompt=TEXT)))


def spot(page, place: str, at) -> dict:
    x, y = page.evaluate(place, at)
    return {"position": {"x": x, "y": y}}


def test_each_stack_has_its_lit_token_and_the_answers_are_the_decoders(page, app):
    open_machine(page, app, model="interpreter", prompt=TEXT, stack="decoder")
    page.locator(CANVAS).click(**spot(page, LANE, [1, 2]))
    page.wait_for_url(re.compile(r"token=2($|&)"))
    shown = answers(page)
    best = run("interpreter")["decoder.logits"][0, 2].softmax(-1).max().item()
    assert number(re.search(r"([\d.]+)%", shown[0])[1]) / 100 == pytest.approx(best, abs=0.006)
    page.locator(CANVAS).click(**spot(page, LANE, [0, 3]))
    page.wait_for_url(lambda url: "stack=encoder" in url and "token=3" in url)
    drawn(page)
    assert answers(page) == shown and state(page, "lit[1]") == 2
    press(page, "ArrowDown")
    page.wait_for_url("**token=4**")
    page.locator(CANVAS).click(**spot(page, LANE, [1, 1]))
    page.wait_for_url(lambda url: "stack=encoder" not in url and "token=1" in url and "key=4" in url)
    page.reload()
    drawn(page)
    assert state(page, "lit") == [4, 1]


def test_up_and_down_lead_from_one_stack_to_the_other(page, app):
    open_machine(page, app, model="interpreter", prompt=TEXT, token=0, stack="decoder")
    press(page, "ArrowUp")
    last = run("interpreter").ids.shape[1] - 1
    page.wait_for_url(lambda url: "stack=encoder" in url and f"token={last}" in url)
    press(page, "ArrowDown")
    page.wait_for_url(lambda url: "stack=encoder" not in url and "token=0" in url)


@pytest.mark.parametrize("name", ["lookback-gru", "courier-rnn"])
def test_a_cell_of_a_step_tells_its_own_number(page, app, name):
    open_machine(page, app, model=name, prompt=TEXT)
    rows = [row["name"] for row in state(page, "h.stacks[1].unrolled")]
    page.locator(CANVAS).hover(**spot(page, STEP, [1, 3, rows.index("state"), 5]))
    told = page.evaluate(f"() => {ROOT}.dataset.hover")
    entry, value = re.search(r"^decoder, state: .*number (\d+): ([−\d.e]+), the largest of 12$", told).groups()
    values = run(name)["decoder.steps.3.h"][0]
    assert 60 <= int(entry) < 72 and values[60:72].abs().max() == values[int(entry)].abs()
    assert number(value) == pytest.approx(values[int(entry)].item(), rel=1e-3)


def test_a_step_is_picked_zoomed_to_its_numbers_and_opened(page, app):
    open_machine(page, app, model="lookback-gru", prompt=TEXT, stack="decoder")
    page.locator(CANVAS).click(**spot(page, STEP, [1, 2, 4, 3]))
    page.wait_for_url(re.compile(r"token=2($|&)"))
    drawn(page)
    page.locator(CANVAS).click(**spot(page, STEP, [0, 1, 4, 3]))
    page.wait_for_url(lambda url: "stack=encoder" in url and "token=1" in url)
    drawn(page)
    press(page, "+", "+")
    until(page, "state.view.k > 10 && !state.pending")
    assert int(page.evaluate(f"() => {ROOT}.dataset.numbers")) > 0
    press(page, "0")
    until(page, "state.view.k === 1 && !state.pending")
    page.locator(CANVAS).dblclick(**spot(page, STEP, [1, 3, 4, 3]))
    page.wait_for_url(lambda url: "step=cell" in url and "token=3" in url and "stack=encoder" not in url)


def test_play_walks_through_time_and_the_answers_with_it(page, app):
    open_machine(page, app, model="lookback-lstm", prompt=TEXT, token=1, stack="decoder")
    columns = state(page, "h.columns")
    of = [i for i, column in enumerate(columns) if column["kind"] == "step" and column["stack"] == 1]
    slide = """(range, to) => {
        range.value = to;
        range.dispatchEvent(new Event('input', { bubbles: true }));
    }"""
    seen = []
    for t in (2, 4):
        page.get_by_label("How far").evaluate(slide, of[t])
        until(page, f"state.at === {of[t]} && !state.pending")
        best = run("lookback-lstm")["decoder.logits"][0, t].softmax(-1).max().item()
        assert number(re.search(r"([\d.]+)%", answers(page)[0])[1]) / 100 == pytest.approx(best, abs=0.006)
        seen.append(page.locator(".player .where").inner_text())
    assert len(set(seen)) == 2 and all(where.startswith("decoder: ") for where in seen)


@pytest.mark.parametrize(("name", "link"), [("digits", "token=11"), ("captioner", "stack=encoder")])
def test_a_patch_of_the_image_picks_its_lane_and_has_its_colour(page, app, name, link):
    open_machine(page, app, model=name)
    across = state(page, "h.stacks[0].image.across")
    pixels = compute.model(name).prepare.pixels(
        compute.trace(name, catalogue.given(name, View(model=name))).ids
    )
    side = pixels.shape[-1] // across
    index = 10 if name == "digits" else 5 * across + 2
    row, column = (int((i + 0.75) * side) for i in divmod(index, across))
    wanted = [round(255 * float(plane[row, column])) for plane in pixels[0]]
    at = page.evaluate(PATCH, index)
    assert page.evaluate(COLOUR, at) == pytest.approx(wanted * (3 // len(wanted)), abs=3)
    page.locator(CANVAS).click(position={"x": at[0], "y": at[1]})
    page.wait_for_url(lambda url: link in url and f"token={index + 1}" in url)


def test_the_drawing_is_folded_beside_its_examples(page, app):
    open_machine(page, app, model="digits")
    assert page.locator(".sheet").is_hidden() and page.locator(".pad").is_hidden()
    before = page.locator(".answers .answer").first.inner_text()
    page.locator(".folded .example").nth(3).click()
    page.wait_for_url("**image=**")
    drawn(page)
    assert page.locator(".answers .answer").first.inner_text() != before
    page.get_by_role("button", name="Another image").click()
    assert page.locator(".pad").is_visible() and page.locator(".sheet .example").count() > 5


@pytest.mark.parametrize("name", ["lookback-lstm", "captioner", "onlooker", "digits"])
def test_every_family_fits_the_window(visitor, app, name):
    page = visitor(blank=True)
    for size in [(1280, 720), (1024, 768)]:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        fits(open_machine(page, app, model=name), size)
