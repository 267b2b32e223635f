"""One server and one Chromium for all; every page is watched, and any trouble on it fails the test."""

import shutil

import pytest
from playwright.sync_api import Page

from tests.app.folders import gpt2, pickled
from tests.browser.reading import go
from tests.serving import TOURED, chromium, server

WINDOW = {"width": 1280, "height": 720}


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


@pytest.fixture(scope="module")
def visitor(app, browser):
    """visitor(options, step=…, layer=…) -> the page of a new visitor, opened by that link, or blank."""
    contexts, troubles = [], []

    def open(options: dict | None = None, blank: bool = False, **link) -> Page:
        context = browser.new_context(**{"viewport": WINDOW, "accept_downloads": True} | (options or {}))
        contexts.append(context)
        context.add_init_script(TOURED)
        page = context.new_page()
        watch(page, app, troubles)
        return page if blank else go(page, app, **link)

    yield open
    for context in contexts:
        context.close()
    assert not troubles


@pytest.fixture(scope="module")
def page(visitor):
    """One page for a file's tests, as a new visitor has it."""
    return visitor()


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
