"""A walk in three browser engines: every step is drawn, a cell is picked, keys step, a link opens.

Chromium's is a part of the suite. Firefox and WebKitGTK (Safari's engine) are asked for:

    apt-get install firefox-esr webkit2gtk-driver xvfb
    python -m pytest -m engines tests/browser/test_engines.py

What is not installed is left out. Both engines read the same WebDriver actions; see engines.py.
"""

from urllib.parse import parse_qs, urlsplit

import pytest

from app.architecture import STEPS
from tests.browser.engines import ENGINES, SIZE, Chromium
from tests.browser.reading import ALL_DRAWN, COLOURS, FIND
from tests.serving import RUNNING

WITHOUT = {"tokens", "next"}  # the steps without a canvas
POINT = "blocks.0.attn.scores"
BOX = """(e => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })"""
# How far each index or exponent of a formula is from what it belongs to, in its letters' widths.
GAPS = """[...document.querySelectorAll('.gb :is(msub, msup, msubsup)')].flatMap(pair => {
    const [base, ...scripts] = [...pair.children].map(part => part.getBoundingClientRect());
    const em = parseFloat(getComputedStyle(pair).fontSize);
    return scripts.map(script => (script.left - base.right) / em);
})"""
FONT = "[...document.fonts].some(f => f.status === 'loaded' && f.family.includes('Glassbox Math'))"


@pytest.fixture(
    scope="module",
    params=["chromium", *(pytest.param(name, marks=pytest.mark.engines) for name in ("firefox", "webkit"))],
)
def engine(request):
    if request.param == "chromium":
        page = request.getfixturevalue("browser").new_page(viewport=SIZE)
        yield Chromium(page)
        page.close()
    elif request.param in ENGINES:
        with ENGINES[request.param]() as engine:
            yield engine
    else:
        pytest.skip(f"{request.param} is not installed here")


def ready(engine, step: str) -> None:
    """Until a step is there and drawn."""
    number = STEPS.index(step)
    engine.wait(f"document.querySelector('[data-number=\"{number}\"]')")
    engine.wait(f"[...document.querySelectorAll('h3')].some(h => h.textContent.startsWith('{number + 1}. '))")
    engine.wait(f"{RUNNING} === 'notRunning' && {ALL_DRAWN}")


def link(engine) -> dict[str, str]:
    """The fields of the address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(engine.run("location.href")).query).items()}


def test_every_step_is_drawn_on_the_way_by_key(engine, app):
    engine.open(f"{app}/?step={STEPS[0]}")
    for step in STEPS:
        if step != STEPS[0]:
            engine.key("ArrowRight")
        ready(engine, step)
        colours = engine.run(f"({COLOURS})()")
        assert all(count > 2 for count in colours) and bool(colours) == (step not in WITHOUT), step
        assert engine.run("document.querySelectorAll('[data-testid=stException]').length") == 0
        lights = engine.run("[...document.querySelectorAll('.light')].map(l => l.textContent)")
        assert set(lights) <= {"✓"}, step
        assert link(engine)["step"] == step
    assert [engine.run("innerWidth"), engine.run("innerHeight")] == list(SIZE.values())


def test_a_cell_is_picked_by_mouse_and_by_key(engine, app):
    engine.open(f"{app}/?step=scores")
    ready(engine, "scores")
    canvas = f"({FIND})('{POINT}').querySelector('canvas')"
    left, top, width, height = engine.run(f"{BOX}({canvas})")
    engine.click(left + 0.5 * width, top + 0.5 * height)
    engine.wait("location.search.includes('key=')")
    before = {name: int(link(engine)[name]) for name in ("token", "key")}
    engine.run(f"{canvas}.focus()")
    engine.key("ArrowDown")
    engine.key("ArrowLeft")
    engine.wait(f"location.search.includes('token={before['token'] + 1}&key={before['key'] - 1}')")
    cell = f"{before['token'] + 1}, {before['key'] - 1}]"
    engine.wait(f"document.querySelector('.hand code').textContent.includes('{cell}')")


def test_a_link_opens_what_it_says(engine, app):
    engine.open(f"{app}/?prompt=Tom%20had%20a%20cat&step=heads&layer=2&head=3&token=1")
    ready(engine, "heads")
    assert engine.run("document.querySelector('textarea').value") == "Tom had a cat"
    choices = ".choice:is(.token, .layer, .head)[aria-checked=true]"
    marked = f"[...document.querySelectorAll('{choices}')].map(button => button.textContent)"
    assert engine.run(marked) == ["·had", "2", "3"]


@pytest.mark.parametrize(
    "where", ["step=scores", "step=scores&model=bookworm", "step=embeddings&model=interpreter", "step=next"]
)
def test_indices_stand_at_what_they_belong_to(engine, app, where):
    engine.open(f"{app}/?{where}")
    ready(engine, where.partition("&")[0].removeprefix("step="))
    engine.wait(FONT)
    gaps = engine.run(GAPS)
    assert gaps and all(-0.35 < gap < 0.35 for gap in gaps), gaps


def test_the_transpose_does_not_touch_its_matrix(engine, app):
    engine.open(f"{app}/?step=scores&model=bookworm")
    ready(engine, "scores")
    engine.wait(FONT)
    pair = "document.querySelector('[data-part=formula] msup')"
    parts = ("firstElementChild", "lastElementChild.querySelector('mi')")
    (left, _, width, _), (sign, *_) = (engine.run(f"{BOX}({pair}.{part})") for part in parts)
    assert sign > left + width + 1
