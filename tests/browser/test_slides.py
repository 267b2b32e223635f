"""Where each slide lives, in a real browser: another lecture's list, and a link of it opens beside the page."""

from tests.browser.reading import ready
from tests.serving import idle


def test_a_link_of_the_list_opens_what_it_says(visitor, app):
    page = visitor(blank=True)
    page.goto(f"{app}/by-hand?hand=slides")
    page.wait_for_selector("[data-part=links-where] tbody tr")
    page.get_by_text("002 · Transformers II, pretraining").click()
    page.wait_for_selector("[data-part=links-remarks] td:has-text('scalar parameters')")
    idle(page)
    with page.context.expect_page() as opened:
        page.locator("[data-part=links-where] a", has_text="Softmax").first.click()
    other = opened.value
    ready(other)
    assert "step=softmax" in other.url and "hand=slides" in page.url
    other.close()
