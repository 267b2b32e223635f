"""Where each slide of the lectures lives, and what of them does not hold as it stands."""

from urllib.parse import parse_qsl

from app import components, lectures, state
from app.lectures import Item, Slide
from app.text import plain, say
from app.ui.controls import choice_of
from app.ui.page import text
from engine.examples import shipped


def draw() -> None:
    names = {number: f"{number} · {title}" for number, title in lectures.titles().items()}
    lecture = state.noted("lecture", next(iter(names)))
    choice_of("lecture", say("slides", "lecture"), lecture, names, lambda one: state.note("lecture", one))
    _where(lectures.slides(lecture))
    _remarks(lecture)


def _where(slides: tuple[Slide, ...]) -> None:
    items = [item for slide in slides for item in slide.items]
    there = sum(item.there for item in items)
    waiting = {"waiting": there < len(items)}
    text(say("slides", "counted", waiting, slides=len(slides), items=len(items), there=there))
    rows = [
        [slide.title if not i else "", item.says, _link(item)]
        for slide in slides
        for i, item in enumerate(slide.items)
    ]
    _table("where", rows)


def _link(item: Item) -> dict | str:
    """The place of an item as a link that reads as its page and what it shows there."""
    if not item.there:
        return plain(say("slides", "later", page=item.page))
    page, _, query = item.link[1:].partition("?")
    name = query.removeprefix("example=")
    if name != query:
        return _example(name, f"{_page(page)}: ")
    shown = ", ".join(filter(None, (_called(*each) for each in parse_qsl(query))))
    return {"text": ": ".join(filter(None, (_page(page), shown))), "href": f".{item.link}"}


NAMES = {"step": "walk", "part": "decode", "hand": "by_hand", "cutting": "tokenizers"}  # whose texts name it
INNER = ("letter", "task")  # what the page shows by itself


def _called(field: str, value: str) -> str:
    """What a link sets, as the page calls it."""
    if field in NAMES:
        return plain(say(NAMES[field], f"{value}/name"))
    if field == "train":
        return plain(say("train", value))
    return "" if field in INNER else f"{field} {value}" if value.isdigit() else value


def _page(page: str) -> str:
    return plain(say("slides", f"page/{page or 'walk'}"))


def _remarks(lecture: str) -> None:
    text(say("slides", "remarks"))
    rows = [
        [one.place, plain(say("slides", f"kind/{one.kind}")), one.says, one.holds, _example(one.example)]
        for one in lectures.remarks(lecture)
    ]
    _table("remarks", rows)


def _example(name: str, before: str = "") -> dict | str:
    return {"text": before + shipped(name).title, "href": f"./by-hand?example={name}"} if name else ""


def _table(name: str, rows: list[list]) -> None:
    heads = plain(say("slides", f"{name}/heads")).split(" | ")
    components.links(
        f"links-{name}", {"say": plain(say("slides", f"{name}/say")), "heads": heads, "rows": rows}
    )
