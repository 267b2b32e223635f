"""Both tokenizers: text to ids and back, without a loss, by the merges that are shown."""

import json

import pytest
from hypothesis import given

from engine.tokenize import JsonTokenizer, RankTokenizer, merges
from engine.tokenize.bpe import END
from tests.engine.tokenize.texts import HARD, anything


@given(text=anything)
def test_decoding_gives_the_text_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(text=anything)
def test_the_bytes_of_the_tokens_are_the_bytes_of_the_text(tokenizer, text):
    assert b"".join(map(tokenizer.bytes_of, tokenizer.encode(text))) == text.encode()


@given(text=anything)
def test_pieces_joined_are_the_text(tokenizer, text):
    assert b"".join(tokenizer.pieces(text)) == text.encode()


@given(text=anything)
def test_the_last_step_of_the_merges_is_what_the_encoder_gives(tokenizer, text):
    merged = [merges(piece, tokenizer.ranks)[-1] for piece in tokenizer.pieces(text)]
    assert [token for tokens in merged for token in tokens] == list(
        map(tokenizer.bytes_of, tokenizer.encode(text))
    )


def test_every_entry_is_reached_by_merges(tokenizer):
    for token in tokenizer.ranks:
        if token != END.encode():
            assert merges(token, tokenizer.ranks)[-1] == [token]


def test_ids_go_from_0_to_the_size(tokenizer):
    tokens = [tokenizer.bytes_of(id) for id in range(len(tokenizer))]
    assert len(set(tokens)) == len(tokenizer)
    assert tokens[tokenizer.special[END]] == END.encode()
    assert {tokens[id]: id for id in tokenizer.ranks.values()} == tokenizer.ranks


def test_an_id_outside_them_is_unknown(tokenizer):
    with pytest.raises(KeyError):
        tokenizer.bytes_of(len(tokenizer))


def test_a_special_token_spelled_out_is_plain_text(tokenizer):
    ids = tokenizer.encode(f"one {END} two")
    assert tokenizer.special[END] not in ids
    assert tokenizer.decode(ids) == f"one {END} two"


def test_the_end_decodes_to_its_name(tokenizer):
    assert tokenizer.decode([tokenizer.special[END]]) == END


def test_half_a_character_decodes_to_a_sign_for_it(tokenizer):
    assert tokenizer.decode(tokenizer.encode("\U0001f980")[:1]) == "\ufffd"


@pytest.mark.parametrize("text", ["\ud83d", "cat \udc00 mat", "\udfff"])
def test_half_a_surrogate_pair_is_no_text(tokenizer, text):
    for read in (tokenizer.encode, tokenizer.pieces):
        with pytest.raises(ValueError, match=r"half of a surrogate pair .*delete it"):
            read(text)


def test_an_empty_text_has_no_tokens(tokenizer):
    assert tokenizer.encode("") == []
    assert tokenizer.decode([]) == ""
    assert tokenizer.pieces("") == []


@pytest.mark.parametrize("part", ["a", " ", "\n", "\x00", ".", "cat ", "é", " 1", *HARD], ids=repr)
def test_a_hundred_thousand_characters_are_no_trouble(tokenizer, part):
    text = (part * 100_000)[:100_000]
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_rank_file_gives_the_same_tokenizer_back(rank_tokenizer, tmp_path):
    rank_tokenizer.write(tmp_path / "ranks")
    again = RankTokenizer.read(tmp_path / "ranks")
    assert again.ranks == rank_tokenizer.ranks
    assert [again.encode(text) for text in HARD] == [rank_tokenizer.encode(text) for text in HARD]


def test_frequent_words_are_one_token(tokenizer):
    assert len(tokenizer.encode(" the")) == 1


@pytest.mark.parametrize("content", ["", "{}", "[]", "not json", '{"model": 3}'])
def test_another_file_is_no_tokenizer(tmp_path, content):
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ValueError, match="not a tokenizer"):
        JsonTokenizer(tmp_path / "tokenizer.json")


@pytest.fixture
def changed(tokenizer_json, tmp_path):
    """changed(part=value, …): the tokenizer of the same file with other parts."""

    def make(**parts):
        file = tmp_path / "tokenizer.json"
        file.write_text(json.dumps(json.loads(tokenizer_json.read_text()) | parts))
        return JsonTokenizer(file)

    return make


def test_only_bpe_is_read(changed):
    with pytest.raises(ValueError, match=r"is WordLevel .*only byte-level BPE"):
        changed(model={"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"})


@pytest.mark.parametrize(
    "pre_tokenizer",
    [None, {"type": "Whitespace"}, {"type": "Metaspace", "replacement": "_", "prepend_scheme": "always"}],
)
def test_only_byte_level_bpe_is_read(changed, pre_tokenizer):
    with pytest.raises(ValueError, match="byte-level"):
        changed(pre_tokenizer=pre_tokenizer)


def test_a_file_that_does_not_name_its_kind_is_read(changed, tokenizer_json, json_tokenizer):
    model = json.loads(tokenizer_json.read_text())["model"]
    del model["type"]
    assert changed(model=model).encode("the cat") == json_tokenizer.encode("the cat")


def test_a_text_is_never_cut_short_or_padded(changed):
    cut = {"max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    fill = {"strategy": {"Fixed": 50}, "direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": "!"}
    fill["pad_to_multiple_of"] = None
    tokenizer = changed(truncation=cut, padding=fill)
    assert tokenizer.decode(tokenizer.encode("the cat sat on the mat")) == "the cat sat on the mat"
