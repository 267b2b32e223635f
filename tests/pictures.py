"""The pictures of README.md, made anew: python run.py python -m tests.pictures"""

from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Page

from tests.serving import TOURED, chromium, idle, server

FOLDER = Path(__file__).parents[1] / "assets" / "pictures"
WINDOW = {"width": 1280, "height": 800}
COLOURS = 128
DRAWN = """() => [...document.querySelectorAll('.gb:has(.foot)')]
    .every(g => g.dataset.sig || g.getBoundingClientRect().top > innerHeight)"""
PAGES = {  # file -> address
    "machine": ("", {}),
    "scores": ("", {"step": "scores", "layer": 2, "head": 3, "token": 8, "key": 1}),
    "families": ("families", {}),
    "models": ("model", {}),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with server() as app, chromium() as browser:
        for name, (path, link) in PAGES.items():
            page = browser.new_page(viewport=WINDOW)
            page.add_init_script(TOURED)
            page.goto(f"{app.url}/{path}?{urlencode(link)}")
            save(page, FOLDER / f"{name}.png")
            page.close()


def save(page: Page, file: Path) -> None:
    """A picture of what is seen, with as few colours as will do."""
    page.wait_for_selector(".gb figure")
    idle(page, quiet=2500)
    page.wait_for_function(DRAWN)
    page.wait_for_timeout(1000)  # charts are drawn in the frames after
    shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
    shot.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file}: {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
