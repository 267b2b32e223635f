"""Fine-tuning in a browser: train LoRA, see what it added and its light, and leave no process."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WINDOW
from tests.serving import idle

QUICK = "part=lora,count=4,steps=2,rank=2"


@pytest.fixture
def tune(visitor, app):
    """tune(settings) -> the page, opened by a link."""
    page = visitor(blank=True)

    def open(settings: str):
        page.goto(f"{app}/train?train=tune&tune={settings}")
        expect(page.locator('[data-part="control-tune.part"]')).to_be_visible(timeout=30_000)
        idle(page)
        return page

    return open


def test_the_first_screen_has_a_chart(tune):
    box = tune("part=ways").locator('[data-part="plot-ways"] .main-svg').first.bounding_box()
    assert box["y"] + box["height"] < WINDOW["height"] and box["width"] > 400


def test_lora_is_trained_in_the_page(tune):
    page = tune(QUICK)
    page.get_by_role("button", name="Train LoRA").click()
    expect(page.locator('[data-part="matrix-delta"] canvas').first).to_be_visible(timeout=90_000)
    expect(page.locator('[data-part="matrix-delta"]')).to_contain_text("equals applied")
    expect(page.get_by_role("button", name="Train LoRA")).to_be_visible(timeout=60_000)  # it is done
    expect(page.locator("body")).to_contain_text("A book it never read costs")
