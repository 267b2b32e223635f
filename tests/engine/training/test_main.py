"""From a folder of text to a model that can be loaded, on the command line."""

import json
import sys

import pytest

import engine
from engine.training import __main__ as command
from engine.training import train


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Where models are written to."""
    monkeypatch.setattr(command, "MODELS", tmp_path / "models")
    monkeypatch.setattr(command, "keep_memory", lambda: None)
    monkeypatch.setattr(train, "LOG_EVERY", 1)
    return tmp_path / "models"


def run(monkeypatch, books, work, *more):
    sizes = "--vocabulary 280 --context 48 --width 16 --layers 2 --heads 2 --tokens 3072 --held-out 2"
    options = ["--name", "rhymes", "--about", "rhymes for counting", "--work", str(work), *sizes.split(), *more]
    monkeypatch.setattr(sys, "argv", ["training", str(books), *options])
    command.main()


def test_training_leaves_a_model_that_can_be_loaded(books, shelf, tmp_path, monkeypatch, capsys):
    run(monkeypatch, books, tmp_path / "work", "--minutes", "0")
    assert "run the same command again to go on" in capsys.readouterr().out
    assert not shelf.exists()
    run(monkeypatch, books, tmp_path / "work")
    model = engine.load(shelf / "rhymes", device="cpu")
    assert model.config.layers == 2
    assert len(model.tokenizer) == model.config.vocabulary == 280
    assert len(list(engine.generate(model, "One, two"))) > 0
    files = {file.name for file in (shelf / "rhymes").iterdir()}
    assert files == {"config.json", "model.safetensors", "vocabulary.tiktoken", "card.md", "log.jsonl"}


def test_the_card_says_what_the_model_is_and_how_well_it_does(books, shelf, tmp_path, monkeypatch):
    run(monkeypatch, books, tmp_path / "work")
    card = (shelf / "rhymes" / "card.md").read_text(encoding="utf-8")
    for words in (
        "# rhymes",
        "rhymes for counting",
        "bits per byte",
        "2 whole texts",
        "3,072 tokens in 4 steps",
    ):
        assert words in card
    log = [json.loads(line) for line in (shelf / "rhymes" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["step"] == 4
