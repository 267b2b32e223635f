"""From a folder of text to an encoder that can be loaded, on the command line."""

import json
import re

import pytest

import engine
from engine.masked import fill, follows
from engine.training import encoder
from engine.training.data import mix
from engine.training.evaluate import language as evaluate
from engine.training.evaluate import next_sentence
from tests.engine.training.conftest import trained

SIZES = "--vocabulary 300 --context 64 --width 12 --layers 2 --heads 2 --tokens 24576 --held-out 2"  # 6 steps


@pytest.fixture(scope="module")
def rhymes(books, tmp_path_factory):
    """The folder of a finished encoder."""
    place, english = tmp_path_factory.mktemp("training"), encoder.english
    sentences = evaluate.cloze_sentences()[::50]
    words = ["--name", "rhymes", "--about", "rhymes for counting", "--work", place / "work", *SIZES.split()]
    with pytest.MonkeyPatch.context() as patch:
        for module in (encoder, mix):
            patch.setattr(module, "english", lambda seed, characters: english(seed, min(characters, 20_000)))
        patch.setattr(encoder, "cloze_sentences", lambda: sentences)
        patch.setattr(encoder, "ASKED", 2)
        patch.setattr(next_sentence, "COUNT", 20)
        patch.setattr(next_sentence, "LENGTHS", (16, 32))
        assert trained(place / "models", "encoder", books, *words) == 0
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
        "≥ 50.0%",
        "- The [MASK] barked at the cat. *",
    ):
        assert words in text
    assert not re.search(r"\{\w*\}|None|nan", text)


def test_every_score_is_a_share_of_what_was_asked(rhymes):
    rows = json.loads((rhymes / "scores.json").read_text())["rows"]
    assert len(rows) == 2 * (3 + 2) + 1
    for row in rows:
        assert row["count"] > 0
        assert all(0 <= value <= 1 for value in row["values"] if value is not None)


def test_the_commonest_entries_are_the_baseline(rhymes):
    rows = {row["name"]: row["values"] for row in json.loads((rhymes / "scores.json").read_text())["rows"]}
    assert rows["masked tokens, top-5 accuracy, generated"][2] > 0.05
    assert rows["next sentence, as in training, generated"][2] >= 0.4
