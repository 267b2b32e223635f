"""From a folder of text to an encoder that can be loaded, on the command line."""

import json
import re

import pytest
import torch

import engine
from engine.masked import fill, follows
from engine.training import encoder
from engine.training.evaluate import language as evaluate
from engine.training.evaluate import next_sentence
from tests.engine.training.conftest import trained

BANDS = ((12, 20), (21, 32))
SIZES = "--vocabulary 300 --context 64 --width 12 --layers 2 --heads 2 --tokens 24576 --held-out 2"  # 6 steps


WORDS = ["--about", "rhymes for counting", *SIZES.split()]


def learned(books, place, *words):
    """The exit status of a training in `place`."""
    sentences = evaluate.cloze_sentences()[::50]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "CHARACTERS", 20_000)
        patch.setattr(encoder, "ENGLISH", 20_000)
        patch.setattr(encoder, "FEWEST", 20_000)
        patch.setattr(encoder, "cloze_sentences", lambda: sentences)
        patch.setattr(encoder, "ASKED", 2)
        patch.setattr(next_sentence, "COUNT", 20)
        patch.setattr(next_sentence, "BANDS", BANDS)
        return trained(place / "models", "encoder", books, *WORDS, *words)


@pytest.fixture(scope="module")
def rhymes(books, tmp_path_factory):
    """The folder of a finished encoder."""
    place = tmp_path_factory.mktemp("training")
    assert learned(books, place, "--name", "rhymes", "--work", place / "work") == 0
    return place / "models" / "rhymes"


def test_training_leaves_an_encoder_that_can_be_loaded(rhymes):
    model = engine.load(rhymes, device="cpu")
    assert not model.config.causal
    assert len(model.tokenizer) == model.config.vocabulary
    assert len(fill(model, "One, [MASK], three", 4)[0]) == 4
    assert 0 < follows(model, "One, two.", "Three, four.") < 1


def test_the_card_says_what_it_is_and_how_well_it_does(rhymes):
    text = (rhymes / "card.md").read_text(encoding="utf-8")
    for words in (
        "# rhymes",
        "2 blocks of",
        "rhymes for counting: 60% of what it read",
        "24,576 tokens in 6 steps",
        "| masked tokens, top-5 accuracy, books |",
        "| cloze, top-5 accuracy |",
        "≥ 55.0%",
        "- The [MASK] barked at the cat. *",
    ):
        assert words in text
    assert not re.search(r"\{\w*\}|None|nan", text)


@pytest.mark.parametrize(("share", "shown"), [(0.9, "the second follows"), (0.1, "the second does not follow")])
def test_only_pairs_that_it_judges_correctly_are_examples(rhymes, monkeypatch, share, shown):
    monkeypatch.setattr(encoder, "follows", lambda model, first, second: share)
    examples = encoder.examples_of(engine.load(rhymes, device="cpu"))
    assert all(shown in example["note"] for example in examples if "follows" in example)
    assert shown in {what for _, _, what in encoder.TRIED["pairs"]}


def test_every_score_is_a_share_of_what_was_asked(rhymes):
    rows = json.loads((rhymes / "scores.json").read_text())["rows"]
    assert 2 * 2 + len(BANDS) + 1 < len(rows) <= 2 * (2 + len(BANDS)) + 1  # of little text some bands are empty
    for row in rows:
        assert row["count"] > 0
        assert all(0 <= value <= 1 for value in row["values"] if value is not None)


def test_the_commonest_entries_are_the_baseline(rhymes):
    rows = {row["name"]: row["values"] for row in json.loads((rhymes / "scores.json").read_text())["rows"]}
    assert rows["masked tokens, top-5 accuracy, generated"][2] > 0.05


def test_one_can_begin_with_the_vocabulary_and_the_weights_of_another(books, rhymes, capsys):
    place, more = rhymes.parents[1], ["--name", "more", "--start", "rhymes", "--tokens", "4096"]
    assert learned(books, place, *more, "--work", place / "more", "--rate", "0.000001") == 0
    old, new = (engine.load(rhymes.parent / name, device="cpu") for name in ("rhymes", "more"))
    assert new.tokenizer.names == old.tokenizer.names
    for was, now in zip(old.parameters(), new.parameters(), strict=True):
        torch.testing.assert_close(now, was, atol=1e-3, rtol=0)
    assert "begun with the weights of an earlier rhymes" in (rhymes.parent / "more" / "card.md").read_text(
        "utf-8"
    )
    words = ["--name", "other", "--start", "rhymes", "--work", place / "other", "--width", "24"]
    assert learned(books, place, *words) != 0
    assert "has another shape" in capsys.readouterr().err
    assert learned(books, place, "--name", "none", "--start", "nobody", "--work", place / "none") != 0
    assert "there is no such encoder" in capsys.readouterr().err
