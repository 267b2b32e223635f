"""Controls for fields of the view: what a person sets comes in by the same door as a link."""

from app import state
from app.page import Act, fold, put


def slider(label: str, field: str, step: float) -> None:
    least, most = state.RANGES[field]
    _bound("slider", label, field, least=least, most=most, step=step)


def number(label: str, field: str) -> None:
    least, most = state.RANGES[field]
    _bound("number", label, field, least=least, most=most)


def switch(label: str, field: str) -> None:
    _bound("switch", label, field)


def text_field(label: str, field: str, most: int) -> None:
    """A line of text of at most so many characters."""
    _bound("text", label, field, most=most)


def choice(label: str, field: str, names: dict[str, str]) -> None:
    """A row of choices, value -> what it is called; it speaks for itself, so the label is only read out."""
    _bound("choice", label, field, options=list(names.items()))


def button(key: str, label: str, act: Act, *, primary: bool = False, disabled: bool = False) -> None:
    """`act` is called without a word from the browser."""
    header = {"type": "button", "label": label, "value": False, "primary": primary, "disabled": disabled}
    acts = {} if disabled else {"change": lambda pressed: act()}
    put("control", f"button-{key}", header, **acts)


def unfold(key: str, title: str):
    """A place under a title, and whether it is open: only then is there something to put into it."""
    open = state.unfolded(key)
    return fold(key, title, open, lambda wanted: state.unfold(key, wanted is True)), open


def _bound(kind: str, label: str, field: str, **shape) -> None:
    header = {"type": kind, "label": label, "value": getattr(state.current(), field), **shape}
    put("control", f"control-{field}", header, change=lambda value: state.enter(field, value))
