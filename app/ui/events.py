"""What the browser may report. Each of these takes values of one kind to an act and refuses all others: what
comes in was perhaps not sent by our page, or was chosen from what stands there no more."""

import base64
import binascii
import math
from collections.abc import Callable, Collection

Act = Callable[[object], None]


class Refused(ValueError):
    """Nothing that a part of this page sends."""


def one_of(names: Collection[str], act: Act) -> Act:
    """One of these names."""
    return _only(lambda value: isinstance(value, str) and value in names, act)


def place(count: int, act: Act) -> Act:
    """A place in a list of so many."""
    return _only(lambda value: _counts(value, count), act)


def cell(rows: int, columns: int, act: Act) -> Act:
    """[row, column] of a table of so many."""
    return _only(
        lambda value: _is_list(value, 2) and _counts(value[0], rows) and _counts(value[1], columns), act
    )


def text(longest: int, act: Act) -> Act:
    """A text of at most so many characters."""
    return _only(lambda value: isinstance(value, str) and len(value) <= longest, act)


def encoded(longest: int, act: Callable[[bytes], None]) -> Act:
    """Bytes in base64, at most so many; of what is longer or no base64, none."""

    def take(value: object) -> None:
        try:
            found = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            found = b""
        act(found if len(found) <= longest else b"")

    return _only(lambda value: isinstance(value, str) and len(value) <= 2 * longest, take)


def signs(count: int, alphabet: str, act: Act) -> Act:
    """So many of these signs: an image, a sign a pixel."""
    return _only(
        lambda value: isinstance(value, str) and len(value) == count and set(value) <= set(alphabet), act
    )


def permutation(count: int, act: Act) -> Act:
    """The numbers from 0 to count − 1, in any order."""
    return _only(
        lambda value: (
            _is_list(value, count) and all(_counts(i, count) for i in value) and len(set(value)) == count
        ),
        act,
    )


def flag(act: Act) -> Act:
    return _only(lambda value: type(value) is bool, act)


def number(least: float, most: float, act: Act) -> Act:
    """A number from `least` to `most`."""
    return _only(lambda value: is_number(value) and least <= value <= most, act)


def numbers(*ranges: tuple[float, float], act: Act) -> Act:
    """A list of numbers, each within its range: whole ones where its ends are."""

    def fits(value: object, least: float, most: float) -> bool:
        whole = type(least) is type(most) is int
        return is_number(value) and least <= value <= most and not (whole and type(value) is not int)

    return _only(
        lambda value: (
            _is_list(value, len(ranges))
            and all(fits(each, *ends) for each, ends in zip(value, ranges, strict=True))
        ),
        act,
    )


def is_number(value: object) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _is_list(value: object, length: int) -> bool:
    return isinstance(value, list) and len(value) == length


def _counts(value: object, count: int) -> bool:
    return type(value) is int and 0 <= value < count


def _only(allowed: Callable[[object], bool], act: Act) -> Act:
    def take(value: object) -> None:
        if not allowed(value):
            raise Refused("nothing that can be chosen there")
        act(value)

    return take
