"""WordPiece: the longest pieces of lower-cased words, the ends, the mask."""

import json

import pytest
from hypothesis import given

from engine.tokenize import WordPieceTokenizer
from tests.engine.tokenize.texts import HARD, anything


def text_of(tokenizer, ids) -> list[str]:
    return [tokenizer.bytes_of(id).decode() for id in ids]


def test_a_word_is_cut_into_the_longest_pieces_it_has(wordpiece):
    ids = wordpiece.encode("The cat sats!")
    assert text_of(wordpiece, ids)[:3] == ["[CLS]", "the", "cat"]
    vocabulary = set(wordpiece.names.values())
    word, pieces = "sats", text_of(wordpiece, wordpiece.encode("sats"))[1:-1]
    assert "".join(piece.removeprefix("##") for piece in pieces) == word
    for piece in pieces:
        longer = [word[:n] for n in range(len(piece.removeprefix("##")) + 1, len(word) + 1)]
        mark = "##" if piece.startswith("##") else ""
        assert not [w for w in longer if mark + w in vocabulary]
        word = word[len(piece.removeprefix("##")) :]


def test_a_mask_written_in_the_text_is_the_mask(wordpiece):
    assert wordpiece.encode("the [MASK] sat").count(wordpiece.mask) == 1
    assert wordpiece.mask not in wordpiece.encode("the [mask] MASK sat")


def test_a_pair_has_three_ends_and_two_segments(wordpiece):
    ids, segments = wordpiece.encode_pair("the cat", "sat there")
    assert [t for t, id in enumerate(ids) if id == wordpiece.end] == [3, len(ids) - 1]
    assert segments == [0] * 4 + [1] * (len(ids) - 4)
    assert ids[0] == wordpiece.start


@pytest.mark.parametrize("text", HARD)
def test_hard_texts_have_ids_of_the_vocabulary(wordpiece, text):
    ids = wordpiece.encode(text)
    assert ids[0] == wordpiece.start and ids[-1] == wordpiece.end
    assert all(0 <= id < len(wordpiece) for id in ids)


@given(text=anything)
def test_any_text_can_be_encoded_and_decoded(wordpiece, text):
    assert isinstance(wordpiece.decode(wordpiece.encode(text)), str)


@pytest.mark.parametrize("id", [-1, 10**6])
def test_a_token_that_does_not_exist_is_an_error(wordpiece, id):
    with pytest.raises(KeyError, match="there is no token"):
        wordpiece.bytes_of(id)


def test_another_kind_of_vocabulary_is_refused(tokenizer_json):
    with pytest.raises(ValueError, match="is BPE; WordPiece is needed here"):
        WordPieceTokenizer(tokenizer_json)


def test_a_vocabulary_without_a_mask_is_refused(wordpiece_json, tmp_path):
    parts = json.loads(wordpiece_json.read_text())
    parts["added_tokens"] = [t for t in parts["added_tokens"] if t["content"] != "[MASK]"]
    parts["model"]["vocab"].pop("[MASK]")
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts))
    with pytest.raises(ValueError, match=r"has no \[MASK\]"):
        WordPieceTokenizer(tmp_path / "tokenizer.json")
