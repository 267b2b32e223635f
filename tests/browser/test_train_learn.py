"""A model that learns, in a browser: start, the loss falls, pause, scrub, open in the Walk, leave."""

import time

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.reading import NAMELESS, UNLABELLED
from tests.serving import idle

SMALL = "width=16,layers=1,heads=2,batch=16,steps=4000"


@pytest.fixture
def train(visitor, app):
    page = visitor(blank=True)
    page.goto(f"{app}/train?train=learn&learn={SMALL}")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible(timeout=200_000)
    idle(page)
    return page


def jobs() -> list[psutil.Process]:
    """The processes of jobs."""
    found = []
    for one in psutil.process_iter(["cmdline"]):
        if "engine.training.jobs" in (one.info["cmdline"] or []) and "lesson" in one.info["cmdline"]:
            found.append(one)
    return found


def test_start_see_it_learn_pause_scrub_open_it_and_leave(train, app):
    page, before = train, {one.pid for one in jobs()}
    assert page.evaluate(NAMELESS) == [] and page.evaluate(UNLABELLED) == 0
    box = page.locator('[data-part="learn-answers"]').bounding_box()
    assert box["y"] + box["height"] < 720  # what the untrained model answers is in sight
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Running.")).to_be_visible(timeout=200_000)
    slider = page.locator('[data-part="control-learn-kept"] input')
    expect(slider).to_be_visible(timeout=200_000)
    box = page.locator('[data-part="plot-loss"]').bounding_box()
    assert (top := box["y"]) + box["height"] < 720  # and so is what moves
    page.wait_for_function(
        "() => document.querySelector('[data-part=control-learn-kept] input')?.max >= 4",
        timeout=200_000,
    )
    assert page.locator('[data-part="plot-loss"]').bounding_box()["y"] == top  # nothing jumps
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text("Paused.")).to_be_visible()
    idle(page)
    told = page.locator('[data-part="plot-loss"]').inner_text()
    losses = [float(word.rstrip(";.")) for word in told.split() if word.replace(".", "").rstrip(";").isdigit()]
    assert losses and min(losses) < 2.4
    slider.focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("after step 0", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Open checkpoint 0 in the Walk").click()
    page.wait_for_url(lambda url: "/train" not in url, timeout=200_000)
    expect(page.locator(".gb .prompt textarea").first).to_have_value("cbcgdb=")
    mine = [one for one in jobs() if one.pid not in before]
    page.close()
    end = time.monotonic() + 30
    while [one for one in mine if one.is_running()]:
        assert time.monotonic() < end, "its process stays"
        time.sleep(0.3)


def test_the_newest_checkpoint_is_opened_while_others_come(train):
    train.get_by_role("button", name="Start", exact=True).click()
    train.wait_for_function(
        "() => document.querySelector('[data-part=control-learn-kept] input')?.max >= 2", timeout=200_000
    )
    train.get_by_role("button", name="Open the newest checkpoint in the Walk").click()
    train.wait_for_url(lambda url: "/train" not in url, timeout=200_000)
    expect(train.locator(".gb .prompt textarea").first).to_have_value("cbcgdb=")
    idle(train)
    assert "/train" not in train.url  # no late tick of the page that was left leads back
