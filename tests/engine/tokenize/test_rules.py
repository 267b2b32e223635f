"""A tokenizer.json goes by its own rules: what the library makes of a text is what is shown."""

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from engine.tokenize import JsonTokenizer, Stream, WordPieceTokenizer, merges
from engine.tokenize.library import LONGEST
from engine.tokenize.merges import STEPS, _joined, rank_of
from engine.tokenize.wordpiece import cuts
from tests.engine.conftest import SENTENCES
from tests.engine.tokenize.texts import HARD, anything

BEGIN, END = "<|begin|>", "<|end|>"


def learned(**options) -> Tokenizer:
    """A byte-level BPE learned from a few sentences."""
    learner = Tokenizer(models.BPE(**options))
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = BpeTrainer(
        vocab_size=340, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    learner.train_from_iterator([SENTENCES], trainer)
    learner.decoder = decoders.ByteLevel()
    return learner


def by_hand(pairs, **options) -> Tokenizer:
    """Ids in another order than merges."""
    entries = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "abc", "bc", "ab", "aa", "abcaa"]
    made = Tokenizer(models.BPE({t: i for i, t in enumerate(entries)}, pairs, **options))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return made


def llama3() -> Tokenizer:
    made = learned()
    made.add_special_tokens([BEGIN, END])
    cutters = [pre_tokenizers.Split(r"\s+|\w+", "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    made.pre_tokenizer = pre_tokenizers.Sequence(cutters)
    around = processors.TemplateProcessing(f"{BEGIN} $A", special_tokens=[(BEGIN, made.token_to_id(BEGIN))])
    made.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), around])
    return made


def both_ends() -> Tokenizer:
    made = llama3()
    ids = [(name, made.token_to_id(name)) for name in (BEGIN, END)]
    made.post_processor = processors.TemplateProcessing(f"{BEGIN} $A {END}", special_tokens=ids)
    return made


def normal() -> Tokenizer:
    made = learned()
    made.normalizer = normalizers.NFC()
    return made


def prefixed() -> Tokenizer:
    made = learned()
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return made


def added() -> Tokenizer:
    made = learned()
    made.add_tokens(["<tool>", "catsat", AddedToken("<l>", lstrip=True), AddedToken("<r>", rstrip=True)])
    made.add_tokens([AddedToken("mat", single_word=True), AddedToken("é", normalized=False)])
    made.add_special_tokens([END])
    return made


def llama2(**options) -> Tokenizer:
    """Characters, ▁ for a space and before the text, bytes for what is unknown, no pre-tokenizer."""
    learner = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    learner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    learner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    special = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256))]
    learner.train_from_iterator(
        ["the cat sat on the mat. that is the hat"], BpeTrainer(vocab_size=310, special_tokens=special)
    )
    parts = json.loads(learner.to_str())
    parts["added_tokens"] = parts["added_tokens"][:3]
    parts["pre_tokenizer"] = None
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    made = Tokenizer.from_str(json.dumps(parts))
    made.decoder = decoders.Sequence(steps)
    made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return made


def metaspace() -> Tokenizer:
    made = llama2()
    made.normalizer, made.pre_tokenizer = None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    return made


FILES = {
    "GPT-2": learned,
    "LLaMA 3": llama3,
    "both ends": both_ends,
    "NFC": normal,
    "a space before": prefixed,
    "added tokens": added,
    "merges in another order": lambda: by_hand([("b", "c"), ("a", "bc"), ("a", "b")]),
    "a merge that the ids do not show": lambda: by_hand([("a", "a"), ("a", "b"), ("b", "c"), ("ab", "c")]),
    "ignore_merges": lambda: by_hand([("a", "b"), ("a", "a")], ignore_merges=True),
    "LLaMA 2": llama2,
    "LLaMA 2, metaspace": metaspace,
}
TEXTS = ["abc abcaa aabc", "the cat sat", " <tool>cat  <l> mat<r>  mats é", "e\u0301 café 東", *HARD]


@pytest.fixture(scope="module", params=FILES)
def pair(request, tmp_path_factory):
    """Our tokenizer and the library's, of one file."""
    file = tmp_path_factory.mktemp("rules") / "tokenizer.json"
    FILES[request.param]().save(str(file))
    theirs = Tokenizer.from_file(str(file))
    theirs.encode_special_tokens = True
    return JsonTokenizer(file), theirs


@given(text=st.sampled_from(TEXTS) | anything | st.text("abc ", max_size=40))
def test_the_ids_are_the_librarys(pair, text):
    ours, theirs = pair
    assert ours.encode(text) == theirs.encode(text).ids


@given(text=st.sampled_from(TEXTS) | anything | st.text("abc ", max_size=40))
def test_the_merges_of_the_pieces_end_in_the_tokens(pair, text):
    ours, theirs = pair
    shown = [token for piece in ours.pieces(text) for token in merges(piece, ours.ranks)[-1]]
    ids = theirs.encode(text, add_special_tokens=False).ids
    lost = ours.special.get("<unk>") in ids
    single = "mat" in ours.added and "mat" in text  # a piece does not say that it stood alone
    if not lost and not single:
        assert shown == [ours.bytes_of(id) for id in ids]


@given(text=st.sampled_from(TEXTS) | anything)
def test_the_text_is_what_the_reference_decodes(pair, text):
    ours, theirs = pair
    ids = theirs.encode(text).ids
    reference = PreTrainedTokenizerFast(tokenizer_object=theirs)
    if "é" not in ours.added:  # which the library takes for one of its letters for bytes
        expected = reference.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        assert ours.decode(ids) == expected


@given(data=st.data())
def test_steps_told_one_by_one_are_the_whole_text(pair, data):
    ours, theirs = pair
    ids = data.draw(st.lists(st.integers(0, len(ours) + 3), max_size=30))
    stream = Stream(ours)
    assert "".join([*map(stream.add, ids), stream.rest()]) == ours.decode(ids)
    if max(ids, default=0) < len(ours) and not ours.added.keys() & {"é"}:
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


def test_a_special_token_spelled_out_is_text(pair):
    ours, _ = pair
    for name in ours.special:
        assert ours.encode(f"a {name}").count(ours.special[name]) == ours.encode("a").count(ours.special[name])


def test_what_goes_around_a_text_is_put_there(tmp_path):
    llama3().save(str(tmp_path / "tokenizer.json"))
    ours = JsonTokenizer(tmp_path / "tokenizer.json")
    assert ours.encode("the cat")[0] == ours.special[BEGIN]
    assert ours.decode(ours.encode("the cat")) == f"{BEGIN}the cat"
    assert b"".join(ours.pieces("the cat")) == b"the cat"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(dropout=0.1), "has dropout 0.1: it cuts texts at random"),
        (dict(end_of_word_suffix="</w>"), "has end_of_word_suffix '</w>'"),
        (dict(continuing_subword_prefix="@"), "has continuing_subword_prefix '@'"),
    ],
)
def test_a_rule_that_cannot_be_shown_is_refused_by_its_name(tmp_path, change, message):
    parts = json.loads(by_hand([]).to_str())
    parts["model"] |= change
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts))
    with pytest.raises(ValueError, match=message):
        JsonTokenizer(tmp_path / "tokenizer.json")


def test_a_row_without_an_entry_is_shown_by_its_number(tokenizer):
    beyond = len(tokenizer) + 7
    assert tokenizer.shown(beyond) == f"<id {beyond}>".encode()
    assert tokenizer.decode([*tokenizer.encode("the"), beyond]) == f"the<id {beyond}>"
    with pytest.raises(KeyError):
        tokenizer.bytes_of(beyond)


# --- lengths and panics ---------------------------------------------------------------------------

LONG = [" " * 10**6, "a" * 10**6, "\n" * (LONGEST + 1), "assepartout" * 10**5]


@pytest.mark.parametrize("text", LONG, ids=lambda text: text[:3])
def test_a_text_beyond_all_lengths_is_refused_before_anything_is_computed(tokenizer, wordpiece, text):
    start = time.monotonic()
    for one in (tokenizer, wordpiece):
        for read in (one.encode, getattr(one, "pieces", one.encode), getattr(one, "words", one.encode)):
            with pytest.raises(ValueError, match=f"has {len(text):,} characters; at most 200,000 are read"):
                read(text)
    assert time.monotonic() - start < 2


def test_a_panic_below_becomes_a_sentence(rank_tokenizer):
    with pytest.raises(ValueError, match="tiktoken cannot read this text"):
        rank_tokenizer.encode_file(" " * 10**6)


@pytest.mark.parametrize("text", [None, 3, b"the", ["the"]])
def test_what_is_no_text_is_told_so(tokenizer, text):
    with pytest.raises(ValueError, match="a text is a str, not"):
        tokenizer.encode(text)


@pytest.mark.parametrize("word", ["a" * 50_000, "assepartout" * 3000, "\u6771" * 9000])
def test_one_long_word_does_not_cost_its_square(tokenizer, word):
    start = time.monotonic()
    for piece in tokenizer.pieces(word):
        first, *_, last = merges(piece, tokenizer.ranks)
    assert last == [tokenizer.bytes_of(id) for id in tokenizer.encode(word)][-len(last) :]
    assert len(first) == len(piece)
    assert time.monotonic() - start < 5


@given(piece=st.text("abc", max_size=STEPS + 40).map(str.encode))
def test_the_last_step_of_a_long_piece_is_that_of_merging_one_by_one(piece):
    ranks = {bytes([b]): b for b in range(256)} | {
        b"ab": 256,
        b"ca": 257,
        b"abc": 258,
        b"aba": 9999,
        b"bab": 300,
    }
    parts = [bytes([b]) for b in piece]
    while True:
        pairs = [(ranks[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in ranks]
        if not pairs:
            break
        _, i = min(pairs)
        parts = [*parts[:i], parts[i] + parts[i + 1], *parts[i + 2 :]]
    assert _joined([bytes([b]) for b in piece], rank_of(ranks)) == parts


def test_an_encoders_long_word_is_unknown_at_once():
    start = time.monotonic()
    assert cuts("a" * 10**6, {"a", "##a"}) == [["a" * 10**6], ["[UNK]"]]
    assert time.monotonic() - start < 1


@given(text=st.sampled_from(HARD) | anything)
def test_words_cut_by_the_rule_give_the_encoders_tokens(wordpiece, text):
    known = set(wordpiece.names.values())
    shown = [piece for word in wordpiece.words(text) for piece in cuts(word, known, wordpiece.longest)[-1]]
    assert shown == [wordpiece.bytes_of(id).decode() for id in wordpiece.encode(text)[1:-1]]


def test_the_longest_word_that_is_cut_is_the_files(wordpiece_json, tmp_path):
    parts = json.loads(wordpiece_json.read_text())
    parts["model"]["max_input_chars_per_word"] = 3
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts))
    short = WordPieceTokenizer(tmp_path / "tokenizer.json")
    assert short.longest == 3
    assert short.bytes_of(short.encode("that")[1]) == b"[UNK]"
    parts["model"]["continuing_subword_prefix"] = "@@"
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts))
    with pytest.raises(ValueError, match="has continuing_subword_prefix '@@'; only '##' is read here"):
        WordPieceTokenizer(tmp_path / "tokenizer.json")
