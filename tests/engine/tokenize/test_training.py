"""Tokenizers learned from a text: merges are the tokenizers library's, saved files give the same ids, and every
bad input has a sentence."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, pre_tokenizers, trainers

from engine.tokenize import train
from engine.tokenize.plain import excerpt
from engine.tokenize.training import KINDS

ALICE = excerpt()
FEW = st.text(st.sampled_from("abc  \n."), min_size=1, max_size=200).filter(str.strip)
MANY = st.text(min_size=1, max_size=80).filter(str.strip)
ANY = st.text(max_size=120) | st.text(
    st.sampled_from("aAeé é👩‍👧😀שלום漢字 <unk>[UNK]▁##\x00\r\n\t'1"), max_size=60
)
EXAMPLES = settings(deadline=None, max_examples=150)
LONG = settings(deadline=None, max_examples=10_000)


@pytest.fixture(scope="module", params=KINDS)
def pair(request, tmp_path_factory):
    """One of each kind, and the library's of the file that it saves."""
    ours, file = train(ALICE, request.param, 500), tmp_path_factory.mktemp("saved") / "tokenizer.json"
    ours.save(file)
    return ours, Tokenizer.from_file(str(file))


def of_the_library(ours, text: str, size: int) -> dict:
    """What the tokenizers library learns from the text, with the same pieces."""
    inner = Tokenizer.from_str(ours.inner.to_str())
    alphabet = pre_tokenizers.ByteLevel.alphabet() if ours.kind == "byte-bpe" else []
    names = [] if ours.unknown is None else [ours.token(0)]
    how = dict(vocab_size=size, show_progress=False, initial_alphabet=alphabet, special_tokens=names)
    inner.train_from_iterator([text], trainers.BpeTrainer(**how))
    return json.loads(inner.to_str())["model"]


@pytest.mark.parametrize("kind", ["bpe", "byte-bpe"])
@given(text=FEW | MANY, more=st.integers(0, 40))
@EXAMPLES
def test_the_merges_are_the_librarys(kind, text, more):
    size = 300 + more if kind == "byte-bpe" else 1 + len(set(text)) + more
    ours = train(text, kind, size)
    theirs = of_the_library(ours, text, size)
    assert [list(step.pair) for step in ours.steps] == theirs["merges"]
    assert ours.vocabulary == theirs["vocab"]


@pytest.mark.parametrize("kind", ["bpe", "byte-bpe"])
def test_the_merges_of_a_book_are_the_librarys(kind):
    ours = train(ALICE, kind, 2000)
    theirs = of_the_library(ours, ALICE, 2000)
    assert [list(step.pair) for step in ours.steps] == theirs["merges"] and len(ours) == 2000


@given(text=FEW)
@EXAMPLES
def test_each_step_is_the_most_frequent_pair_counted_anew(text):
    ours = train(text, "bpe", 30)
    pieces, words = Counter(ours.pieces(text)), {}
    words = {piece: list(piece) for piece in pieces}
    for step in ours.steps:
        pairs, parts = Counter(), Counter()
        for piece, word in words.items():
            for part in word:
                parts[part] += pieces[piece]
            for two in pairwise(word):
                pairs[two] += pieces[piece]
        assert step.count == pairs[step.pair] == max(pairs.values())
        assert step.parts == (parts[step.pair[0]], parts[step.pair[1]])
        assert [count for _, count, _ in step.rivals] == sorted(pairs.values(), reverse=True)[:8]
        for word in words.values():
            for i in range(len(word)):
                if tuple(word[i : i + 2]) == step.pair:
                    word[i : i + 2] = ["".join(step.pair)]
        assert step.score == step.count / (step.parts[0] * step.parts[1])
        assert step.tokens == sum(len(words[piece]) * n for piece, n in pieces.items())
    assert len(ours.encode(text)) == (ours.steps[-1].tokens if ours.steps else len(text))


@given(text=ANY)
@EXAMPLES
def test_a_saved_file_gives_the_same_ids(pair, text):
    ours, theirs = pair
    assert ours.encode(text) == theirs.encode(text).ids
    assert ours.decode(ours.encode(text)) == theirs.decode(ours.encode(text), skip_special_tokens=False)


@pytest.mark.slow
@given(text=ANY)
@LONG
def test_a_saved_file_gives_the_same_ids_of_ten_thousand_texts(pair, text):
    ours, theirs = pair
    assert ours.encode(text) == theirs.encode(text).ids


@given(text=ANY)
@EXAMPLES
def test_what_was_cut_by_bytes_is_put_together_again(text):
    assert BYTES.decode(BYTES.encode(text)) == text
    assert BYTES.encode_bytes(text.encode()) == BYTES.encode(text)


@given(data=st.binary(max_size=60))
@EXAMPLES
def test_every_byte_string_is_put_together_again(data):
    assert BYTES.decode_bytes(BYTES.encode_bytes(data)) == data


@given(text=st.text(st.sampled_from(ALICE), max_size=60))
@EXAMPLES
def test_what_was_cut_by_characters_that_are_known_is_put_together_again(text):
    assert CHARACTERS.decode(CHARACTERS.encode(text)) == text


BYTES, CHARACTERS = train(ALICE, "byte-bpe", 400), train(ALICE, "bpe", 300)


def test_the_name_of_the_unknown_is_text():
    text = "<unk> <unk> <unk> [UNK] ▁ ##a"
    for kind in ("bpe", "unigram"):
        ours = train(text, kind, 60)
        assert ours.token(0) == "<<unk>>" and 0 not in ours.encode(text)
        assert ours.encode("漢")[-1] == ours.unknown == 0
    for kind in KINDS:
        ours = train(ALICE, kind, 400)
        ids = ours.encode("say [UNK] or <unk>")
        assert len(ids) > 5 and len([id for id in ids if id == ours.unknown]) < len(ids) - 3


@given(text=FEW | st.text(st.sampled_from("abcdef gé#'"), min_size=1, max_size=200).filter(str.strip))
@EXAMPLES
def test_wordpieces_steps_make_the_librarys_vocabulary(text):
    ours = train(text, "wordpiece", 40)
    made = list(dict.fromkeys(a + b.removeprefix("##") for a, b in (step.pair for step in ours.steps)))
    assert made == list(ours.vocabulary)[len(ours) - len(made) :] == list(ours.scores)


def test_wordpieces_scores_and_unigrams_likelihoods_are_numbers():
    pieces = train(ALICE, "wordpiece", 300)
    step = pieces.steps[0]
    assert pieces.scores["".join(step.pair).replace("##", "") if step.pair[0][0] != "#" else "##he"] > 0
    assert step.score == step.count / (step.parts[0] * step.parts[1])
    likelihoods = train(ALICE, "unigram", 300).scores
    assert sum(np.exp(x) for x in list(likelihoods.values())[1:]) == pytest.approx(1, abs=0.05)


BAD = [
    (dict(text=3), "a text is a str, not int"),
    (dict(text=b"abc"), "a text is a str, not bytes"),
    (dict(text=None), "a text is a str"),
    (dict(text=""), "the text is empty"),
    (dict(text=" \n\t"), "the text is empty"),
    (dict(text="a\ud800b"), "half of a surrogate pair"),
    (dict(kind="bert"), "kinds are bpe, byte-bpe, wordpiece, unigram"),
    (dict(kind=None), "there is no kind None"),
    (dict(kind=["bpe"]), "there is no kind"),
    (dict(size=float("nan")), "whole number of entries up to 100,000, not nan"),
    (dict(size=10.0), "not 10.0"),
    (dict(size="many"), "not 'many'"),
    (dict(size=True), "not True"),
    (dict(size=0), "not 0"),
    (dict(size=-3), "not -3"),
    (dict(size=10**9), "up to 100,000"),
    (dict(size=2), "too small: this text needs an entry for each of its characters"),
    (dict(size=255, kind="byte-bpe"), "bytes, 256 in all"),
    (dict(size=3, kind="wordpiece"), "too small"),
    (dict(size=3, kind="unigram"), "too small"),
]


@pytest.mark.parametrize(("given", "told"), BAD)
def test_bad_input_has_a_sentence(given, told):
    with pytest.raises(ValueError) as error:
        train(**dict(text="the cat sat on the mat") | given)
    assert told in str(error.value)


def test_ids_that_there_are_not_are_told(pair):
    ours, _ = pair
    for id in (-1, len(ours), 10**9, 1.0, "1", None, True):
        with pytest.raises(ValueError, match="there is no token"):
            ours.decode([id])
    assert ours.decode([]) == "" and ours.encode("") == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text", ["a", "\x00", "aaaa", "é", "😀", "漢字 漢字", "שלום שלום", "a\u0301\u0301 a\u0301"]
)
def test_the_smallest_texts_can_be_learned_from(kind, text):
    try:
        ours = train(text, kind, 300)
    except ValueError as error:
        assert kind in ("wordpiece", "unigram") and ("learn" in str(error) or "library" in str(error))
    else:
        assert len(ours) <= 300 and ours.unknown not in ours.encode(text)


def test_the_same_text_gives_the_same_tokenizer_again():
    for kind in KINDS:
        first, second = (train(ALICE[:30_000], kind, 400) for _ in range(2))
        assert first.inner.to_str() == second.inner.to_str(), kind


@pytest.mark.parametrize("wrong", [None, 5, "abc", 1.5, [None], [[1]]])
def test_what_is_no_list_of_ids_and_no_bytes_is_told(pair, wrong):
    ours = pair[0] if isinstance(pair, tuple) else pair
    for read in ("decode", "decode_bytes", "encode_bytes"):
        if hasattr(ours, read):
            with pytest.raises(ValueError):
                getattr(ours, read)(wrong)
