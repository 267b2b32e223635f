"""Unigram and sentences: a text ends with its end token, and its bytes are those of its tokens."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from engine.tokenize import UnigramTokenizer
from engine.tokenize.bpe import END, START
from tests.engine.tokenize.texts import anything

words = st.lists(
    st.sampled_from(["the", "cat", "sat", "on", "mat", "Then", "all", "1234", "of", "it"]), min_size=1
).map(" ".join)


@pytest.fixture(scope="module")
def unigram(unigram_json):
    return UnigramTokenizer(unigram_json)


@given(text=words)
def test_decoding_gives_the_text_back(unigram, text):
    ids = unigram.encode(text)
    assert ids[-1] == unigram.end
    assert unigram.decode(ids[:-1]) == text
    assert b"".join(map(unigram.bytes_of, ids[:-1])) == f" {text}".encode()


@given(text=st.text(st.sampled_from("thecasonmulld124.▁'"), min_size=1, max_size=25))
def test_the_best_cut_is_the_librarys_and_sums_its_scores(unigram, text):
    for word, _ in unigram.inner.pre_tokenizer.pre_tokenize_str(text):
        used = [token.value for token in unigram.inner.model.tokenize(word)]
        (best, pieces), *others = unigram.cuts(word, 3)
        assert "".join(pieces) == word and best == pytest.approx(unigram.score(pieces))
        assert set(used) - set(unigram.scores) or best == pytest.approx(unigram.score(used))
        assert all(best >= score and "".join(cut) == word and cut != pieces for score, cut in others)


def test_the_best_cuts_are_the_best_of_all(unigram):
    def every(word):
        starts = [n for n in range(1, len(word) + 1) if word[:n] in unigram.scores or n == 1]
        return [[word[:n], *rest] for n in starts for rest in every(word[n:])] if word else [[]]

    by_hand = sorted(map(unigram.score, every("▁the▁cat▁sat")), reverse=True)
    assert [score for score, _ in unigram.cuts("▁the▁cat▁sat", 4)] == pytest.approx(by_hand[:4])
    assert len(by_hand) > 4


def test_every_entry_has_its_bytes(unigram):
    for id in range(len(unigram)):
        assert unigram.bytes_of(id)
    with pytest.raises(KeyError, match=f"no token {len(unigram)}"):
        unigram.bytes_of(len(unigram))


def test_an_entry_for_a_byte_is_that_byte(unigram_json, tmp_path):
    parts = json.loads(unigram_json.read_text())
    parts["model"]["vocab"].append(["<0xE2>", -20.0])
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts))
    tokenizer = UnigramTokenizer(tmp_path / "tokenizer.json")
    assert tokenizer.bytes_of(tokenizer.inner.token_to_id("<0xE2>")) == b"\xe2"


@pytest.mark.parametrize("scheme", ["always", "first", "never"])
def test_bytes_and_first_spaces_are_told_as_the_library_does(unigram_json, tmp_path, scheme):
    parts = json.loads(unigram_json.read_text())
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": True}
    parts["model"]["vocab"] += [[f"<0x{byte:02X}>", -20.0] for byte in (0x3F, 0xC3, 0xA9, 0xF0, 0x9F)]
    parts |= {
        "pre_tokenizer": space,
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, space]},
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts))
    ours, theirs = (
        UnigramTokenizer(tmp_path / "tokenizer.json"),
        Tokenizer.from_file(str(tmp_path / "tokenizer.json")),
    )
    random, first = Random(0), len(ours) - 5
    texts = [ours.encode(text) for text in ("the cat", "", " sat")]
    drawn = [[random.choice([*range(10, 20), *range(first, first + 5)]) for _ in range(9)] for _ in range(200)]
    for ids in texts + drawn:
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


def test_a_special_token_written_in_the_text_is_that_token(unigram):
    ids = unigram.encode("the <extra_id_0> sat")
    assert unigram.sentinels == (unigram.added["<extra_id_0>"],)
    assert unigram.sentinels[0] in ids


def test_half_a_surrogate_pair_is_no_text(unigram):
    with pytest.raises(ValueError, match="half of a surrogate pair"):
        unigram.encode("cat \udc00")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(pre_tokenizer=None), "Unigram cut by None; Unigram with spaces as ▁"),
        (dict(pre_tokenizer={"type": "Whitespace"}), "Unigram cut by Whitespace"),
        (dict(model={"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}), "is WordLevel"),
        (dict(model={"type": "Unigram", "vocab": [["a", -1.0]], "unk_id": 0}, added_tokens=[]), "has no </s>"),
    ],
)
def test_another_kind_is_refused_with_its_reason(unigram_json, tmp_path, change, message):
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(json.loads(unigram_json.read_text()) | change))
    with pytest.raises(ValueError, match=message):
        UnigramTokenizer(file)


@pytest.mark.parametrize("content", ["", "{}", "not json"])
def test_another_file_is_no_tokenizer(tmp_path, content):
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ValueError, match="not a tokenizer"):
        UnigramTokenizer(tmp_path / "tokenizer.json")


@given(text=anything)
def test_a_sentence_is_the_text_and_its_end(sentences, rank_tokenizer, text):
    ids = sentences.encode(text)
    assert ids == [*rank_tokenizer.encode(text), sentences.end]
    assert sentences.decode(ids[:-1]) == text


def test_the_start_is_the_entry_after_the_end(sentences, rank_tokenizer):
    assert (sentences.end, sentences.start) == (len(rank_tokenizer) - 1, len(rank_tokenizer))
    assert [sentences.bytes_of(id).decode() for id in (sentences.end, sentences.start)] == [END, START]
    assert len(sentences) == len(rank_tokenizer) + 1
