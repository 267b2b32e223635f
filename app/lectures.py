"""Where each slide of the lectures lives, and what of them does not hold: the lists of assets/text."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import engine
from app.text import FOLDER

VIEWS = Path(__file__).parent / "views"
FOLDERS = {"": "walk", "model": "models"}  # pages whose address is not the name of their folder


@dataclass(frozen=True)
class Item:
    """Something a slide asks a reader to understand, and the link to where it is live."""

    says: str
    link: str

    @property
    def page(self) -> str:
        """The page of the link: empty for the walk."""
        return self.link[1:].partition("?")[0]

    @property
    def there(self) -> bool:
        """Is there such a page yet?"""
        folder = FOLDERS.get(self.page, self.page.replace("-", "_"))
        return (VIEWS / folder / "page.py").is_file()

    @property
    def model(self) -> str:
        """The model that the link names, if it names one."""
        return parse_qs(urlsplit(self.link).query).get("model", [""])[0]


@dataclass(frozen=True)
class Slide:
    """A slide, or several of one heading, and what is to be understood there."""

    lecture: str
    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Remark:
    """What a slide has, and what is so; `example` shows it, `test` proves it."""

    lecture: str
    place: str
    kind: str
    says: str
    holds: str
    example: str = ""
    test: str = ""


@cache
def _read(name: str) -> dict:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))


@cache
def titles() -> dict[str, str]:
    """The lectures by number."""
    return _read("lectures")["lectures"]


@cache
def planned() -> tuple[str, ...]:
    """Pages that may be linked before they are there."""
    return tuple(_read("lectures")["planned"])


@cache
def slides(lecture: str) -> tuple[Slide, ...]:
    """The slides of a lecture, in their order; without what is shown by a model that is yet to come."""
    found = [slide for slide in _read("lectures")["slide"] if slide["lecture"] == lecture]
    lacking = set(_read("lectures")["coming"]) - set(engine.shipped())
    items = {s["title"]: [Item(*item) for item in s["items"]] for s in found}
    return tuple(
        Slide(lecture, title, tuple(item for item in every if item.model not in lacking))
        for title, every in items.items()
    )


@cache
def remarks(lecture: str) -> tuple[Remark, ...]:
    """What a lecture has that does not hold as it stands, in the order of its slides."""
    return tuple(Remark(**one) for one in _read("remarks")["remark"] if one["lecture"] == lecture)
