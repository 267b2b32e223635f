"""What is on a page: collected while its script runs, sent to the browser at once, laid out there.

Every element of Streamlit's costs a message and a mount at each action; a whole page of these parts costs one.
"""

import logging
from collections.abc import Callable
from contextvars import ContextVar

import numpy as np

from app.compute import marked

LOG = logging.getLogger(__name__)
Act = Callable[[object], None]


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
    """All parts of a page; the tensors that its heat maps draw, by name; and the callbacks, by a part's key and
    the event's name."""

    def __init__(self):
        super().__init__()
        self.tensors: dict[str, np.ndarray] = {}
        self.acts: dict[tuple[str, str], Act] = {}
        self.code: tuple[Callable, ...] = ()  # the functions that made what is shown

    def act(self, reports: object) -> None:
        """Handle what the browser reports, [[key, event, value], …]. What is not on this page, or has a value
        that none of its parts sends, is only logged."""
        for report in reports if isinstance(reports, list) else []:
            match report:
                case [str(key), str(event), value] if (key, event) in self.acts:
                    self._do(key, event, value)
                case _:
                    LOG.warning("an event of nothing on this page: %.100r", report)

    def _do(self, key: str, event: str, value: object) -> None:
        try:
            self.acts[key, event](value)
        except (ValueError, TypeError, LookupError, OverflowError):
            LOG.warning("%s of %s cannot be done with %.100r", event, key, value, exc_info=True)


HERE: ContextVar[Container] = ContextVar("place")


def put(kind: str, key: str, data: object, **acts: Act) -> None:
    """A part of some kind (a function of app/components), under its own key in the current container."""
    place = HERE.get()
    place.parts.append({"kind": kind, "key": key, "data": data})
    place.page.acts |= {(key, event): act for event, act in acts.items()}


def keep(name: str, tensor: np.ndarray) -> None:
    """A tensor [N, R, C] that heat maps of this page draw."""
    HERE.get().page.tensors[name] = tensor


def text(markdown: str) -> None:
    put("text", _next("text"), marked(markdown))


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


def fold(key: str, title: str, open: bool, toggle: Act) -> Container:
    """A container under a title that folds it; `toggle` is called with whether it should be open."""
    place = Container(HERE.get().page)
    put("fold", key, {"title": title, "open": open, "parts": place.parts}, toggle=toggle)
    return place


def _next(kind: str) -> str:
    """A key for a part that has none of its own: its number in this container."""
    return f"{kind}-{len(HERE.get().parts)}"
