"""From a file of pairs to a model that translates and can be loaded, on the command line."""

import json
import math
import re

import pytest

import engine
from engine.decode import generate
from tests.engine.training import conftest

SIZES = "--vocabulary 300 --context 20 --width 32 --layers 1 --heads 2 --tokens 48000 --batch 16 --held-out 6"
SIZES += " --rate 0.02 --warm-up 20"
REGULAR = ("--dropout", "0.02", "--smoothing", "0.01")
WORDS = dict(red="rouge", big="grand", old="vieux", cat="chat", dog="chien", ship="bateau")
NOUNS = ("cat", "dog", "ship")


def pairs() -> list[str]:
    """A language of few words: what is said of a noun stands after it in the other one."""
    lines = []
    for what in ("red", "big", "old"):
        for noun in NOUNS:
            for other in NOUNS:
                lines.append(f"{what} {noun}, {other}\t{WORDS[noun]} {WORDS[what]}, {WORDS[other]}")
    return lines


def trained(place, *more: str):
    """The folder of a model that the command has finished."""
    (place / "pairs.tsv").write_text("\n".join(pairs()) + "\n")
    words = ["--name", "interpreter", "--about", "three nouns", "--work", place / "work", *SIZES.split(), *more]
    assert conftest.trained(place / "models", "translation", place / "pairs.tsv", *words, log_every=10) == 0
    return place / "models" / "interpreter"


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("training"), *REGULAR)


@pytest.mark.parametrize("cell, attention", [("gru", "none"), ("lstm", "additive")])
def test_a_recurrent_model_learns_the_same_language(tmp_path, cell, attention):
    folder = trained(tmp_path, "--kind", cell, "--attention", attention)
    model = engine.load(folder, device="cpu")
    assert (model.config.cell, model.config.attention) == (cell, attention)
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert log[0]["loss"] > 2 > 0.8 > log[-1]["loss"]
    card = (folder / "card.md").read_text()
    assert cell.upper() in card
    assert ("It has no attention" in card) == (attention == "none") != ("too long for it" in card)


def rows(folder) -> dict[str, list[float]]:
    return {row["name"]: row["values"] for row in json.loads((folder / "scores.json").read_text())["rows"]}


def test_training_leaves_a_model_that_translates_what_it_never_read(interpreter):
    model = engine.load(interpreter, device="cpu")
    assert model.encoder.embed.token.weight is model.decoder.logits.weight
    text = b"".join(model.tokenizer.bytes_of(step.id) for step in generate(model, "big dog, cat")).decode()
    assert text == "chien grand, chat"
    assert rows(interpreter)["exact match"][0] > 0.8


def test_a_run_learns(interpreter):
    log = [json.loads(line) for line in (interpreter / "log.jsonl").read_text().splitlines()]
    assert log[0]["loss"] > 3
    assert log[-1]["loss"] < 0.3  # of which the smoothing is 0.1
    assert log[-1]["step"] == 150


def test_the_card_says_what_it_is_and_how_well_it_does(interpreter):
    text = (interpreter / "card.md").read_text(encoding="utf-8")
    for words in (
        "# interpreter",
        "1 blocks that read and 1 that write",
        "three nouns: 20 pairs",
        "www.manythings.org/anki and tatoeba.org",
        "CC BY",
        "48,000 tokens in 150 steps",
        "6 English sentences",
        "| exact match, up to 4 words | 6 |",
        "| chrF | 6 |",
        "| bits per token |",
        "≥ 35.0%",
        "≥ 68.0",
        "| beam of 4: BLEU | 6 |",
        "| BLEU, lower case | 6 |",
        "with dropout of 0.02 and label smoothing of 0.01",
        "It read no pair in which one of them",
        "tok:13a",
        "too long for it",
        "1 of the other pairs are not learned from",
    ):
        assert words in text
    assert text.count(" → *") == 6
    assert not re.search(r"\{\w*\}|None|nan", text)


def test_the_baselines_stand_beside_it(interpreter):
    found = rows(interpreter)
    model, start, similar, table, commonest, copying = found["chrF"]
    assert model > similar > commonest > copying > 0
    assert start < table < model  # words in their places are what there is to learn
    assert found["beam of 4: exact match"][0] > 0.8
    assert found["exact match, translation never read"][0] > 0.8
    assert found["BLEU"][0] > 80 > found["BLEU"][2]
    bits = found["bits per token"]
    assert bits[0] < 0.5
    assert bits[1] == pytest.approx(math.log2(300), rel=0.1)  # a fresh model knows nothing
    assert bits[2] is None
