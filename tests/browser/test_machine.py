"""The whole model in one picture, by mouse and by keys: zoom, follow, play, take out, open the walk."""

import re
from functools import cache
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Page

import engine
from tests.browser.reading import number, ready

PROMPT = "The cat sat on the mat because it was"
ROOT = "document.querySelector('[data-kind=machine] .gb')"
CANVAS = "[data-kind=machine] canvas"
SET = """(range, value) => {
    range.value = value;
    range.dispatchEvent(new Event('input', { bubbles: true }));
}"""
# Where on the canvas a cell of a head is, or the middle of the head where no cell is named
PLACE = f"""([layer, head, row, col]) => {{
    const {{ plan, view }} = {ROOT}.__state;
    const part = plan.parts.find((p) => p.column.layer === layer && p.head === head && !p.column.seen.other);
    const [, T, S] = window.__glassbox.tensors.get(part.column.src).shape;
    const x = part.x + part.w * (row === undefined ? 0.5 : (col + 0.5) / S);
    const y = part.y + part.h * (row === undefined ? 0.5 : (row + 0.5) / T);
    return [(x - view.x) * view.k, (y - view.y) * view.k];
}}"""
# Where a cell inside a block is, by its point
INSIDE = f"""([point, row, col]) => {{
    const {{ plan, view }} = {ROOT}.__state, part = plan.parts.find(({{ spec }}) => spec.point === point);
    const [, R, C] = window.__glassbox.tensors.get(part.spec.src).shape;
    const x = part.x + (part.w * (col + 0.5)) / C, y = part.y + (part.h * (row + 0.5)) / R;
    return [(x - view.x) * view.k, (y - view.y) * view.k];
}}"""
WHOLE = "!state.plan.bands && !state.pending"
HEADING = f"""([layer, name]) => {{
    const {{ plan, view }} = {ROOT}.__state;
    const found = plan.headings.find((h) => h.column.layer === layer && h.name === name);
    return [(found.x + 8 - view.x) * view.k, 28];
}}"""


@cache
def run() -> engine.Trace:
    return engine.run(engine.load(), PROMPT)


def open_machine(page: Page, app: str, **link) -> Page:
    link = {"prompt": PROMPT} | link
    page.goto(f"{app}/?{urlencode(link, quote_via=quote)}")
    drawn(page)
    return page


def drawn(page: Page) -> None:
    page.wait_for_function(f"() => {ROOT}?.dataset.sig")
    ready(page)


def state(page: Page, what: str):
    return page.evaluate(f"() => {ROOT}.__state.{what}")


def until(page: Page, what: str) -> None:
    page.wait_for_function(f"() => {{ const state = {ROOT}.__state; return {what}; }}")


def at(page: Page, place: str, *which) -> dict:
    x, y = page.evaluate(place, list(which))
    return {"position": {"x": x, "y": y}}


def press(page: Page, *names: str) -> None:
    page.locator(CANVAS).focus()
    for name in names:
        page.keyboard.press(name)


def answers(page: Page) -> list[str]:
    return page.locator(".answers .answer").all_inner_texts()


def hovered(page: Page, *which) -> str:
    page.locator(CANVAS).hover(**at(page, PLACE, *which))
    return page.evaluate(f"() => {ROOT}.dataset.hover")


def hovered_inside(page: Page, *which) -> str:
    page.locator(CANVAS).hover(**at(page, INSIDE, *which))
    return page.evaluate(f"() => {ROOT}.dataset.hover")


def shown(told: str) -> float:
    """The number of a cell that is told."""
    return number(re.search(r": ([−\d.e∞]+)( \(masked\))?$", told)[1])


def inside(page: Page, block: str) -> None:
    """Wait until the inside of this block is there."""
    drawn(page)
    until(page, f"state.plan.bands && state.h.inside?.block === {block!r} && !state.pending")


@pytest.mark.parametrize("by", ["keys", "buttons"])
def test_zoom_goes_from_the_model_to_the_number_of_a_cell(page, app, by):
    open_machine(page, app, layer=1, head=2, token=5, key=3)

    def near() -> None:
        press(page, "+") if by == "keys" else page.get_by_role("button", name="Zoom in").click()

    assert page.evaluate(f"() => {ROOT}.dataset.numbers") == "0"
    near()
    page.wait_for_url("**inside=1**")
    inside(page, "blocks.1")
    sizes = [1]
    for _ in range(3):
        near()
        until(page, f"state.view.k > {sizes[-1]} && !state.pending")
        sizes.append(state(page, "view.k"))
    assert int(page.evaluate(f"() => {ROOT}.dataset.numbers")) > 0
    told = hovered_inside(page, "blocks.1.attn.pattern", 5, 3)
    assert told.startswith("weights [T=")
    assert shown(told) == pytest.approx(run()["blocks.1.attn.pattern"][0, 2, 5, 3].item(), rel=1e-3)
    page.wait_for_url(re.compile("zoom=.*zoom_x=.*zoom_y="))
    page.get_by_label("Open a block").select_option("")
    page.wait_for_url(lambda url: "zoom" not in url and "inside" not in url)


@pytest.mark.parametrize("point", ["q", "k_rot", "v", "dots", "scores", "masked", "z"])
def test_a_cell_inside_a_block_tells_the_engines_number(page, app, point):
    open_machine(page, app, layer=2, head=1, inside=1)
    values = run()[f"blocks.2.attn.{point}"][0, 1]
    told = hovered_inside(page, f"blocks.2.attn.{point}", 4, 2)
    value = values.T[4, 2] if point == "k_rot" else values[4, 2]
    assert shown(told) == pytest.approx(value.item(), rel=1e-3)


def test_play_pause_scrub_and_step_inside_a_block(page, app):
    open_machine(page, app, layer=2, head=1, inside=1)
    names = page.evaluate(f"() => {ROOT}.__state.h.inside.stages.map((stage) => stage.name)")
    where, dots = page.locator(".player .where"), names.index("q · k")
    page.get_by_label("How far").evaluate(SET, dots - 1)
    page.get_by_role("button", name="Play").click()
    until(page, f"state.at === {dots} && state.progress > 0.1 && state.progress < 1")
    page.get_by_role("button", name="Play").click()
    now = state(page, "at")
    assert now >= dots and (state(page, "progress"), where.inner_text()) == (1, names[now])
    page.wait_for_timeout(700)
    assert state(page, "at") == now
    page.get_by_label("How far").evaluate(SET, dots)
    press(page, "ArrowRight", "ArrowRight")
    assert where.inner_text() == "masked"
    press(page, "ArrowLeft")
    assert where.inner_text().startswith("÷")
    page.get_by_label("How far").evaluate(SET, len(names) - 2)
    page.get_by_role("button", name="Play").click()
    until(page, f"state.at === {len(names) - 1} && !state.playing")


def test_a_cell_that_is_picked_inside_is_picked_in_the_walk(page, app):
    open_machine(page, app, layer=2, head=1, inside=1)
    page.locator(CANVAS).click(**at(page, INSIDE, "blocks.2.attn.scores", 6, 2))
    page.wait_for_url("**token=6**key=2**")
    drawn(page)
    page.locator(CANVAS).dblclick(**at(page, INSIDE, "blocks.2.attn.scores", 7, 1))
    page.wait_for_url(f"{app}/?**step=scores**token=7**key=1**")


def test_a_block_is_opened_and_a_head_picked_by_lists(page, app):
    open_machine(page, app)
    page.get_by_label("Open a block").select_option("block 3")
    inside(page, "blocks.3")
    page.get_by_label("Pick a head").select_option("head 4")
    page.wait_for_url("**layer=3**head=4**inside=1**")
    until(page, "state.h.inside.head === 4")
    page.get_by_role("button", name="Take out").click()
    page.wait_for_url("**edits=zero~blocks.3.attn.z~H4**")
    drawn(page)
    told = hovered_inside(page, "blocks.3.attn.z", 4, 2)
    assert shown(told) == 0
    page.get_by_role("button", name="Put back").click()
    page.wait_for_url(lambda url: "edits" not in url)


def test_blocks_and_heads_of_both_stacks_are_picked(page, app):
    open_machine(page, app, model="interpreter", prompt="I see a cat.")
    cross = "decoder.blocks.1.cross.pattern"
    head = f"""([point, n]) => {{
        const part = {ROOT}.__state.plan.parts.find((p) => p.column.point === point && p.head === n);
        return [part.x + part.w / 2, part.y + part.h / 2];
    }}"""
    page.get_by_label("Open a block").select_option("encoder block 2")
    inside(page, "encoder.blocks.2")
    page.wait_for_url("**stack=encoder**layer=2**inside=1**")
    page.get_by_label("Open a block").select_option("")
    until(page, WHOLE)
    drawn(page)
    page.locator(CANVAS).click(**at(page, head, cross, 2))
    page.wait_for_url("**stack=decoder**layer=1**head=2**")
    drawn(page)
    page.locator(CANVAS).click(**at(page, head, cross, 2))
    page.wait_for_url("**edits=zero~decoder.blocks.1.cross.z~H2**")
    drawn(page)
    press(page, "+")
    inside(page, "decoder.blocks.1")
    assert shown(hovered_inside(page, "decoder.blocks.1.cross.z", 1, 2)) == 0


def test_a_cell_of_a_vector_tells_its_own_number_and_of_how_many_it_is_the_largest(page, app):
    open_machine(page, app)
    place = f"""() => {{
        const {{ plan }} = {ROOT}.__state, part = plan.parts.find((p) => p.column.point === 'blocks.2.mlp.out');
        return [part.x + part.w / 32, plan.y(4)];
    }}"""
    x, y = page.evaluate(place)
    page.locator(CANVAS).hover(position={"x": x, "y": y})
    told = page.evaluate(f"() => {ROOT}.dataset.hover")
    entry, value = re.search(r"number (\d+): ([−\d.e]+), the largest of 12$", told).groups()
    values = run()["blocks.2.mlp.out"][0, 4, :12]
    assert int(entry) == values.abs().argmax().item()
    assert number(value) == pytest.approx(values[int(entry)].item(), rel=1e-3)


def test_the_wheel_zooms_where_the_pointer_is_and_opens_a_block_that_is_near(page, app):
    open_machine(page, app)
    page.locator(CANVAS).hover(**at(page, PLACE, 3, 3))
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(500)
    assert state(page, "view.k") == 1  # it scrolls the page
    page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    page.locator(CANVAS).hover(**at(page, PLACE, 3, 3))
    before = page.evaluate(PLACE, [3, 3])
    page.mouse.wheel(0, -300)
    until(page, "state.view.k > 2 && !state.pending")
    assert page.evaluate(PLACE, [3, 3]) == pytest.approx(before, abs=1.5)
    page.mouse.wheel(0, -300)
    inside(page, "blocks.3")
    page.wait_for_url("**layer=3**inside=1**")
    page.mouse.wheel(0, 300)
    until(page, f"{WHOLE} && state.view.k > 2")
    page.wait_for_url(lambda url: "inside" not in url and "zoom=" in url)


def test_what_is_told_of_a_place_is_told_anew_when_something_else_lies_there(page, app):
    open_machine(page, app, layer=2, head=1, inside=1)
    inside(page, "blocks.2")
    told = hovered_inside(page, "blocks.2.attn.pattern", 5, 3)
    page.locator(CANVAS).evaluate("canvas => canvas.focus()")
    for _ in range(3):
        page.keyboard.press("+")
    until(page, "!state.pending && state.view.k > 1")
    under = "(state => state.scene.read(state, state.scene.hit(state, state.pointer.x, state.pointer.y)))"
    now = page.evaluate(f"() => {{ const root = {ROOT}; return [root.dataset.hover, {under}(root.__state)]; }}")
    assert now[0] == now[1]
    assert now[0] != told


def test_play_pause_scrub_and_step(page, app):
    open_machine(page, app)
    where, last = page.locator(".player .where"), state(page, "h.columns.length") - 1
    page.get_by_role("button", name="Play").click()
    until(page, "state.at >= 1")
    page.get_by_role("button", name="Play").click()
    now = state(page, "at")
    page.wait_for_timeout(700)
    assert state(page, "at") == now < last
    page.get_by_label("How far").evaluate(SET, 9)
    assert where.inner_text() == "block 1: MLP adds"
    page.get_by_label("How far").evaluate(SET, 1)
    assert where.inner_text() == "block 0: attention heads"
    page.get_by_role("button", name="One part on").click()
    assert where.inner_text() == "block 0: attention adds"
    page.get_by_role("button", name="One part back").click()
    assert where.inner_text() == "block 0: attention heads"
    page.get_by_label("How far").evaluate(SET, last - 1)
    page.get_by_role("button", name="Play").click()
    until(page, f"state.at === {last} && !state.playing")


def test_a_head_is_picked_by_a_click_taken_out_by_another_and_put_back(page, app):
    open_machine(page, app)
    before = answers(page)
    head = at(page, PLACE, 2, 3)
    page.locator(CANVAS).click(**head)
    page.wait_for_url("**layer=2**head=3**")
    drawn(page)
    assert "edits" not in page.url and answers(page) == before
    page.locator(CANVAS).click(**head)
    page.wait_for_url("**edits=zero~blocks.2.attn.z~H3**")
    page.wait_for_function("() => document.querySelector('.answers .then')")
    assert all("→" in answer for answer in answers(page))
    drawn(page)
    page.locator(CANVAS).click(**head)
    page.wait_for_url(lambda url: "edits" not in url)
    page.wait_for_function("() => !document.querySelector('.answers .then')")
    assert answers(page) == before


@pytest.mark.parametrize(("name", "point"), [("attention", "attn.out"), ("MLP", "mlp.out")])
def test_a_part_is_taken_out_by_its_heading(page, app, name, point):
    open_machine(page, app)
    page.locator(CANVAS).click(**at(page, HEADING, 1, name))
    page.wait_for_url(f"**edits=zero~blocks.1.{point}**")
    drawn(page)
    page.locator(CANVAS).click(**at(page, HEADING, 1, name))
    page.wait_for_url(lambda url: "edits" not in url)


def test_a_head_that_is_pointed_at_shows_its_own_ribbons(page, app):
    open_machine(page, app)
    page.locator(CANVAS).hover(**at(page, PLACE, 2, 3))
    assert state(page, "only.head") == 3
    page.mouse.move(5, 5)
    assert state(page, "only") is None


def test_the_first_token_can_be_hidden(page, app):
    open_machine(page, app)
    page.get_by_role("button", name="Hide the first token").click()
    page.wait_for_url("**sink=1**")
    until(page, "state.sink")
    page.get_by_role("button", name="Hide the first token").click()
    page.wait_for_url(lambda url: "sink" not in url)


def test_by_keys_alone(page, app):
    open_machine(page, app, layer=2, head=1)
    last = state(page, "token")
    shown = answers(page)
    press(page, "ArrowUp", "ArrowUp")
    page.wait_for_url(f"**token={last - 2}**")
    assert answers(page) != shown
    press(page, "+")
    inside(page, "blocks.2")
    press(page, "+")
    page.wait_for_url("**inside=1**zoom=**")
    press(page, "-", "-")
    page.wait_for_url(lambda url: "zoom" not in url and "inside" not in url)
    until(page, WHOLE)
    press(page, " ")
    until(page, "state.playing && state.at >= 0")
    press(page, " ")
    until(page, "!state.playing")
    now = state(page, "at")
    press(page, "ArrowRight")
    assert state(page, "at") == now + 1
    press(page, "h", "h", "H")
    page.wait_for_url("**head=2**")
    drawn(page)
    press(page, "H")
    page.wait_for_url("**head=1**")
    drawn(page)
    press(page, "Delete")
    page.wait_for_url("**edits=zero~blocks.2.attn.z~H1**")
    drawn(page)
    press(page, "Delete")
    page.wait_for_url(lambda url: "edits" not in url)
    drawn(page)
    press(page, "Enter")
    page.wait_for_url(f"{app}/?**step=softmax**")
    for part in ("layer=2", "head=1", f"token={last - 2}"):
        assert part in page.url


def test_back_from_the_walk_leads_to_the_same_zoom(page, app):
    open_machine(page, app, layer=1, head=2)
    press(page, "+")
    inside(page, "blocks.1")
    press(page, "+", "+")
    page.wait_for_url("**zoom=**")
    drawn(page)
    view = state(page, "view")
    assert view["k"] > 2
    page.locator(CANVAS).dblclick(**at(page, INSIDE, "blocks.1.attn.pattern", 4, 1))
    page.wait_for_url(f"{app}/?**step=softmax**token=4**key=1**")
    page.wait_for_selector("[data-at]")
    ready(page)
    page.go_back()
    page.wait_for_url(f"{app}/?**inside=1**")
    inside(page, "blocks.1")
    drawn(page)
    after = state(page, "view")
    assert [after[part] for part in "kxy"] == pytest.approx([view[part] for part in "kxy"], rel=1e-3, abs=0.2)


def test_where_motion_is_not_wanted_play_is_a_step(visitor, app):
    page = open_machine(visitor({"reduced_motion": "reduce"}, blank=True), app)
    press(page, " ")
    assert (state(page, "at"), state(page, "playing")) == (0, None)
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(600)
    assert (state(page, "at"), state(page, "playing")) == (1, None)
    press(page, "+")
    inside(page, "blocks.0")
    press(page, " ", " ")
    page.wait_for_timeout(600)
    assert (state(page, "at"), state(page, "playing"), state(page, "progress")) == (1, None, 1)


def fits(page: Page, size: tuple[int, int]) -> None:
    """Nothing of the picture and its answers is outside a window of this size."""
    for part in (CANVAS, ".answers"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] + box["height"] <= size[1] and box["x"] + box["width"] <= size[0], (size, part)
    assert page.evaluate(f"() => (c => c.scrollWidth - c.clientWidth)({ROOT}.querySelector('.body'))") == 0


@pytest.mark.parametrize(
    ("model", "scheme"), [("storybook", "light"), ("storybook", "dark"), ("interpreter", "light")]
)
def test_picture_and_answers_fit_the_window(visitor, app, scheme, model):
    page = visitor({"color_scheme": scheme}, blank=True)
    for size in [(1280, 720), (1024, 768), (1920, 1080)]:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        fits(open_machine(page, app, model=model), size)


def test_on_a_phone_the_picture_is_scrolled_and_the_answers_stand_above_it(visitor, app):
    page = open_machine(visitor({"viewport": {"width": 390, "height": 844}}, blank=True), app)
    wide, room = page.evaluate(f"() => (c => [c.scrollWidth, c.clientWidth])({ROOT}.querySelector('.body'))")
    assert wide > room and page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = [page.locator(part).first.bounding_box()["y"] for part in (".answers", CANVAS)]
    assert tops[0] < tops[1]


def test_more_examples_are_a_click_away(page, app):
    open_machine(page, app)
    chips = page.locator(".examples .example:visible")
    assert chips.count() == 4
    page.get_by_role("button", name="more …").click()
    assert chips.count() > 6
    page.get_by_role("button", name="fewer").click()
    assert chips.count() == 4


@pytest.mark.parametrize("name", ["interpreter", "digits", "captioner", "wordfinder"])
def test_other_families_have_a_picture_with_colours(page, app, name):
    page.goto(f"{app}/?model={name}")
    drawn(page)
    colours = page.evaluate(
        f"""() => new Set(new Uint32Array({ROOT}.querySelector('canvas').getContext('2d')
            .getImageData(0, 0, 900, 380).data.buffer)).size"""
    )
    assert colours > 50 and len(answers(page)) == 5


def test_a_matrix_that_is_entered_has_the_colours_of_the_theme(visitor, app):
    page = visitor(step="machine", layer=1, token=6, inside=1)
    page.keyboard.press("Escape")
    page.locator(CANVAS).first.focus()
    page.keyboard.press("+")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-part^=matrix-] .gb[data-sig]")
    page.wait_for_timeout(800)  # it is carried over
    coloured = """() => {
        const canvas = document.querySelector('[data-part^=matrix-] canvas');
        const all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return all.some((blue, i) => i % 4 === 2 && blue - all[i - 2] > 40);
    }"""
    assert page.evaluate(coloured)
