"""Any token can be read, and no text becomes markup."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.architecture import STEPS
from app.markup import tree
from app.text import say, sections
from app.ui.labels import escape, hex_bytes, token_labels, visible
from engine.masks import MASKS

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(st.text() | st.text("*_`#|<>[]()!\\&$:~-=\n \u00a0a"))
@settings(deadline=None)
def test_escaped_text_is_shown_exactly_as_it_is(text):
    shown = visible(text)
    assert tree(f"a “{escape(shown)}” b") == ["div", ["p", f"a “{shown}” b"]]
    assert tree(f"a **{escape(shown)}** b") == ["div", ["p", "a ", ["strong", shown], " b"]]


@given(st.text(BIDI + "a1 *"))
@settings(deadline=None)
def test_escaped_text_turns_no_line(text):
    assert not set(escape(text)) & set(BIDI)
    assert escape(text).count("U\\+") == sum(text.count(sign) for sign in BIDI)


def test_a_letters_index_is_set_as_one():
    shown = [
        "div",
        ["p", "√d", ["sub", "k"], " and ", ["em", "W", ["sub", "hy"]], ", a_b_c, foo_x, ", ["code", "d_k"]],
    ]
    assert tree("√d_k and *W_hy*, a_b_c, foo_x, `d_k`") == shown
    assert tree(escape("d_k")) == ["div", ["p", "d_k"]]


def labels_of(text: str, cut: int = 1) -> list[str]:
    """The labels of a text cut into tokens of `cut` bytes."""
    data = text.encode()
    return token_labels([data[i : i + cut] for i in range(0, len(data), cut)])


@pytest.mark.parametrize(
    "text, labels",
    [
        ("🙂", ["🙂 1/4", "🙂 2/4", "🙂 3/4", "🙂 4/4"]),
        ("é", ["é 1/2", "é 2/2"]),
        (" \n\t", ["·", "↵", "⇥"]),
        ("\x00\x1b\x7f", ["␀", "␛", "␡"]),
        ("\r\n", ["␍↵ 1/2", "␍↵ 2/2"]),
        ("\u202e", ["U+202E 1/3", "U+202E 2/3", "U+202E 3/3"]),
    ],
)
def test_single_bytes_say_which_part_of_a_character_they_are(text, labels):
    assert labels_of(text) == labels


def test_letters_that_run_right_to_left_stay_as_they_are():
    assert labels_of("שלום", 8) == ["שלום"]


def test_bytes_that_are_no_text_are_shown_as_numbers():
    assert token_labels([b"\xff\xfe", b"ok"]) == ["FF FE", "ok"]
    assert hex_bytes(b"\x00a\xff") == "00 61 FF"


@given(st.text() | st.text(BIDI + "\x00\x85\u2028\u200d🙂é "))
@settings(deadline=None)
def test_nothing_visible_can_be_a_control_or_turn_the_line_around(text):
    shown = visible(text)
    assert shown
    assert not set(shown) & set(BIDI)
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Zl", "Zp"}


@given(st.lists(st.binary(min_size=1, max_size=6)))
@settings(deadline=None)
def test_every_token_has_a_label(tokens):
    labels = token_labels(tokens)
    assert len(labels) == len(tokens) and all(labels)


@given(st.text(min_size=1))
@settings(deadline=None)
def test_what_fills_a_placeholder_is_escaped(text):
    assert elements(sentence(visible(text))) == elements(sentence("a"))


def elements(markdown: str) -> list[str]:
    return [part[0] for part in tree(markdown)[1] if isinstance(part, list)]


def sentence(label: str) -> str:
    numbers = dict(first_share=0.5, second_share=0.25)
    return say("walk", "softmax/sentence", token=label, first=label, second=label, **numbers)


def test_a_number_is_written_with_a_real_minus():
    assert "−1.50" in say("walk", "softmax/entropy", entropy=-1.5, most=2.0, temperature=1.0)


def test_every_step_has_its_name_title_lead_and_formula():
    parts = ("name", "title", "lead", "formula")
    wanted = {f"{step}/{part}" for step in STEPS for part in parts} - {"mask/formula"}
    masks = {f"mask/formula/{mask}" for mask in ("own", *MASKS)}
    assert wanted | masks <= set(sections("walk"))
