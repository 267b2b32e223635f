"""Controls for fields of the view: what a person sets is checked like a link."""

import math

from app import state
from app.ui.page import Act, fold, put


def slider(label: str, field: str, step: float) -> None:
    least, most = state.RANGES[field]
    _bound("slider", label, field, least=least, most=most, step=step)


def number(label: str, field: str) -> None:
    least, most = state.RANGES[field]
    _bound("number", label, field, least=least, most=most)


def switch(label: str, field: str) -> None:
    _bound("switch", label, field)


def text_field(label: str, field: str, most: int) -> None:
    """A line of text of at most `most` characters."""
    _bound("text", label, field, most=most)


def choice(label: str, field: str, names: dict[str, str]) -> None:
    """A row of choices, value -> its name; the label is for screen readers only."""
    _bound("choice", label, field, options=list(names.items()))


def choice_of(
    key: str, label: str, value: str, names: dict[str, str], act: Act, *, named: bool = False
) -> None:
    """The same for what is not a field: `act` is called with one of the values. named: show the label, too."""

    def take(value: object) -> None:
        if value in list(names):
            act(value)

    _control("choice", key, label, value, take, options=list(names.items()), named=named)


def slider_of(key: str, label: str, value: float, least: float, most: float, step: float, act: Act) -> None:
    """The same for a number that is not a field: `act` is called with one from least to most."""
    _control("slider", key, label, value, _within(least, most, act), least=least, most=most, step=step)


def number_of(key: str, label: str, value: int, least: int, most: int, act: Act) -> None:
    _control("number", key, label, value, _within(least, most, act), least=least, most=most)


def switch_of(key: str, label: str, value: bool, act: Act) -> None:
    _control("switch", key, label, value, lambda on: act(on is True))


def _within(least: float, most: float, act: Act) -> Act:
    """`act` with the reported number, clamped to its range; anything else is ignored."""

    def take(value: object) -> None:
        if isinstance(value, int | float) and type(value) is not bool and math.isfinite(value):
            act(min(max(value, least), most))

    return take


def button(key: str, label: str, act: Act, *, primary: bool = False, disabled: bool = False) -> None:
    """A button; `act` ignores what the browser sends."""
    header = {"type": "button", "label": label, "value": False, "primary": primary, "disabled": disabled}
    acts = {} if disabled else {"change": lambda pressed: act()}
    put("control", f"button-{key}", header, **acts)


def unfold(key: str, title: str):
    """A container under a title, and whether it is open: only then does it need filling."""
    open = state.unfolded(key)
    return fold(key, title, open, lambda wanted: state.unfold(key, wanted is True)), open


def _bound(kind: str, label: str, field: str, **shape) -> None:
    value = getattr(state.current(), field)
    _control(kind, field, label, value, lambda value: state.enter(field, value), **shape)


def _control(kind: str, key: str, label: str, value: object, act: Act, **shape) -> None:
    put("control", f"control-{key}", {"type": kind, "label": label, "value": value, **shape}, change=act)
