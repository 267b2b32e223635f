"""The page Tokenizers: its rows are the tokenizers' own, characters stay whole, bad input has a sentence."""

import hashlib
import json
import shutil
from collections import Counter
from functools import cache

import numpy as np
import pytest
import regex
import tiktoken_ext.openai_public
from hypothesis import given as drawn
from hypothesis import settings
from tokenizers import Tokenizer

import engine
from app import shelf
from app.text import sections
from app.views.tokenizers import cutters, rows
from engine.tokenize import public, train
from engine.tokenize.plain import excerpt, texts
from engine.tokenize.training import KINDS
from tests.app.test_reports import FORGED
from tests.app.visit import (
    MAIN,
    bars,
    curves,
    enter,
    fire,
    given,
    keys,
    mark,
    notices,
    press,
    report,
    reported,
    tensors,
    view,
    visit,
)
from tests.app.visit import texts as said
from tests.engine.tokenize.texts import anything

MIXED = "Héllo 👩‍👩‍👧 e\u0301 שלום 漢 <unk> [UNK] <|endoftext|>\n\x00 ##a ▁"
TOY = "low low low low low lower lower newest newest newest newest newest newest widest widest widest"


def page(**link):
    at = visit(**link)
    at.switch_page(str(MAIN.parent / "views" / "tokenizers" / "page.py")).run()
    assert not at.exception
    return at


def words(at) -> str:
    return " ".join(said(at)).replace("*", "").replace("\\", "")


def ids(row: dict) -> list[int]:
    return [part[1] for _, parts in row["groups"] for part in parts]


def replayed(at) -> dict:
    header = given(at, "training")
    return json.loads(bytes(tensors(at)[header["src"]].astype(np.uint8)))


# --- side by side --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [MIXED, *texts()["ready"].values()])
def test_each_row_is_what_its_tokenizer_makes_of_the_text(text):
    for name, cutter in cutters.cutters().items():
        assert [token.id for token in cutter.cut(text)] == expected(name, text), name


@cache
def saved(kind: str) -> Tokenizer:
    """The library's, of one that was trained anew and saved."""
    return Tokenizer.from_str(train(excerpt(), kind, cutters.SIZE).inner.to_str())


@cache
def loaded(name: str):
    return engine.load(name).tokenizer


def expected(name: str, text: str) -> list[int]:
    """The ids by another way: the library's of a saved one, a model's own without its ends, the definition."""
    if name in KINDS:
        return saved(name).encode(text).ids
    if name == "bytes":
        return list(text.encode())
    if name == "characters":
        known = ["", *sorted(set(excerpt()))]
        return [known.index(c) if c in known else 0 for c in text]
    if name == "words":
        known = cutters.cutters()["words"].tokenizer.ids
        return [known.get(word, 0) for word in regex.findall(r"\w+|[^\w\s]", text.lower())]
    tokenizer = loaded(name)
    ends = {*tokenizer.special.values()} - {tokenizer.unknown}
    found = tokenizer.encode(text)
    if name == "wordfinder":
        return found[1:-1]
    return [id for id in found if id not in ends]


@drawn(text=anything)
@settings(deadline=None, max_examples=60)
def test_no_character_is_broken_and_nothing_is_left_out(text):
    for name, cutter in cutters.cutters().items():
        tokens = cutter.cut(text)
        groups = cutters.groups(cutter, tokens)
        assert [part[0] for _, parts in groups for part in parts] == list(range(len(tokens)))
        if cutters.as_written(cutter) and "\ufffd" not in text:
            assert not any("\ufffd" in shown for shown, _ in groups), name
            assert b"".join(token.raw for token in tokens).decode() == text
            assert sum(len(parts) > 1 for _, parts in groups) == sum(
                any(part[4] for part in parts) for _, parts in groups
            )
        if name in ("bytes", "byte-bpe", "storybook", "bookworm"):
            assert cutter.back(text, tokens) == text and not any(token.unknown for token in tokens)


def test_the_rows_are_on_the_page_with_their_counts():
    at = page(prompt=MIXED)
    shown = {row["title"]: row for row in given(at, "beside")["rows"]}
    for cutter in cutters.cutters().values():
        tokens = cutter.cut(MIXED)
        row, unknown = shown[cutter.title], sum(token.unknown for token in tokens)
        assert ids(row) == [token.id for token in tokens]
        assert row["count"].startswith(f"{len(tokens)} token")
        assert (f"{unknown} unknown" in row["count"]) == (unknown > 0)
        assert bool(row["back"]) == (cutter.back(MIXED, tokens) != MIXED)
        assert f"{len(cutter.tokenizer):,} entries" in row["note"]
    assert shown["Words"]["back"] and not shown["BPE, bytes"]["back"]


def test_the_lectures_sentences_are_told_apart():
    ready = list(texts()["ready"].values())
    at = page(prompt=ready[2])
    counts = {name: len(cutter.cut(ready[2])) for name, cutter in cutters.cutters().items()}
    assert f"Here it is {counts['storybook']} with storybook and {counts['byte-bpe']}" in words(at)
    assert "counts 12 pieces" in words(at)
    at = fire(at, "prompt", example=1)
    assert view(at).prompt == ready[1] and "givin' and lectrue" in words(at)
    words_of = cutters.cutters()["words"]
    for text, unknown in zip(ready[:2], ({"transformers"}, {"lectrue", "transformers"}), strict=True):
        assert {token.source for token in words_of.cut(text) if token.unknown} == unknown


def test_a_long_row_is_cut_short_and_counted_whole():
    at = page(prompt="ab " * 400)
    row = given(at, "beside")["rows"][0]
    assert len(row["groups"]) == rows.MOST and "1,200 tokens" in row["count"] and "900 more" in row["more"]


@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert", "t5"])
def test_the_tokenizer_of_a_model_of_ones_own_is_a_row(kind, checkpoints, shelved):
    shutil.copytree(checkpoints / kind, shelved / kind)
    shelf.forget()
    cutter = cutters.cutters()[kind]
    library = Tokenizer.from_file(str(shelved / kind / "tokenizer.json"))
    library.encode_special_tokens = kind in ("gpt2", "llama")
    for text in (MIXED, "It's the cat", ""):
        tokens = cutter.cut(text)
        assert [token.id for token in tokens] == library.encode(text, add_special_tokens=False).ids
        assert len(cutters.groups(cutter, tokens)) <= len(tokens)
    stages = given(page(cutting="stages", tokenizer=kind, prompt="It's the cat"), "stages")["rows"]
    assert ids(stages[-1]) == [token.id for token in cutter.cut("It's the cat")]
    assert any("cat" in shown for shown, _ in stages[2]["groups"])


# --- the public vocabularies ---------------------------------------------------------------------


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A folder in which tiktoken would look for its files."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    return tmp_path


def test_a_public_vocabulary_that_is_not_there_is_told_and_not_fetched(cached, monkeypatch):
    monkeypatch.setattr(tiktoken_ext.openai_public, "load_tiktoken_bpe", None)
    assert [public.public(name) for name in public.PUBLIC] == [None] * 3
    file = public.file_of("cl100k")
    file.write_bytes(b"something else")
    assert public.public("cl100k") is None and file.read_bytes() == b"something else"
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    assert public.public("cl100k") is None
    assert "r50k, cl100k, o200k" in words(page()) and "100,277 entries" in words(page())


def test_a_public_vocabulary_that_is_there_is_taken(cached, monkeypatch):
    text = (MAIN.parents[1] / "assets/models/bookworm/vocabulary.tiktoken").read_bytes()
    file = public.file_of("r50k")
    file.write_bytes(text)
    monkeypatch.setitem(public.PUBLIC, "r50k", hashlib.sha256(text).hexdigest())
    ranks = engine.load("bookworm").tokenizer.ranks
    pattern = tiktoken_ext.openai_public.r50k_pat_str
    one = dict(
        name="r50k_base", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256}
    )
    monkeypatch.setitem(tiktoken_ext.openai_public.ENCODING_CONSTRUCTORS, "r50k_base", lambda: one)
    monkeypatch.setattr("tiktoken.registry.ENCODING_CONSTRUCTORS", None)
    monkeypatch.setattr("tiktoken.registry.ENCODINGS", {})
    found = public.public("r50k")
    assert len(found) == 50_257 and found.decode(found.encode(MIXED)) == MIXED
    assert 50256 not in found.encode(MIXED)
    assert b"".join(found.pieces(MIXED)).decode() == MIXED


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
def test_what_is_kept_as_a_file_is_what_is_learned(kind):
    kept, learned = cutters.cutters()[kind].tokenizer, train(excerpt(), kind, cutters.SIZE)
    assert type(kept) is type(learned) and kept.inner.to_str() == learned.inner.to_str()


# --- train one -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bpe", "byte-bpe", "wordpiece"])
def test_a_training_is_played_as_the_engine_made_it(kind):
    at, ours = page(cutting="train", kind=kind, size=400), train(excerpt(), kind, 400)
    header, told = given(at, "training"), replayed(at)
    assert header["merges"] == len(ours.steps) == len(told["steps"]) and header["light"]["ok"]
    list_of = list(ours.vocabulary)
    for step, (a, b, new, count, _, rivals) in zip(ours.steps, told["steps"], strict=True):
        assert (list_of[a], list_of[b]) == step.pair and count == step.count
        assert list_of[new].removeprefix("##").startswith(list_of[a].removeprefix("##"))
        assert [row[2] for row in rivals] == [count for _, count, _ in step.rivals]
    assert told["steps"][-1][4] == len(ours) == 400
    assert header["start"] + len({step[2] for step in told["steps"]}) == 400
    file = bytes(tensors(at)[given(at, "download")["src"]].astype(np.uint8)).decode()
    assert Tokenizer.from_str(file).encode(MIXED).ids == ours.encode(MIXED)


def test_a_scrub_is_in_the_link_and_marks_the_curve():
    at = page(cutting="train", kind="bpe", corpus=TOY, prompt="lowest")
    ours = train(TOY, "bpe", 800)
    assert given(at, "training")["merge"] == given(at, "training")["merges"]
    at = fire(at, "training", merge=4)
    assert view(at).merge == 4 and at.query_params["merge"] == "4"
    start = len(ours) - len(ours.steps)
    assert mark(at, "plot-curve") == (start + 4, len(TOY) / ours.steps[3].tokens)
    learned, typed = curves(at, "plot-curve").values()
    assert learned[1] == pytest.approx([len(TOY) / step.tokens for step in ours.steps])
    for n, each in enumerate(typed[1], 1):
        assert each == len("lowest") / len(train(TOY, "bpe", start + n).encode("lowest"))
    assert notices(fire(at, "training", merge=99)) == notices(at) and view(at).merge == 4
    assert view(fire(at, "training", merge=0)).merge == 0
    at = enter(at, "kind", "wordpiece")
    assert given(at, "training")["scored"] and view(at).corpus == TOY


def test_what_is_pasted_is_learned_from_and_an_example_too():
    at = fire(page(cutting="train"), "corpus", prompt="aaabdaaabac " * 3)
    assert view(at).corpus == "aaabdaaabac " * 3
    assert replayed(at)["steps"][0][3] == Counter(zip("aaabdaaabac", "aabdaaabac", strict=False))["a", "a"] * 3
    at = fire(at, "corpus", example=1)
    assert view(at).corpus == "" and given(at, "training")["merges"] == 544


def test_unigrams_numbers_are_the_librarys():
    at, ours = (
        page(cutting="train", kind="unigram", size=300, prompt="the cat 漢"),
        train(excerpt(), "unigram", 300),
    )
    best = sorted(list(ours.scores.values())[1:], reverse=True)[:30]
    assert bars(at, "plot-unigram") == pytest.approx(np.exp(best))
    assert f"into {len(ours.encode('the cat 漢'))} tokens" in words(at)
    total = sum(ours.scores[ours.token(id)] for id in ours.encode("the cat 漢"))
    assert f"{total:.2f}".replace("-", "−") in words(at)


# --- languages and stages ------------------------------------------------------------------------


def test_the_languages_bars_are_the_counts():
    at = page(cutting="languages", tokenizer="storybook")
    tokenizer, sentences = engine.load("storybook").tokenizer, texts()["languages"]
    counts = [len(tokenizer.encode(sentence)) for sentence in sentences.values()]
    assert len(counts) == 12 and bars(at, "plot-tokens") == counts
    assert bars(at, "plot-each") == pytest.approx(
        [n / len(s) for n, s in zip(counts, sentences.values(), strict=True)]
    )
    assert f"{max(counts)}, and" in words(at)
    at = fire(at, "control-tokenizer", change="bytes")
    assert view(at).tokenizer == "bytes"
    assert bars(at, "plot-tokens") == [len(sentence.encode()) for sentence in sentences.values()]
    assert "prompt" not in keys(at)


@pytest.mark.parametrize("name", [*KINDS, "characters", "bytes", "words", "storybook", "wordfinder"])
def test_the_stages_end_in_the_tokens(name):
    at = page(cutting="stages", tokenizer=name, prompt="Héllo  World, it's 漢字!")
    typed, normal, pieces, tokens = given(at, "stages")["rows"]
    cutter = cutters.cutters()[name]
    assert typed["groups"][0][0] == "Héllo··World,·it's·漢字!"
    assert ids(tokens) == [token.id for token in cutter.cut("Héllo  World, it's 漢字!")]
    assert pieces["code"] and f"{len(pieces['groups'])} pieces" in pieces["count"]
    if name in ("wordpiece", "wordfinder"):
        assert normal["groups"][0][0].startswith("hello··world,")
        assert [shown for shown, _ in pieces["groups"]][:4] == ["hello", "world", ",", "it"]
    elif name not in ("words", "unigram"):
        assert normal["groups"][0][0] == typed["groups"][0][0]


def test_a_tokenizer_that_is_not_there_gives_the_first():
    at = page(cutting="stages", tokenizer="<b>none</b>")
    assert "BPE, bytes splits" in words(at)


# --- bad input, and the way there ----------------------------------------------------------------

BAD = {"long": ("ab " * 333_333, "characters"), "half": ("a\ud800b", "half of a surrogate pair")}


@pytest.mark.parametrize("part", ["beside", "train", "stages"])
@pytest.mark.parametrize("name", BAD)
def test_a_text_that_cannot_be_cut_has_a_sentence_and_stays(part, name):
    text, told = BAD[name]
    at = fire(page(cutting=part, kind="unigram"), "prompt", prompt=text)
    assert not at.exception and view(at).prompt == given(at, "prompt")["text"] == text
    assert any(told in notice for notice in notices(at))
    merges = enter(at, "kind", "bpe") if part == "train" else None
    assert merges is None or (given(merges, "training")["text"] is None and not merges.exception)


@pytest.mark.parametrize(
    "corpus", ["ab " * 333_333, "a\ud800b", "".join(map(chr, range(0x4E00, 0x4E00 + 2000)))]
)
def test_a_text_that_cannot_be_learned_from_has_a_sentence_and_stays(corpus):
    at = fire(page(cutting="train", kind="bpe"), "corpus", prompt=corpus)
    assert not at.exception and view(at).corpus == given(at, "corpus")["text"] == corpus and notices(at)


@pytest.mark.parametrize("text", ["", " ", "\x00", "\n\n", "<b>*x*</b> [[name]] $x$"])
@pytest.mark.parametrize("part", ["beside", "train", "stages"])
def test_any_other_text_is_cut(part, text):
    at = page(cutting=part, prompt=text, kind="bpe", corpus=text)
    assert not notices(at) or (part == "train" and text.strip())


def test_the_walk_leads_here_and_back():
    at = press(visit(step="tokens", prompt="the cat"), "every tokenizer")
    assert not at.exception and "beside" in keys(at) and view(at).prompt == "the cat"
    at = press(at, "back to the walk")
    assert "tokens" in keys(at) and view(at).step == "tokens"


@pytest.mark.parametrize("part", ["train", "stages"])
def test_a_forged_report_does_nothing(part):
    at = page(cutting=part, kind="bpe", corpus=TOY)
    key, event = ("training", "merge") if part == "train" else ("control-tokenizer", "change")
    before, first = view(at), reported(at, key, event, 0)
    sent = [[first[0] + n, *first[1:4], value] for n, value in enumerate(FORGED.values())]
    at = report(at, sent)
    assert not at.exception and view(at) == before


def test_every_text_is_used():
    code = " ".join(p.read_text("utf-8") for p in (MAIN.parent / "views" / "tokenizers").glob("*.py"))
    code += (MAIN.parent / "views/walk/steps/tokens.py").read_text("utf-8")
    for name in sections("tokenizers"):
        last = name.rpartition("/")[2]
        assert last.replace("-", "") in code.replace("-", "") or last in {*KINDS, *visible_names()}, name


def visible_names() -> set[str]:
    return {"characters", "bytes", "words", *public.PUBLIC, "NFKC", "BertNormalizer", "lower", "changed"}
