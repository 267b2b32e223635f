"""What is on a page: collected while its script runs, sent to the browser at once, laid out there.

Every element of Streamlit's costs a message and a mount at each action; a whole page of these parts costs one.
"""

import logging
import reprlib
from collections.abc import Callable
from contextvars import ContextVar
from hashlib import blake2s

import numpy as np

from app import state, trouble
from app.compute import fall_back, marked
from app.ui.events import Act, Refused, flag

LOG = logging.getLogger(__name__)


class Container:
    """Where parts are put, one below the other: `with place: put(…)`."""

    def __init__(self, page: "Page | None" = None):
        self.page, self.parts, self._before = page or self, [], []

    def __enter__(self) -> "Container":
        self._before.append(HERE.set(self))
        return self

    def __exit__(self, *trouble) -> None:
        HERE.reset(self._before.pop())


class Page(Container):
    """All parts of a page, the tensors that its pictures draw, by name, and what is done when a part reports
    an event, by the part's key, the event's name and what there was to choose from."""

    def __init__(self):
        super().__init__()
        self.tensors: dict[str, np.ndarray] = {}
        self.apart: dict[str, np.ndarray] = {}  # those that change at other times: sent by themselves
        self.acts: dict[tuple[str, str, str], Act] = {}
        self.code: tuple[Callable, ...] = ()  # the functions that made what is shown

    def act(self, reports: object) -> bool:
        """Do what the browser reports, [[number, key, event, of, value], …], each once; was there anything new?
        What is not on this page, or was chosen from something else, or is a value that none of its parts sends,
        does nothing but be logged."""
        new = False
        for report in reports if isinstance(reports, list) else [reports]:
            match report:
                case [int(number), str(key), str(event), str(of), value] if type(number) is int:
                    if state.count(number):
                        new = True
                        self._do((key, event, of), value)
                case _:
                    LOG.warning("no report of an event: %s", reprlib.repr(report))
        return new

    def _do(self, what: tuple[str, str, str], value: object) -> None:
        try:
            if what not in self.acts:
                raise Refused("not on this page, or not as it is now")
            self.acts[what](value)
        except Refused as refused:
            LOG.warning("%s with %s did nothing: %s", reprlib.repr(what), reprlib.repr(value), refused)
        except BaseException as error:
            if not isinstance(error, Exception) and not trouble.panicked(error):
                raise
            if not fall_back(error):
                state.complain(trouble.told(error))


HERE: ContextVar[Container] = ContextVar("place")


def put(kind: str, key: str, data: object, of: object = "", **acts: Act) -> None:
    """A part of some kind (a function of app/components), under a key of its own in the place where we are.

    of  what there is to choose from: what was chosen from something else is no more done"""
    place, sign = HERE.get(), blake2s(repr(of).encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()
    part = {"kind": kind, "key": key, "data": data}
    place.parts.append(part | {"of": sign} if acts else part)
    place.page.acts |= {(key, event, sign): act for event, act in acts.items()}


def keep(name: str, tensor: np.ndarray, apart: bool = False) -> None:
    """A tensor [N, R, C] that heat maps of this page draw; `apart`: it goes to the browser apart from the
    others, which need not be sent again with it, nor it with them."""
    page = HERE.get().page
    (page.apart if apart else page.tensors)[name] = tensor


def text(markdown: str) -> None:
    put("text", _next("text"), marked(markdown))


def changing(markdown: str) -> None:
    """A sentence that a control below it changes: it has room for two lines, so the control stays in place."""
    put("text", "changing", marked(markdown))


def notice(markdown: str, tone: str = "info") -> None:
    """A message that stands out; tone is "info" or "warning"."""
    put("notice", _next("notice"), {"tone": tone, "text": marked(markdown)})


def columns(*shares: int, align: str = "start") -> list[Container]:
    """Containers side by side, as wide as their shares; on a narrow screen one below the other."""
    places = [Container(HERE.get().page) for _ in shares]
    put("columns", _next("columns"), {"shares": shares, "align": align, "places": [p.parts for p in places]})
    return places


def group(key: str, *, border: bool = False) -> Container:
    """A container with its own name, so that its parts are not confused with those of another."""
    place = Container(HERE.get().page)
    put("group", key, {"border": border, "parts": place.parts})
    return place


def left_of(place: Container) -> Container:
    """What is put here comes below what stands in the left one of a container's columns, or below all of it."""
    below = Container(HERE.get().page)
    columns = next((part for part in place.parts if part["kind"] == "columns"), None)
    below.parts = columns["data"]["places"][0] if columns else place.parts
    return below


def fold(key: str, title: str, open: bool, toggle: Act) -> Container:
    """A container under a title that folds it; `toggle` is called with whether it should be open."""
    place = Container(HERE.get().page)
    put("fold", key, {"title": title, "open": open, "parts": place.parts}, title, toggle=flag(toggle))
    return place


def _next(kind: str) -> str:
    """A key for a part that has none of its own: its number in this container."""
    return f"{kind}-{len(HERE.get().parts)}"
