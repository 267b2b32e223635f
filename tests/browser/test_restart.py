"""A server that is killed and comes back: what is done on the page that stayed open is not lost."""

import os
import signal
from urllib.parse import urlsplit

from tests.browser.reading import arrived, go, on_map, ready
from tests.serving import APP, server

CONNECTED = "document.querySelector('[data-testid=stApp]').dataset.testConnectionState === 'CONNECTED'"


def test_the_first_action_after_a_restart_is_done(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    with server() as first:
        go(page, first.url, step="scores", layer=2)
        page.locator(".choice.head[data-i='1']").click()
        page.wait_for_url("**head=1**")
        ready(page)
        os.kill(first.pid, signal.SIGKILL)
        page.wait_for_function(f"() => !({CONNECTED})")
        page.locator(".choice.token[data-i='3']").click()  # while there is no server
    with server(APP, port=urlsplit(first.url).port):
        page.wait_for_function(f"() => {CONNECTED}", timeout=60_000)
        on_map(page, 6).click()  # the first that its new session hears of
        arrived(page, 6)
        page.wait_for_url("**step=softmax**")
        assert all(part in page.url for part in ("layer=2", "head=1", "token=3"))
        assert page.locator("[data-testid=stException]").count() == 0
    context.close()
