"""Merges step by step, and the characters that tokens share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tokenize import graphemes, merges
from tests.engine.tokenize.texts import HARD, anything

RANKS = {bytes([b]): b for b in range(256)} | {b"ab": 256, b"cd": 257, b"bc": 258, b"abcd": 259, b"aa": 260}


def test_the_pair_learned_first_is_joined_first():
    assert merges(b"abcd", RANKS) == [[b"a", b"b", b"c", b"d"], [b"ab", b"c", b"d"], [b"ab", b"cd"], [b"abcd"]]


def test_of_equal_pairs_the_left_one_is_joined_first():
    assert merges(b"aaa", RANKS)[-1] == [b"aa", b"a"]


@pytest.mark.parametrize(("piece", "steps"), [(b"", [[]]), (b"x", [[b"x"]]), (b"xy", [[b"x", b"y"]])])
def test_where_nothing_can_be_joined_nothing_is(piece, steps):
    assert merges(piece, RANKS) == steps


@given(piece=st.text("abcd").map(str.encode))
def test_each_step_joins_one_pair(piece):
    steps = merges(piece, RANKS)
    for step, parts in enumerate(steps):
        assert b"".join(parts) == piece
        assert len(parts) == len(piece) - step


@pytest.mark.parametrize("character", ["👩‍👩‍👧‍👦", "🇫🇷", "👍🏽", "e\u0301", "שָׁ", "ते", "각", "é"])
def test_a_character_of_several_tokens_is_one_group(character):
    tokens = [bytes([b]) for b in f"a{character}b".encode()]
    assert [text for text, _ in graphemes(tokens)] == ["a", character, "b"]


def test_a_token_of_several_characters_stays_one_group():
    assert graphemes([b"the", b" cat"]) == [("the", [0]), (" cat", [1])]


@given(text=anything)
@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_groups_joined_are_the_text(text, length):
    data = text.encode()
    check_groups([data[i : i + length] for i in range(0, len(data), length)], text)


@given(text=anything)
def test_groups_of_a_tokenizers_tokens_joined_are_the_text(tokenizer, text):
    check_groups([tokenizer.bytes_of(id) for id in tokenizer.encode(text)], text)


def check_groups(tokens, text):
    groups = graphemes(tokens)
    assert "".join(part for part, _ in groups) == text
    assert [i for _, indices in groups for i in indices] == list(range(len(tokens)))


@pytest.mark.parametrize("text", HARD)
def test_no_group_begins_or_ends_inside_a_character(text):
    tokens = [bytes([b]) for b in text.encode()]
    for part, indices in graphemes(tokens):
        assert part.encode() == b"".join(tokens[i] for i in indices)


@given(tokens=st.lists(st.binary(max_size=4)))
def test_broken_bytes_keep_every_token(tokens):
    assert [i for _, indices in graphemes(tokens) for i in indices] == list(range(len(tokens)))


def test_broken_bytes_are_shown_as_such():
    assert graphemes([b"a", b"\xf0\x9f"]) == [("a", [0]), ("\ufffd", [1])]
