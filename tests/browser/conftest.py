"""One server and one Chromium for all; every page is watched, and any trouble on it fails the test."""

import shutil

import pytest
from playwright.sync_api import Page

from tests.app.folders import gpt2, pickled
from tests.browser.reading import go
from tests.serving import TOURED, chromium, server

WINDOW = {"width": 1280, "height": 720}
LOOK = {"color_scheme", "reduced_motion"}  # options that a page has by itself


@pytest.fixture(scope="package")
def app(tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    gpt2(models / "tiny-gpt2")
    pickled(shutil.copytree(models / "tiny-gpt2", models / "pickled"))
    with server(models=models) as running:
        yield running.url


@pytest.fixture(scope="package")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def contexts(browser):
    """contexts(options) -> the browser context with these options, one for all visitors: it keeps the scripts
    that it has loaded."""
    made = {}

    def context(options: dict):
        key = repr(sorted(options.items()))
        if key not in made:
            made[key] = browser.new_context(viewport=WINDOW, accept_downloads=True, **options)
            made[key].add_init_script(TOURED)
        return made[key]

    yield context
    for one in made.values():
        one.close()


def visitors(app, contexts):
    """visitor(options, step=…, layer=…) -> the page of a new visitor, opened by that link, or blank."""
    pages, troubles = [], []

    def open(options: dict | None = None, blank: bool = False, **link) -> Page:
        rest = dict(options or {})
        window, look = rest.pop("viewport", WINDOW), {name: rest.pop(name) for name in LOOK & rest.keys()}
        page = contexts(rest).new_page()
        pages.append(page)
        page.set_viewport_size(window)
        page.emulate_media(**look)
        watch(page, app, troubles)
        return page if blank else go(page, app, **link)

    yield open
    for page in pages:
        page.close()
    assert not troubles


visitor = pytest.fixture(visitors, name="visitor")
lodger = pytest.fixture(visitors, scope="module", name="lodger")  # who stays until a file's tests have ended


@pytest.fixture(scope="module")
def page(lodger):
    """One blank page for a file's tests."""
    return lodger(blank=True)


def watch(page: Page, app: str, troubles: list[str]) -> None:
    """Note what must never happen: an error, a dialog, a request to another host."""
    own = (app, app.replace("http", "ws"), "data:", "blob:")
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("console", lambda m: troubles.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("request", lambda r: None if r.url.startswith(own) else troubles.append(f"request: {r.url}"))
    page.on("websocket", lambda s: None if s.url.startswith(own) else troubles.append(f"socket: {s.url}"))

    def refuse(dialog):
        troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", refuse)
