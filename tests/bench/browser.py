"""From an action to its picture, in headless Chromium: python -m tests.bench.browser"""

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import torch
from playwright.sync_api import Browser, Page

import engine
from app.architecture import GLANCE, STEPS
from engine.config import Config
from tests.bench import large
from tests.bench.prompts import prompts
from tests.bench.report import machine, median, table
from tests.bench.stopwatch import Seen, act, context, load
from tests.serving import chromium, idle, server

TRIES = 10
LOADS = 5
ROUNDS = 3  # of all steps
BARE = Path(__file__).with_name("bare.py")
HEAD = ("action", "painted ms", "target", "× target", "fastest–slowest", "sent", "answered", "messages", "KB")
STILL = "__probe.still()"
PATTERN = "attn.pattern"
MATRIX = f"[data-part^='matrix-{PATTERN}']"


def main() -> None:
    machine()
    texts = prompts(TRIES + 2)
    with chromium() as browser:
        first = _first_page(browser, texts[0])
        with server() as app:
            _loads(browser, app.url, texts[0], first)
            page = context(browser).new_page()
            _open(page, app.url, texts[0], "softmax")
            rows = [
                *_heads(page),
                *_layers(page),
                *_tokens(page),
                *_cells(page),
                *_new_prompts(page, texts[1:]),
            ]
            _open(page, app.url, texts[0], "heads")
            rows += [_row("layer, with all heads as thumbnails", _thumbs(page), 150)]
            rows += _steps(page)
            rows += _machine(context(browser).new_page(), app.url, texts)
            charts = _charts(context(browser).new_page(), app.url, texts[0])
        with server(command=large.__name__) as app:
            rows += _large(context(browser).new_page(), app.url, texts)
            rows.append(_all_heads(context(browser).new_page(), app.url, texts))
        rows.append(_row("Streamlit alone: a button and a text", _bare(browser), None))
    table(f"From the action to the paint, {TRIES} tries each, 32 tokens, 1280 × 720", HEAD, rows)
    head = ("chart, drawn by the page alone", "painted ms", "target", "× target", "fastest–slowest")
    table(f"Charts, {TRIES} tries each", head, charts)


def _row(name: str, seen: list[Seen], target: float | None, sight: int = 0) -> list:
    """A line of the table: the medians of one kind of action."""
    ms = [s.ms[sight] for s in seen]
    sent, answered = ([t for t in (getattr(s, when) for s in seen) if t] for when in ("sent", "answered"))
    return [
        name,
        median(ms),
        target,
        median(ms) / target if target else None,
        _spread(ms),
        median(sent) if sent else None,
        median(answered) if answered else None,
        f"{median(s.messages for s in seen):g}",
        median(s.kilobytes for s in seen),
    ]


# --- loading -------------------------------------------------------------------------------------


def _link(url: str, text: str, step: str) -> str:
    return f"{url}/?{urlencode({'step': step, 'prompt': text, 'key': 0})}"  # else the strongest is picked


def _open(page: Page, url: str, text: str, step: str) -> float:
    return load(page, _link(url, text, step), f"__probe.drawn('{PATTERN}')")


def _first_page(browser: Browser, text: str) -> tuple[float, float]:
    """Milliseconds until a new server is ready, and from then until its first picture."""
    with server() as app:
        return app.boot * 1000, _open(context(browser).new_page(), app.url, text, "softmax")


def _loads(browser: Browser, url: str, text: str, first: tuple[float, float]) -> None:
    cold, warm = [], []
    for _ in range(LOADS):
        with context(browser) as visitor:
            cold.append(_open(visitor.new_page(), url, text, "softmax"))
            warm.append(_open(visitor.new_page(), url, text, "softmax"))
    rows = [
        ["the server's process to the first picture (1 try)", sum(first), 6000, sum(first) / 6000],
        ["of which until the server is ready", first[0], None, None],
        [f"page load to the first picture, empty browser cache ({LOADS})", median(cold), None, None],
        [f"page load to the first picture, again ({LOADS})", median(warm), None, None],
    ]
    table("First page", ("what", "ms", "target", "× target"), rows)


# --- choices -------------------------------------------------------------------------------------


def _whole(layer: int, head: int, token: int, key: int) -> str:
    """The arithmetic of this cell stands there and the script has ended."""
    return f"__probe.byHand('blocks.{layer}.{PATTERN}[{head}, {token}, {key}]') && {STILL}"


def _choose(page: Page, kind: str, i: int, *sights: str) -> Seen:
    return act(page, "click", page.locator(f".choice.{kind}[data-i='{i}']").click, *sights)


def _around(count: int) -> list[int]:
    """TRIES + 1 indices below `count`, each unlike the one before; the first is not 0."""
    return [(1 + i) % count for i in range(TRIES + 1)]


def _sweep(page: Page, kind: str, count: int, drawn: str, whole: Callable[[int], str]) -> list[Seen]:
    """Each layer or head in turn, then 0 again: its picture (`drawn`, for its number), the whole page."""
    seen = []
    for i in _around(count):
        picture = f"__probe.drawn('{drawn.format(i)}')"
        seen.append(_choose(page, kind, i, picture, f"{picture} && {whole(i)}"))
    _choose(page, kind, 0, whole(0))
    return seen[1:]


def _heads(page: Page) -> list[list]:
    seen = _sweep(page, "head", _config().heads, f"{PATTERN}||{{}}|", lambda head: _whole(0, head, 31, 0))
    before = f"{max(s.before for s in seen)} messages had come in"
    return [
        _row(f"head: the picture ({before})", seen, 33),
        _row("head: the whole page", seen, 150, sight=1),
    ]


def _layers(page: Page) -> list[list]:
    seen = _sweep(
        page, "layer", _config().layers, f"blocks.{{}}.{PATTERN}", lambda layer: _whole(layer, 0, 31, 0)
    )
    return [
        _row("layer: the picture", seen, 150),
        _row("layer: the whole page", seen, 150, sight=1),
    ]


def _tokens(page: Page) -> list[list]:
    seen = []
    for token in range(30, 30 - 2 * TRIES - 2, -2):
        picture = f"__probe.drawn('{PATTERN}||0|{token},0')"
        seen.append(_choose(page, "token", token, f"{picture} && {_whole(0, 0, token, 0)}"))
    return [_row("token: the whole page", seen[1:], 150)]


def _cells(page: Page) -> list[list]:
    """The pointer over cells of the heat map, and clicks on them."""
    canvas = page.locator(f"{MATRIX} canvas")
    canvas.scroll_into_view_if_needed()
    box, hovers, clicks = canvas.bounding_box(), [], []
    for i in range(TRIES + 1):
        x = box["x"] + box["width"] * (0.45 + 0.045 * i)
        y = box["y"] + box["height"] * (0.45 + 0.045 * (i * 4 % 11))
        over, picked = page.evaluate(f"[__probe.hovered(), __probe.picked('{PATTERN}')]")
        sight = f"!['', '{over}'].includes(__probe.hovered())"
        hovers.append(act(page, "pointermove", lambda x=x, y=y: page.mouse.move(x, y), sight))
        here = f"__probe.picked('{PATTERN}')"
        cell = f"`{PATTERN}[0, ${{{here}.replace(',', ', ')}}]`"
        sight = f"{here} !== '{picked}' && __probe.byHand({cell}) && {STILL}"
        clicks.append(act(page, "click", lambda x=x, y=y: page.mouse.click(x, y), sight))
    return [
        _row("pointer over a cell: its tooltip", hovers[1:], 33),
        _row("click on a cell: its arithmetic", clicks[1:], 150),
    ]


def _new_prompts(page: Page, texts: list[str]) -> list[list]:
    box, seen = page.locator("[data-part=prompt] textarea"), []
    for text in texts:
        old = page.locator(f"{MATRIX} .gb").get_attribute("data-sig")
        source = old[: old.index("|blocks")]
        box.fill(text)
        picture = f"__probe.drawn('{PATTERN}') && !__probe.drawn({source!r})"
        whole = f"{picture} && __probe.byHand('blocks.0.{PATTERN}[0, 31, ') && {STILL}"  # at the strongest key
        seen.append(act(page, "keydown", lambda: box.press("Enter"), picture, whole))
    return [
        _row("new prompt: the picture", seen[1:], 200),
        _row("new prompt: the whole page", seen[1:], 200, sight=1),
    ]


MACHINE = "document.querySelector('[data-kind=machine] .gb')"
CANVAS = "[data-kind=machine] canvas"


def _machine(page: Page, url: str, texts: list[str], model: str = "", wanted: float = 200) -> list[list]:
    """The picture of the whole model: of a new prompt, zoomed by the wheel frame by frame, pointed at; and a
    block opened, zoomed and played."""
    called = f"machine{model and ', '}{model}"
    link = {"prompt": texts[0]} | ({"model": model} if model else {})
    load(page, f"{url}/?{urlencode(link)}", f"{MACHINE}?.dataset.sig")
    box, seen = page.locator("[data-part=prompt] textarea"), []
    for text in texts[1:]:
        old = page.evaluate(f"{MACHINE}.dataset.sig")
        box.fill(text)
        sight = f"{MACHINE}.dataset.sig !== {old!r}"
        seen.append(act(page, "keydown", lambda: box.press("Enter"), sight))
    page.locator(CANVAS).focus()
    page.locator(CANVAS).hover()
    zoomed = page.evaluate("selector => __probe.zoomed(selector)", CANVAS)
    page.locator(CANVAS).press("0")
    return [
        _row(f"{called}: from a new prompt to the picture", seen[1:], wanted),
        _frames(f"{called}: a frame while zooming", zoomed, 20),
        _row(f"{called}: pointer over a cell", _pointed(page), 33),
        _row(f"{called}: another token's lane", _lanes(page), 33),
        *_inside(page, called),
    ]


def _spread(ms: list[float]) -> str:
    return f"{min(ms):.0f}–{max(ms):.0f}"


def _pass(text: str) -> float:
    """Milliseconds of a forward pass of the large model, on one thread as the app computes."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    engine.run(large.large(), text)
    return (time.perf_counter() - start) * 1000


def _frames(name: str, ms: list[float], target: float) -> list:
    return [name, median(ms), target, median(ms) / target, _spread(ms), None, None, "0", 0]


def _pointed(page: Page) -> list[Seen]:
    box, seen = page.locator(CANVAS).bounding_box(), []
    for i in range(TRIES + 1):
        x, y = box["x"] + box["width"] * (0.2 + 0.06 * i), box["y"] + box["height"] * (0.3 + 0.05 * i)
        over = page.evaluate(f"{MACHINE}.dataset.hover ?? ''")
        sight = f"!['', {over!r}].includes({MACHINE}.dataset.hover) && !{MACHINE}.__state.pending"
        seen.append(act(page, "pointermove", lambda x=x, y=y: page.mouse.move(x, y), sight))
    return seen[1:]


def _lanes(page: Page) -> list[Seen]:
    seen = []
    for _ in range(TRIES + 1):
        now = page.evaluate(f"{MACHINE}.__state.token")
        sight = f"{MACHINE}.__state.token !== {now} && !{MACHINE}.__state.pending"
        seen.append(act(page, "keydown", lambda: page.locator(CANVAS).press("ArrowUp"), sight))
    return seen[1:]


def _inside(page: Page, called: str) -> list[list]:
    """Blocks opened one after the other; the last is zoomed and played."""
    block, seen, now = page.get_by_label("Open a block"), [], 0
    last = block.locator("option").count() - 2
    block.select_option("blocks.0")
    idle(page)
    for i in range(TRIES + 1):  # down the list and up again
        key, by = ("ArrowDown", 1) if i // last % 2 == 0 else ("ArrowUp", -1)
        now += by
        opened = f"{MACHINE}.__state.plan.bands && {MACHINE}.__state.h.inside.block === 'blocks.{now}'"
        seen.append(act(page, "keydown", lambda key=key: block.press(key), opened))
    zoomed = page.evaluate("selector => __probe.zoomed(selector)", CANVAS)
    page.locator(CANVAS).press("0")
    idle(page)
    block.select_option("blocks.1")
    page.wait_for_function(f"() => {MACHINE}.__state.plan.bands")
    page.locator(CANVAS).press(" ")
    played = page.evaluate("() => __probe.frames(60)")
    return [
        _row(f"{called}: a block is opened", seen[1:], 200),
        _frames(f"{called}: a frame while zooming inside it", zoomed, 20),
        _frames(f"{called}: a frame while its inside plays", played, 20),
    ]


def _large(page: Page, url: str, texts: list[str]) -> list[list]:
    """The same with a random model of GPT-2 small's shape, whose forward pass is timed by itself, and with a
    long prompt: for how long the page stands still at most until its picture is there."""
    passes = [_pass(text) for text in texts[:TRIES]]
    rows = _machine(page, url, texts, "large", 400 + median(passes))
    rows.insert(0, ["large: its forward pass alone", median(passes), None, None, _spread(passes), *[None] * 4])
    page.locator(CANVAS).press("0")
    box = page.locator("[data-part=prompt] textarea")
    box.fill(" a" * 1000)
    page.evaluate("() => __probe.watch()")
    patient = {"patience": 200_000}
    long = act(
        page, "keydown", lambda: box.press("Enter"), f"{MACHINE}.__state.h.size > 1 && {STILL}", **patient
    )
    block = page.get_by_label("Open a block")
    stands = page.evaluate("() => __probe.stood()")
    inside = act(page, "keydown", lambda: block.press("ArrowDown"), f"{MACHINE}.__state.plan.bands", **patient)
    stood = page.evaluate("() => __probe.stood()")
    return [
        *rows,
        _row("machine, large, 1,001 tokens: from a new prompt to the picture", [long], None),
        _row("machine, large, 1,001 tokens: a block is opened", [inside], None),
        [
            "of these the longest that the page stands still",
            max(stands, stood),
            200,
            max(stands, stood) / 200,
            "",
            *[None] * 4,
        ],
    ]


def _all_heads(page: Page, url: str, texts: list[str]) -> list:
    """All heads of a model of twelve blocks with twelve heads, of a new prompt: until they are painted."""
    root = "document.querySelector('[data-kind=all_heads] .gb')"
    link = {"step": "all_heads", "model": large.NAME, "prompt": texts[0]}
    load(page, f"{url}/?{urlencode(link)}", f"{root}?.dataset.sig")
    box, seen = page.locator("[data-part=prompt] textarea"), []
    for text in texts[1:]:
        old = page.evaluate(f"{root}.dataset.sig")
        box.fill(text)
        seen.append(act(page, "keydown", lambda: box.press("Enter"), f"{root}.dataset.sig !== {old!r}"))
    return _row("all heads, 12 × 12: from a new prompt to the picture", seen[1:], 300)


def _thumbs(page: Page) -> list[Seen]:
    seen = []
    for layer in _around(_config().layers):
        drawn = f"document.querySelector('[data-part=head_grid] .gb').dataset.sig.includes('blocks.{layer}.')"
        hand = f"__probe.byHand('blocks.{layer}.attn.z[')"
        seen.append(_choose(page, "layer", layer, f"{drawn} && {hand} && {STILL}"))
    return seen[1:]


def _steps(page: Page) -> list[list]:
    """Every step ROUNDS times, after a round that does not count; each step by its median."""
    seen = {step: [] for step in STEPS}
    for n in range((ROUNDS + 1) * len(STEPS)):
        i = n % len(STEPS)
        button = page.locator("[data-part=map] .step").nth(len(GLANCE) + i)
        sights = (f"__probe.stepped({i + 1}, {charts}) && {STILL}" for charts in ("false", "true"))
        seen[STEPS[i]].append(act(page, "click", button.click, *sights))
    rows = []
    for sight, name in enumerate(("step", "step, its charts too")):
        each = {step: sorted(all[1:], key=lambda s: s.ms[sight])[ROUNDS // 2] for step, all in seen.items()}
        slowest = max(each, key=lambda step: each[step].ms[sight])
        rows.append(_row(f"{name}: the median of the twelve", list(each.values()), 150, sight))
        rows.append(_row(f"{name}: the slowest, {slowest}", seen[slowest][1:], 150, sight))
    return rows


def _charts(page: Page, url: str, text: str) -> list[list]:
    """Bars and a curve with the library there: made for the first time, and drawn again."""
    rows = []
    for step, chart in (("softmax", "row"), ("layers", "stream")):
        load(page, _link(url, text, step), f"document.querySelector('[data-part=plot-{chart}] [data-sig]')")
        for name, anew, target in (("first draw", True, None), ("drawn again", False, 30)):
            ms = page.evaluate(
                "([chart, anew, tries]) => __probe.redrawn(chart, anew, tries)", [chart, anew, TRIES]
            )
            share = median(ms) / target if target else None
            rows.append([f"{step}, {chart}: {name}", median(ms), target, share, f"{min(ms):.0f}–{max(ms):.0f}"])
    return rows


def _bare(browser: Browser) -> list[Seen]:
    with server(BARE) as app:
        page = context(browser).new_page()
        load(page, app.url, "document.querySelector('[data-testid=stText]')")
        return [_press(page, n) for n in range(1, TRIES + 2)][1:]


def _press(page: Page, n: int) -> Seen:
    said = f"document.querySelector('[data-testid=stText]').textContent === 'pressed {n} times' && {STILL}"
    return act(page, "click", page.get_by_role("button", name="Again").click, said)


@cache
def _config() -> Config:
    return engine.load(device="cpu").config


if __name__ == "__main__":
    main()
