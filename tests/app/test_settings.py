"""Settings of a part of a page: written into a field of the view and read again, whatever they are."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import settings, state
from app.state import one_of, ranged


@settings.settings("corpus")  # a field of the view that no part has settings in
@dataclass(frozen=True)
class Kind:
    task: str = one_of("sort", "sort", "copy")
    layers: int = ranged(2, 1, 4)
    rate: float = ranged(0.01, 0.0, 1.0)
    text: str = ""
    causal: bool = False


@given(
    st.builds(
        Kind,
        st.sampled_from(["sort", "copy"]),
        st.integers(1, 4),
        st.floats(0, 1),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
        st.booleans(),
    )
)
def test_what_is_written_is_read_again(one):
    assert settings.parse(Kind, settings.write(one)) == (one, [])


def test_only_what_differs_is_written():
    assert settings.write(Kind()) == ""
    assert settings.write(Kind(task="copy", causal=True)) == "task=copy,causal=1"


@given(st.text(max_size=60))
def test_whatever_a_link_says_gives_settings_and_sentences(text):
    found, ignored = settings.parse(Kind, text)
    assert isinstance(found, Kind) and len(ignored) <= state.TOLD
    assert settings.parse(Kind, settings.write(found)) == (found, [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("task=fly", "not one of sort, copy"),
        ("layers=9", "the range is 1 to 4"),
        ("rate=nan", "not a number"),
        ("causal=yes", "neither 0 nor 1"),
        ("heads=2", "not something that corpus can be set to"),
        ("task", "not something that corpus can be set to"),
    ],
)
def test_what_cannot_be_read_is_said(text, says):
    found, (ignored,) = settings.parse(Kind, text)
    assert says in ignored and found == replace(Kind(), layers=found.layers)


@pytest.mark.parametrize(
    "typed, number",
    [
        ("3", 3),
        (" −0.5 ", -0.5),
        ("0,001", 0.001),
        ("1,000", 1000),
        ("1,234,567.5", 1234567.5),
        ("175B", 175e9),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("1e999", float("inf")),
        ("", None),
        ("1,2,3", None),
        ("nan", None),
        ("0x10", None),
        ("1_000", None),
        ("two", None),
    ],
)
def test_a_typed_number_is_read_however_it_is_written(typed, number):
    assert settings.number_in(typed) == number
