"""Reading what stands on the page, and doing what a hand does."""

import re
from urllib.parse import quote, urlencode

from playwright.sync_api import Locator, Page

from app.architecture import STEPS
from tests.serving import idle

NAMELESS = """() => [...document.querySelectorAll('.gb button, .gb input, .gb select, .gb textarea')]
    .filter(b => b.offsetParent && !(b.textContent.trim() || b.ariaLabel || b.title))
    .filter(b => !b.labels?.[0]?.innerText.trim()).map(b => b.outerHTML)"""
UNLABELLED = """() => [...document.querySelectorAll('.gb canvas')]
    .filter(c => !c.closest('[aria-label]')?.ariaLabel.trim()).length"""
# The picture of a point: the component whose foot names it.
FIND = """point => [...document.querySelectorAll('.gb')]
    .find(g => g.querySelector('.foot code')?.textContent.startsWith(point + '  '))"""
ALL_DRAWN = "[...document.querySelectorAll('.gb:has(.foot)')].every(g => g.dataset.sig || !g.offsetParent)"
COLOURS = """() => [...document.querySelectorAll('.gb canvas')]
    .filter(c => c.offsetParent && !c.closest('.pick, .example')).map(c => {
    const words = new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer);
    return new Set(words).size;
})"""


def ready(page: Page) -> None:
    """Wait until the script has ended and every picture and chart is drawn."""
    page.wait_for_selector(".gb :is(.prompt, .drawing)")
    idle(page)
    page.wait_for_function(f"() => {ALL_DRAWN}")


def go(page: Page, app: str, **link) -> Page:
    """Open a link, of the first numbered step if it names none, and wait for the page; what the server answered
    is kept as `page.response`."""
    link = {"step": STEPS[0]} | link
    page.response = page.goto(f"{app}/?{urlencode(link, quote_via=quote)}")
    ready(page)
    return page


def step(page: Page) -> int:
    """The index of the step that is shown among the numbered ones."""
    return int(page.get_attribute("[data-number]", "data-number"))


def on_map(page: Page, number: int) -> Locator:
    """A numbered step's button on the map."""
    return page.locator("[data-part=map] .step:has(small)").nth(number)


def arrived(page: Page, number: int) -> None:
    page.wait_for_selector(f"[data-number='{number}']")
    page.get_by_role("heading", name=re.compile(rf"^{number + 1}\. ")).wait_for()
    ready(page)


def walk(page: Page, steps: int = len(STEPS)) -> list[dict]:
    """What is on the page at each step, on the way there by the right arrow key."""
    return [_look(page, number) for number in range(steps)]


def _look(page, number: int) -> dict:
    if number:
        page.keyboard.press("ArrowRight")
    arrived(page, number)
    return {
        "colours": colours(page),
        "nameless": page.evaluate(NAMELESS),
        "unlabelled": page.evaluate(UNLABELLED),
        "lights": page.locator(".light").all_inner_texts(),
        "link": page.url,
        "errors": page.locator("[data-testid=stException]").count(),
    }


def colours(page: Page) -> list[int]:
    """How many colours each picture on the page has, the faces of buttons left out: 1 is a blank one."""
    return page.evaluate(COLOURS)


def picture(page: Page, point: str):
    """The picture of a point, ready to be clicked in and read."""
    page.wait_for_function(f"point => ({FIND})(point)?.dataset.sig", arg=point)
    return page.evaluate_handle(FIND, point).as_element()


def pick_of(picture) -> list[int]:
    """The picked cell of a matrix."""
    return [int(i) for i in picture.get_attribute("data-sig").split("|")[-1].split(",")]


def boxes(page: Page) -> dict[tuple[str, tuple[int, ...]], float]:
    """The arithmetic on the page: (point, cell) -> the number that the box says the model has."""
    texts = page.locator(".hand").all_text_contents()  # all but one are folded
    found = (
        re.search(r"([\w.]+)\[([\d, ]+)\].*(?:the model|shown above|this what-if) ([−\d.e∞]+)", text, re.DOTALL)
        for text in texts
    )
    return {(m[1], tuple(map(int, m[2].split(", ")))): number(m[3]) for m in found}


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("∞", "inf"))
