"""Settings of one part of a page, kept in one field of the view as a short text: layers=2,task=sort

A part declares them as a frozen dataclass, with `state.ranged` and `state.one_of` as in the view itself:

    @settings("learn")
    @dataclass(frozen=True)
    class Learn:
        task: str = one_of("reverse", *TASKS)

    now = read(Learn)                    what is set
    change(Learn, task="sort")           set it
    choice(label, "learn.task", names)   a control of it
"""

import re
from collections.abc import Callable
from dataclasses import Field, fields, replace
from typing import TypeVar
from urllib.parse import quote, unquote

from app import state

T = TypeVar("T")
NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?)\s*([KMBT]?)")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?\s*[KMBT]?")
TIMES = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
KINDS: dict[str, type] = {}  # what a field of the view holds the settings of
FIELDS: dict[type, str] = {}


def settings(field: str) -> Callable[[type[T]], type[T]]:
    """A class of settings that are kept in a field of the view."""

    def register(kind: type[T]) -> type[T]:
        KINDS[field], FIELDS[kind] = kind, field
        return kind

    return register


def read(kind: type[T]) -> T:
    """The settings as they are; what a link says of them and cannot be read is told, and forgotten."""
    field = FIELDS[kind]
    found, ignored = parse(kind, getattr(state.current(), field))
    if ignored:
        state.settle(replace(state.current(), **{field: write(found)}), ignored)
    return found


def parse(kind: type[T], text: str) -> tuple[T, list[str]]:
    """The nearest settings to a text, and a sentence for each thing ignored."""
    known, found, ignored = {one.name: one for one in fields(kind)}, {}, []
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if name not in known or not equals:
            ignored.append(f"“{state.text_start(part)}” is not something that {FIELDS[kind]} can be set to.")
            continue
        value, complaint = state.parse(known[name], unquote(value))
        if complaint:
            ignored.append(complaint)
        if value is not None:
            found[name] = value
    return replace(kind(), **found), ignored[: state.TOLD]


def write(one: object) -> str:
    """Only what differs from the default."""
    changed = [(f.name, getattr(one, f.name)) for f in fields(one) if getattr(one, f.name) != f.default]
    return ",".join(f"{name}={quote(_text(value), safe=' ')}" for name, value in changed)


def change(kind: type, **what) -> None:
    """Set some of them."""
    state.change(**{FIELDS[kind]: write(replace(read(kind), **what))})


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def number_in(typed: str) -> float | None:
    """The number that was typed into a field: 3, −0.5, 0,5, 1e-3, 1,000 or 175B; None where it is none."""
    text = typed.strip().replace("−", "-")
    text = text.replace(",", "") if THOUSANDS.fullmatch(text) else text.replace(",", ".")
    found = NUMBER.fullmatch(text)
    return float(found[1]) * TIMES[found[2]] if found else None


# --- fields of the view, and settings by a name with a dot, as controls call them ---------------------------


def value_of(name: str) -> object:
    field, _, setting = name.partition(".")
    return getattr(read(KINDS[field]), setting) if setting else getattr(state.current(), field)


def range_of(name: str) -> tuple[float, float]:
    return _declared(name).metadata["range"]


def enter(name: str, value: object) -> None:
    """Set what a control reports; a ValueError where a link could not say the same."""
    field, _, setting = name.partition(".")
    if not setting:
        return state.enter(field, value)
    found, complaint = state.parse(_declared(name), _text(value))
    if complaint:
        raise ValueError(complaint)
    change(KINDS[field], **{setting: found})


def _declared(name: str) -> Field:
    field, _, setting = name.partition(".")
    kind = KINDS[field] if setting else state.View
    return next(one for one in fields(kind) if one.name == (setting or field))
