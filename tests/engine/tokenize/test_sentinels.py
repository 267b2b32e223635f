"""The vocabulary of a model that fills spans: sentinels are words of a text, hidden words take their spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tokenize import UnigramTokenizer
from engine.tokenize.sentinels import SENTINELS, SPECIAL, learn_unigram
from engine.tokenize.unigram import SENTINEL, names_sentinels
from engine.training.objectives import spans
from tests.engine.conftest import SENTENCES

WORDS = ["the", "cat", "sat", "on", "mat", "Then", "all", "of", "it,", "they'd", "say."]


def test_its_first_and_last_entries_are_those_of_t5(with_sentinels):
    assert [with_sentinels.token(id) for id in range(3)] == list(SPECIAL)
    assert (with_sentinels.start, with_sentinels.end, with_sentinels.unknown) == (0, 1, 2)
    last = len(with_sentinels)
    assert with_sentinels.sentinels == tuple(range(last - SENTINELS, last))
    assert set(with_sentinels.special) == set(SPECIAL)


@given(st.lists(st.sampled_from(WORDS), min_size=2, max_size=12), st.data())
def test_a_sentinel_instead_of_words_is_what_training_makes_of_them(with_sentinels, words, data):
    """Whole words hidden in the text, or their tokens hidden in its ids: the same is read."""
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    typed = " ".join([*words[:first], SENTINEL.format(0), *words[last + 1 :]])
    sizes = [len(with_sentinels.encode(" ".join(words[:n]))) - 1 for n in range(len(words) + 1)]
    ids = with_sentinels.encode(" ".join(words))[:-1]
    hidden = [sizes[first] <= t < sizes[last + 1] for t in range(len(ids))]
    read, _ = spans.corrupt(ids, hidden)
    assert with_sentinels.encode(typed)[:-1] == spans.encoded(read, with_sentinels.sentinels)


@given(st.lists(st.sampled_from([*WORDS, *map(SENTINEL.format, range(3))]), min_size=1, max_size=9))
def test_what_is_decoded_is_encoded_alike(with_sentinels, words):
    ids = with_sentinels.encode(" ".join(words))
    assert with_sentinels.encode(with_sentinels.decode(ids[:-1])) == ids


def test_blanks_of_any_kind_are_one_space(with_sentinels):
    assert with_sentinels.encode("the\n\tcat  sat") == with_sentinels.encode("the cat sat")


def test_the_same_texts_give_the_same_vocabulary(with_sentinels, tmp_path):
    again = learn_unigram([SENTENCES], 150)
    assert again.get_vocab() == with_sentinels.inner.get_vocab()


def test_a_file_tells_of_its_sentinels_without_being_opened(with_sentinels, unigram_json, tmp_path):
    with_sentinels.write(tmp_path / "tokenizer.json")
    assert names_sentinels(tmp_path / "tokenizer.json") and names_sentinels(unigram_json)
    assert UnigramTokenizer.read(tmp_path / "tokenizer.json").sentinels == with_sentinels.sentinels
    (tmp_path / "other.json").write_text("{}")
    assert not names_sentinels(tmp_path / "other.json")


def test_more_spans_than_sentinels_are_refused():
    with pytest.raises(ValueError, match="3 sentinels are needed; the vocabulary has 2"):
        spans.encoded([5, -1, -3], (7, 8))
