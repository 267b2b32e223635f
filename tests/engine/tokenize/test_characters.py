"""The vocabulary of single characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tokenize.characters import CharacterTokenizer

LETTERS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30).map(
    lambda text: "".join(dict.fromkeys(text))
)


@given(LETTERS, st.data())
def test_every_text_of_its_characters_comes_back(letters, data):
    one = CharacterTokenizer(letters)
    text = data.draw(st.text(st.sampled_from(letters)))
    assert one.decode(one.encode(text)) == text and len(one) == len(letters)
    assert b"".join(map(one.bytes_of, one.encode(text))).decode() == text


def test_a_character_that_it_does_not_know_is_a_sentence():
    with pytest.raises(
        ValueError, match="knows only the characters that it learned from, and 'é' is none: a b"
    ):
        CharacterTokenizer("ab").encode("abé")
    with pytest.raises(KeyError):
        CharacterTokenizer("ab").bytes_of(2)


def test_it_is_written_and_read(tmp_path):
    CharacterTokenizer("ab.é\n", ".").write(tmp_path / "characters.json")
    again = CharacterTokenizer.read(tmp_path / "characters.json")
    assert (again.letters, again.ends) == ("ab.é\n", (2,))


@pytest.mark.parametrize("text", ["", "[]", '{"characters": "aa", "end": ""}', '{"characters": "", "end": ""}'])
def test_a_file_that_is_none_is_a_sentence(text, tmp_path):
    (tmp_path / "characters.json").write_text(text)
    with pytest.raises(ValueError):
        CharacterTokenizer.read(tmp_path / "characters.json")
    with pytest.raises(ValueError, match="ends a text"):
        CharacterTokenizer("ab", "c")
