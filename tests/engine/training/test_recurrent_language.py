"""A recurrent language model on the command line: beside the one whose vocabulary it has."""

import json
import math
import re

import numpy as np
import pytest
import torch

import engine
from engine.config import Config, RecurrentConfig
from engine.load import glassbox
from engine.model.build import fresh
from engine.tokenize import BeginTokenizer
from engine.training.evaluate import contexts, examples
from tests.engine.tiny import language_model
from tests.engine.training.conftest import trained
from tests.engine.training.test_language import content, few  # noqa: F401

SIZES = "--context 512 --width 12 --tokens 24576 --held-out 2 --kind lstm"  # 3 steps


@pytest.fixture(scope="module")
def shelf(books, corpus, few, tmp_path_factory):  # noqa: F811
    """A folder with a Transformer, `first`, and a recurrent model of its vocabulary."""
    place = tmp_path_factory.mktemp("training")
    tokenizer = BeginTokenizer(corpus[0].ranks)
    first = fresh(Config(len(tokenizer), 512, 12, 1, 2, 24, positions="rotary"), 0)
    first.tokenizer = tokenizer
    glassbox.write(first, place / "models" / "first")
    words = [books, "--name", "thread", "--about", "rhymes", "--work", place / "work", *SIZES.split()]
    assert trained(place / "models", *words, "--vocabulary-of", "first") == 0
    return place / "models"


def test_it_has_the_others_vocabulary_and_begins_texts_as_that_does(shelf):
    model = engine.load(shelf / "thread", device="cpu")
    assert isinstance(model.config, RecurrentConfig) and model.config.alone
    for file in ("vocabulary.tiktoken", "tokenizer_config.json"):
        assert (shelf / "thread" / file).read_bytes() == (shelf / "first" / file).read_bytes()
    special = model.tokenizer.special
    assert (model.config.start, model.config.end) == (special["<|begin|>"], special["<|endoftext|>"])
    assert not (shelf / "thread" / "checkpoints").exists()
    assert list(engine.generate(model, "One, two", engine.Decoding(max_tokens=3)))


def test_both_are_asked_the_same(shelf):
    scores, card = content(shelf / "thread" / "scores.json"), (shelf / "thread" / "card.md").read_text("utf-8")
    for row in scores["rows"]:
        assert len(row["values"]) == len(row["intervals"]) == 4
        assert all(math.isfinite(value) for value in row["values"])
    found = scores["contexts"]
    assert found["tokens"][:5] == [1, 2, 4, 8, 16] and found["count"] >= 20
    assert list(found["models"]) == ["thread", "first"]
    for one in found["models"].values():
        assert all(low <= bits <= high for bits, (low, high) in zip(*one.values(), strict=True))
    for told in ("| this model | first |", "one LSTM cell", "24 numbers", "vocabulary is first's", "| 16 |"):
        assert told in card
    assert not re.search(r"\{\w*\}|None|nan", card)
    assert "text" not in json.dumps(content(shelf / "thread" / "options.json").get("path", ""))


def test_a_vocabulary_that_is_not_there_is_said(books, tmp_path, capsys):
    words = [books, "--name", "other", "--work", tmp_path / "work", *SIZES.split()]
    assert trained(tmp_path / "models", *words, "--vocabulary-of", "nobody") == 2
    assert "there is no model nobody here" in capsys.readouterr().err


# --- what tokens further back are worth -----------------------------------------------------------


class Counting:
    """Sure of the token that is 1 more than the one `back` places before it, where there is one."""

    def __init__(self, back: int):
        self.back = back

    def context(self, ids, last):
        return last

    def __call__(self, ids, last):
        logits = torch.zeros(len(ids), ids.shape[1], 50)
        if ids.shape[1] >= self.back:
            logits[torch.arange(len(ids)), -1, (ids[:, -self.back] + 1) % 48] = 40
        return logits[:, -1:]


class Bare:
    special, prefix = {"end": 49}, ()

    @staticmethod
    def bytes_of(id):
        return b"ab"


def test_a_token_helps_only_those_who_look_as_far_back():
    row = np.arange(400) // 4 % 48
    row[200] = 49
    assert contexts.lengths(16) == [1, 2, 4, 8, 16] and contexts.lengths(16, 1) == [1, 2, 4, 8, 15]
    at = contexts.places(row, Bare, 16, 30)
    assert len(at) == 30 and not any(0 <= i - 200 <= 16 for i in at) and at[0] >= 16
    scores = contexts.curve(Counting(4), row, Bare, *contexts.asked(row, Bare, 16, 30))
    assert [score.value for score in scores] == pytest.approx([math.log2(50) / 2] * 2 + [0] * 3, abs=0.2)
    told = contexts.told({"one": scores}, contexts.lengths(16))
    assert told["count"] == 30 and contexts.table(told).count("\n") == 6


def test_a_reset_forgets_all_that_was_read():
    model = language_model("lstm", torch.float32)
    ids = [3, 5, 7, 9, 11]
    reset = engine.run(model, ids, examples.reset(model, 2))["logits"][:, 3:]
    assert torch.allclose(reset, engine.run(model, ids[3:])["logits"], atol=1e-6)


def test_measured_again_it_is_what_it_was(shelf, books):
    place = shelf / "thread"
    before = {file: (place / file).read_bytes() for file in ("scores.json", "card.md", "examples.json")}
    assert trained(shelf, "measure", "thread", books) == 0
    assert {file: (place / file).read_bytes() for file in before} == before
