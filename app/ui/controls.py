"""Controls for fields of the view, and for settings of a part of a page by a name with a dot (app/settings.py):
what a person sets is checked like a link."""

from functools import partial

from app import settings, state
from app.ui.events import Act, Refused, flag, one_of, place
from app.ui.events import number as number_in
from app.ui.events import text as text_of
from app.ui.page import fold, put


def slider(label: str, field: str, step: float) -> None:
    _ranged("slider", label, field, step=step)


def number(label: str, field: str) -> None:
    _ranged("number", label, field)


def switch(label: str, field: str) -> None:
    _bound("switch", label, field, flag)


def text_field(label: str, field: str, most: int) -> None:
    """A line of text of at most so many characters."""
    _bound("text", label, field, lambda act: text_of(most, act), most=most)


def choice(label: str, field: str, names: dict[str, str]) -> None:
    """A row of choices, value -> what it is called; it speaks for itself, so the label is only read out."""
    _bound("choice", label, field, lambda act: one_of(names, act), options=list(names.items()))


def choice_of(
    key: str, label: str, value: str, names: dict[str, str], act: Act, *, named: bool = False, of: object = ""
) -> None:
    """The same for what is no field: `act` is called with one of the names. named: the label is shown, too; of:
    what the choice is about."""
    options = list(names.items())
    _control("choice", key, label, value, one_of(names, act), of, options=options, named=named)


def select_of(key: str, label: str, value: str, names: dict[str, str], act: Act, *, of: object = "") -> None:
    """The same as a list that unfolds, where there are many or long names."""
    _control("select", key, label, value, one_of(names, act), of, options=list(names.items()))


def slider_of(
    key: str, label: str, value: float, least: float, most: float, step: float, act: Act, *, of: object = ""
) -> None:
    """The same for a number that is no field: `act` is called with one from least to most."""
    ends = dict(least=least, most=most)
    _control("slider", key, label, value, number_in(least, most, act), of, step=step, **ends)


def slider_of_names(
    key: str, label: str, at: int, names: list[str], act: Act, *, of: object = "", grows: bool = False
) -> None:
    """A slider over a list of names: `act` is called with a place in it. grows: names come to its end
    meanwhile, and the places before them stay what they were."""
    ends = dict(least=0, most=len(names) - 1, step=1, names=names)
    _control("slider", key, label, at, place(len(names), act), of, among={} if grows else ends, **ends)


def number_of(key: str, label: str, value: int, least: int, most: int, act: Act, *, of: object = "") -> None:
    """The same for a whole number."""
    take = number_in(least, most, lambda x: act(int(x)))
    _control("number", key, label, value, take, of, least=least, most=most)


def switch_of(key: str, label: str, value: bool, act: Act, *, of: object = "") -> None:
    _control("switch", key, label, value, flag(act), of)


def button(
    key: str, label: str, act: Act, *, primary: bool = False, disabled: bool = False, of: object = ""
) -> None:
    """`act` is called without a word from the browser."""
    header = {"type": "button", "label": label, "value": False, "primary": primary, "disabled": disabled}
    acts = {} if disabled else {"change": flag(lambda pressed: act())}
    put("control", f"button-{key}", header, (label, of), **acts)


def unfold(key: str, title: str):
    """A container under a title, and whether it is open: only then does it need filling."""
    open = state.unfolded(key)
    return fold(key, title, open, lambda wanted: state.unfold(key, wanted)), open


def _ranged(kind: str, label: str, field: str, **shape) -> None:
    least, most = settings.range_of(field)
    _bound(kind, label, field, lambda act: number_in(least, most, act), least=least, most=most, **shape)


def _bound(kind: str, label: str, field: str, only, **shape) -> None:
    """A control of a field; `only` lets through what it may be set to."""
    _control(kind, field, label, settings.value_of(field), only(partial(_enter, field)), **shape)


def _enter(field: str, value: object) -> None:
    """Set a field; a value that no link could hold is none that its control sends."""
    try:
        settings.enter(field, value)
    except ValueError as error:
        raise Refused(str(error)) from None


def _control(
    kind: str,
    key: str,
    label: str,
    value: object,
    act: Act,
    of: object = "",
    among: dict | None = None,
    **shape,
) -> None:
    """among: what there is to choose from, if not all of its shape."""
    header = {"type": kind, "label": label, "value": value, **shape}
    put("control", f"control-{key}", header, (kind, shape if among is None else among, of), change=act)
