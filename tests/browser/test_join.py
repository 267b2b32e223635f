"""A class opens the app at this machine's address in the network; the code on the page leads there."""

import pytest
import segno

from app.address import of_this_machine
from tests.browser.conftest import watch
from tests.browser.reading import go
from tests.serving import APP, server

ADDRESSES = of_this_machine()
QUIET = 4  # modules around a code
DARK = """(canvas, side) => {
    const g = canvas.getContext('2d'), step = canvas.width / side;
    const dark = (x, y) => g.getImageData((x + 0.5) * step, (y + 0.5) * step, 1, 1).data[0] < 128;
    return [...Array(side).keys()].map(y => [...Array(side).keys()].map(x => Number(dark(x, y))));
}"""


@pytest.mark.skipif(not ADDRESSES, reason="this machine is in no network")
def test_the_code_leads_to_the_page_that_others_open(browser):
    with server(APP, "--server.address", "0.0.0.0") as app:
        url, troubles = app.url.replace("127.0.0.1", ADDRESSES[0]), []
        page = browser.new_context(color_scheme="dark").new_page()
        watch(page, url, troubles)
        go(page, url)
        page.get_by_role("link", name="Join").click()
        canvas = page.wait_for_selector(".qr canvas")
        wanted = [list(row) for row in segno.make(url, micro=False).matrix_iter(border=QUIET)]
        assert canvas.evaluate(DARK, len(wanted)) == wanted
        assert page.locator(".qr a").first.get_attribute("href") == url
        assert url in canvas.get_attribute("aria-label")
    assert not troubles
