"""From a trusted action in the browser to the frame that shows what it did."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from tests.serving import TOURED, idle

PROBE = Path(__file__).with_name("probe.js")
SIZE = {"width": 1280, "height": 720}


@dataclass(frozen=True)
class Seen:
    """One action: when each awaited sight was painted, and what the websocket carried for it."""

    ms: list[float]  # from the action to the paint, one for each sight
    sent: float | None  # ms to the first message to the server
    answered: float | None  # ms to the last message from it
    before: int  # messages that had come in when the first sight was there
    messages: int  # messages that came in
    kilobytes: float  # and their size


def context(browser: Browser) -> BrowserContext:
    """A new visitor, with nothing in the browser's cache."""
    made = browser.new_context(viewport=SIZE)
    made.add_init_script(path=PROBE)
    made.add_init_script(TOURED)
    return made


def load(page: Page, url: str, sight: str) -> float:
    """Milliseconds from the start of the navigation until `sight`, a JavaScript condition, is painted."""
    page.goto(url, wait_until="commit")
    ms, _ = page.evaluate(f"() => __probe.painted(() => {sight}, 60000)")
    idle(page)
    return ms


def act(page: Page, event: str, do: Callable[[], object], *sights: str, patience: int = 20_000) -> Seen:
    """Do something that ends in a trusted `event` and wait until each of `sights` is painted."""
    page.evaluate("event => __probe.arm(event)", event)
    waits = ", ".join(f"__probe.painted(() => {sight}, {patience})" for sight in sights)
    page.evaluate(f"() => {{ window.__shown = Promise.all([{waits}]) }}")
    do()
    shown = page.evaluate("() => __shown")
    idle(page)
    return _seen(shown, *page.evaluate("() => [__probe.at, __probe.messages]"))


def _seen(shown: list[list[float]], at: float, messages: list[dict]) -> Seen:
    out = [m["time"] - at for m in messages if not m["incoming"]]
    incoming = [m for m in messages if m["incoming"]]
    return Seen(
        ms=[ms for ms, _ in shown],
        sent=min(out, default=None),
        answered=max((m["time"] - at for m in incoming), default=None),
        before=shown[0][1],
        messages=len(incoming),
        kilobytes=sum(m["bytes"] for m in incoming) / 1024,
    )
