"""Charts in a real browser: the library, pointing and picking, colours, zoom, and lengths that compare."""

import json

import pytest
from playwright.sync_api import Page

from app.components import _spec
from app.ui.figures import bars, graph, series
from tests.app.visit import numbers
from tests.browser.reading import go, number, ready
from tests.serving import idle

LIBRARY = "plotly.min.js"
HOSTILE = ["<b>bold</b>", "<a href='//e.x'>y</a>", "$x$", "%{x}", "a<br>b", "&lt;", "<b>bold</b>"]
# The texts and the links of a figure, drawn aside.
DRAWN = """async (figure) => {
    const {data, layout} = JSON.parse(figure), chart = document.body.appendChild(document.createElement("div"));
    await Plotly.newPlot(chart, data, {...layout, width: 600}, {typesetMath: false});
    const texts = [...chart.querySelectorAll("text")].map(one => one.textContent);
    const found = {texts, links: chart.querySelectorAll("text a").length};
    chart.remove();
    return found;
}"""
RANGE = "gd => gd.layout.xaxis.range.map(x => Math.round(10 * x))"
STYLES = """chart => [[".barlayer path", "fill"], [".ytick text", "fill"], [".main-svg", "background-color"]]
    .map(([one, name]) => getComputedStyle(chart.querySelector(one))[name])"""
ROW = "[data-part=plot-row] .gb"
CANDIDATES = "[data-part=plot-candidates] .gb"
STREAM = "[data-part=plot-stream] .gb"
VIEW = dict(step="softmax", layer=2, head=1, token=6)


def drawn(page: Page, chart: str) -> None:
    """Wait until a chart is drawn by the library."""
    page.locator(chart).scroll_into_view_if_needed()
    page.wait_for_selector(f"{chart}[data-sig] .js-plotly-plot .main-svg")
    idle(page)


def weights() -> list[float]:
    return numbers("blocks.2.attn.pattern")[1, 6, :7].tolist()


@pytest.fixture
def row(page, app) -> Page:
    """The page at one row of the softmax."""
    go(page, app, **VIEW | {"key": 0})
    drawn(page, ROW)
    return page


def at_bar(page: Page, chart: str, i: int, of: int) -> tuple[float, float]:
    """Where on the page the bar i of so many lies, near its beginning."""
    box = page.locator(f"{chart} .nsewdrag").bounding_box()
    return box["x"] + 0.5 * box["width"], box["y"] + box["height"] * (i + 0.5) / of


def tip(page: Page, chart: str) -> str:
    page.wait_for_selector(f"{chart} .tip:not([hidden])")
    return page.locator(f"{chart} .tip").inner_text()


def lengths(page: Page, chart: str) -> list[float]:
    """The lengths of the bars in pixels."""
    boxes = "all => all.map(bar => bar.getBBox().width)"
    return page.locator(f"{chart} .barlayer .trace:last-child .point path").evaluate_all(boxes)


def test_the_library_comes_once_from_our_own_host_and_is_kept(visitor, app, browser):
    context = browser.new_context()
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    for link in (VIEW, dict(step="layers"), dict(step="mlp")):
        go(page, app, **link)
        page.wait_for_selector(".gb[data-sig] .js-plotly-plot .main-svg")
    assert {url.split("?")[0] for url in asked if LIBRARY in url} == {
        f"{app}/component/app.components.plotly/{LIBRARY}"
    }
    assert all(url.startswith((app, app.replace("http", "ws"), "data:", "blob:")) for url in asked)
    entries = page.evaluate("() => performance.getEntriesByType('resource').map(e => [e.name, e.transferSize])")
    assert [size for name, size in entries if LIBRARY in name] == [0]  # from the browser's own cache
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"{STREAM}[data-sig]")
    assert page.locator(f"script[src*='{LIBRARY}']").count() == 1
    context.close()


def test_until_the_library_has_come_the_numbers_stand_there_as_a_table_of_the_same_height(
    visitor, app, browser
):
    context = browser.new_context()
    page, held = context.new_page(), []
    page.route(f"**/{LIBRARY}*", lambda route: held.append(route))
    page.goto(f"{app}/?step=softmax&layer=2&head=1&token=6", wait_until="commit")  # "load" waits for the held
    page.wait_for_selector(f"{ROW} .twin tbody tr")
    read = [number(text) for text in page.locator(f"{ROW} .twin td").all_inner_texts()]
    assert read == pytest.approx(weights(), rel=6e-4)
    before = page.locator(f"{ROW} figure").bounding_box()["height"]
    idle(page)
    page.wait_for_function("() => document.querySelector('script[src*=plotly]')")
    held[0].continue_()
    drawn(page, ROW)
    assert page.locator(f"{ROW} .twin").count() == 0
    assert page.locator(f"{ROW} figure").bounding_box()["height"] == before
    context.close()


def test_pointing_at_a_bar_says_its_exact_number(row):
    row.mouse.move(*at_bar(row, ROW, 3, 7))
    assert number(tip(row, ROW).split(": ")[1].split(" = ")[0]) == pytest.approx(weights()[3], rel=1e-6)


def test_a_click_beside_a_short_bar_picks_it_and_the_chart_is_drawn_again(row):
    before = row.locator(ROW).get_attribute("data-sig")
    shortest = weights().index(min(weights()))
    row.mouse.click(*at_bar(row, ROW, shortest, 7))
    row.wait_for_url(f"**key={shortest}**") if shortest else idle(row)
    row.wait_for_function(
        "([chart, old]) => document.querySelector(chart).dataset.sig !== old", arg=[ROW, before]
    )
    assert row.locator(f"{ROW} .yaxislayer-above .ytick text >> nth={shortest}").inner_html().count("bold")


def test_the_arrow_keys_pick_bar_after_bar_and_say_their_numbers(row):
    row.locator(f"{ROW} [role=img]").focus()
    for key in (1, 2):
        row.keyboard.press("ArrowDown")
        assert number(tip(row, ROW).split(": ")[1].split(" = ")[0]) == pytest.approx(weights()[key], rel=1e-6)
        row.wait_for_url(f"**key={key}**")
    ready(row)
    assert row.locator("[data-number]").get_attribute("data-number") == "6"  # the walk has not stepped


def test_the_arrow_keys_go_along_a_curve(page, app):
    go(page, app, step="layers", token=2)
    drawn(page, STREAM)
    page.locator(f"{STREAM} [role=img]").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    said = tip(page, STREAM)
    size = (numbers("blocks.1.resid_pre")[2] ** 2).sum() ** 0.5
    assert said.startswith("after 0") and number(said.split(": ")[1]) == pytest.approx(size, rel=1e-6)


@pytest.mark.parametrize("token", [8, 11])
def test_bars_of_two_temperatures_are_measured_on_one_axis(page, app, token):
    found = {}
    for temperature in (0.3, 3):
        go(page, app, step="next", temperature=temperature, prompt="Once upon a time there was a")
        drawn(page, CANDIDATES)
        scale = page.locator(f"{CANDIDATES} .nsewdrag").bounding_box()["width"]
        shares = page.evaluate(
            f"() => [...document.querySelector('{CANDIDATES} .js-plotly-plot').data.at(-1).x]"
        )
        assert [pixels / scale for pixels in lengths(page, CANDIDATES)] == pytest.approx(shares, abs=0.005)
        found[temperature] = shares[0]
    assert found[0.3] > found[3]


def test_zoom_is_kept_when_the_script_runs_again_and_goes_on_request(page, app):
    go(page, app, step="layers", token=2)
    drawn(page, STREAM)
    chart = page.locator(f"{STREAM} .js-plotly-plot")
    box = page.locator(f"{STREAM} .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 22, steps=4)
    page.mouse.up()
    reset = page.locator(f"{STREAM} button:text('Reset')")
    reset.wait_for()
    zoomed, sig = chart.evaluate(RANGE), page.locator(STREAM).get_attribute("data-sig")
    page.locator(".choice.token[data-i='4']").click()
    page.wait_for_function(
        "([chart, old]) => document.querySelector(chart).dataset.sig !== old", arg=[STREAM, sig]
    )
    assert chart.evaluate(RANGE) == zoomed
    reset.click()
    page.wait_for_selector(f"{STREAM} button:text('Reset')", state="hidden")
    assert chart.evaluate(RANGE) != zoomed


def test_a_series_is_taken_off_and_put_back_by_its_button(page, app):
    go(page, app, step="residual")
    chart = "[data-part=plot-sizes] .gb"
    drawn(page, chart)
    button = page.locator(f"{chart} .series >> nth=1")
    for count, pressed in ((2, "false"), (3, "true")):
        button.press("Enter")
        page.wait_for_function(
            "([chart, n]) => document.querySelectorAll(chart + ' .scatterlayer .trace').length === n",
            arg=[chart, count],
        )
        assert button.get_attribute("aria-pressed") == pressed


def test_dark_colours_are_others_and_nothing_moves_where_that_is_not_wanted(visitor):
    fills = {}
    for scheme in ("light", "dark"):
        page = visitor({"color_scheme": scheme, "reduced_motion": "reduce"}, **VIEW)
        drawn(page, ROW)
        fills[scheme] = page.locator(ROW).evaluate(STYLES)
        assert (
            page.evaluate(f"() => document.querySelector('{ROW}').getAnimations({{subtree: true}}).length") == 0
        )
    assert all(a != b for a, b in zip(fills["light"], fills["dark"], strict=True))


def test_hostile_labels_are_shown_as_they_were_typed(row):
    """Drawn by the same library, of the same figures as the page's."""
    rows = [{"label": label, "value": i / 10} for i, label in enumerate(HOSTILE)]
    curve = graph([series(HOSTILE[0], [0, 1], [0, 1])], HOSTILE[1], HOSTILE[3], ticks=HOSTILE[:2])
    ticks, names = (row.evaluate(f"figure => ({DRAWN})(figure)", _json(f)) for f in (bars(rows, "", ""), curve))
    assert [text for text in ticks["texts"] if text in HOSTILE] == HOSTILE
    assert {HOSTILE[0], HOSTILE[1], HOSTILE[3]} <= set(names["texts"])
    assert ticks["links"] == names["links"] == 0


def _json(figure) -> str:
    data = [_spec(trace.to_plotly_json()) for trace in figure.data]
    return json.dumps({"data": data, "layout": _spec(figure.layout.to_plotly_json())})


def test_a_hostile_prompt_is_told_as_it_was_typed(page, app):
    go(page, app, step="softmax", prompt="a <b>x</b> %{x} $y$")
    drawn(page, ROW)
    labels = page.locator(".choice.token").all_inner_texts()
    assert page.locator(f"{ROW} .ytick text").all_text_contents() == labels


def test_the_png_and_the_csv_are_of_the_chart(row):
    for tool, starts in (("PNG", b"\x89PNG\r\n\x1a\n"), ("CSV", b"token,weight\r\n")):
        with row.expect_download() as waiting:
            row.locator(f"{ROW} button:text('{tool}')").click()
        data = waiting.value.path().read_bytes()
        assert data.startswith(starts) and len(data) > 100
    values = [float(line.rsplit(",", 1)[1]) for line in data.decode().split("\r\n")[1:]]
    assert values == weights()
