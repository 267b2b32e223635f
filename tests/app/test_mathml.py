"""Formulas as the browsers get them: what they would lay out differently is said."""

from xml.etree import ElementTree

import pytest

from app.mathml import mathml


def parts(latex: str) -> list[tuple[str, str]]:
    """The signs of a formula, and what each is."""
    every = ElementTree.fromstring(mathml(latex)).iter()
    return [(part.tag.partition("}")[2], part.text) for part in every if part.text]


def test_an_upright_name_is_one_word_and_a_single_letter_stays_upright():
    assert parts(r"\mathrm{softmax}(x)")[0] == ("mi", "softmax")
    assert 'mathvariant="normal">T<' in mathml(r"QK^{\mathrm T}")


@pytest.mark.parametrize("sign", ["∞", "…", "⋯", "max"])
def test_ordinary_signs_are_no_operators(sign):
    latex = {"∞": r"\infty", "…": r"\ldots", "⋯": r"\cdots", "max": r"\max_j s_j"}[sign]
    assert ("mi", sign) in parts(latex)


def test_a_semicolon_separates_and_a_slash_does_not():
    assert parts("[a; b]")[2] == ("mo", ";")
    assert 'lspace="0" rspace="0">/<' in mathml("a/b")


def test_a_minus_before_a_number_belongs_to_it():
    assert 'form="prefix">−' in mathml("x = -3")
    assert "form" not in mathml("x - 3")


def test_the_room_after_a_sum_is_not_between_the_sum_and_its_index():
    made = mathml(r"\frac{a}{\sum_j b_j}")
    assert 'rspace="0">∑</mo>' in made and "</msub><mspace" in made
    assert "mspace" not in mathml(r"\frac{a}{b_j}")
