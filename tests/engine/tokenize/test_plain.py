"""Tokenizers that learn nothing, and how any of them splits a text before its vocabulary is asked."""

import unicodedata

import pytest
import regex
from hypothesis import assume, given, settings

import engine
from engine.tokenize import RankTokenizer, plain, train
from engine.tokenize.checking import check_training
from engine.tokenize.pieces import PATTERNS, split_of
from engine.tokenize.training import KINDS
from tests.engine.tokenize.texts import anything

TEXT = "The cat sat on the mat. The mat, it's said, was the cat's!\n" * 30
EXAMPLES = settings(deadline=None, max_examples=150)
TRAINED = {kind: train(TEXT, kind, 300) for kind in KINDS}


@given(anything)
@EXAMPLES
def test_bytes_are_the_texts_bytes(text):
    assert plain.Bytes().encode(text) == list(text.encode())
    assert plain.Bytes().decode(plain.Bytes().encode(text)) == text


@given(anything)
@EXAMPLES
def test_what_is_listed_comes_back_and_the_rest_is_unknown(text):
    known = plain.characters(text)
    assert known.decode(known.encode(text)) == text and 0 not in known.encode(text)
    none = plain.characters("")
    assert none.encode(text) == [0] * len(text)


def test_words_are_in_small_letters_and_without_spaces():
    known = plain.words(["The", " cat", "\n", "."])
    assert known.entries == ["<unk>", "the", "cat", "."]
    assert known.encode("THE  dog. <unk>") == [1, 0, 3, 0, 0, 0]
    assert known.decode([1, 2, 0]) == "the cat <unk>"
    with pytest.raises(KeyError):
        known.bytes_of(4)


def test_the_shipped_texts_are_there():
    assert 100_000 < len(plain.excerpt()) < 200_000
    assert len(plain.texts()["languages"]) == 12
    assert len(set(plain.texts()["ready"].values())) == len(plain.texts()["ready"])


@given(anything)
@EXAMPLES
def test_the_regular_expressions_find_the_pieces_of_the_library(text):
    assume(all(unicodedata.category(letter) != "Cn" for letter in text))  # what it is depends on the year
    for kind, ours in TRAINED.items():
        split = split_of(ours, text)
        if kind != "unigram":
            assert regex.findall(split.pattern, split.normal) == split.pieces, kind
        else:
            marked = "".join(split.pieces)
            assert regex.findall(PATTERNS["Metaspace"], marked) == split.pieces
        if kind in ("bpe", "byte-bpe"):
            assert "".join(split.pieces) == split.normal == text


@given(anything)
@EXAMPLES
def test_the_pieces_of_a_rank_file_are_the_whole_text(text):
    tokenizer = RankTokenizer({bytes([b]): b for b in range(256)})
    split = split_of(tokenizer, text)
    assert "".join(split.pieces) == text and split.pattern == tokenizer.split
    assert [piece.encode() for piece in split.pieces] == tokenizer.pieces(text)


def test_what_a_model_of_bert_splits():
    split = split_of(engine.load("wordfinder").tokenizer, "Héllo, it's")
    assert split.pieces == ["hello", ",", "it", "'", "s"] and split.normalizer == "BertNormalizer"


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_is_checked_by_another_way(kind):
    ours = train(TEXT, kind, 300)
    assert check_training(ours, TEXT)[0]
    if kind in ("bpe", "byte-bpe"):
        ours.steps[3], ours.steps[4] = ours.steps[4], ours.steps[3]
        ok, told = check_training(ours, TEXT)
        assert not ok and "merge 4" in told
        assert not check_training(train(TEXT, kind, 300), TEXT + " qqq qqq qqq" * 99)[0]
