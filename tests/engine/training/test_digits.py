"""From pictures to a vision transformer that can be loaded, on the command line."""

import json
import re

import pytest
import torch

import engine
from engine.training import __main__ as command
from engine.training import digits, run
from tests.engine.training.conftest import digits_of, trained


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """The folder of a finished model."""
    place = tmp_path_factory.mktemp("training")
    words = f"--name bars --work {place / 'work'} --epochs 11 --width 16 --layers 2 --heads 2".split()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "check_packages", lambda task: None)
        patch.setattr(digits, "split", lambda seed: (*digits_of(200, seed), *digits_of(50, seed + 1)))
        assert trained(place / "models", "digits", *words, log_every=50) == 0
    return place / "models" / "bars"


def test_training_leaves_a_model_that_tells_them_apart(bars):
    model = engine.load(bars, device="cpu")
    pixels, labels = digits_of(40, 9)
    guesses = [engine.run(model, model.prepare(image))["classes"].argmax().item() for image in pixels]
    assert torch.tensor(guesses).eq(labels).float().mean() > 0.95
    assert model.labels == tuple("0123456789")


def test_the_card_says_how_well_it_does(bars):
    text = (bars / "card.md").read_text(encoding="utf-8")
    scores = json.loads((bars / "scores.json").read_text())
    (row,) = scores["rows"]
    value, (low, high) = row["values"][0], row["intervals"][0]
    assert row["count"] == 50 and value > 0.95
    assert low < value <= high
    for words in (
        "# bars",
        "16 patches of 2 × 2 pixels",
        "200 handwritten digits",
        f"{value:.1%} ({100 * low:.1f}–{100 * high:.1f})",
    ):
        assert words in text
    assert not re.search(r"\{\w*\}|None|nan", text)


def test_batches_are_the_same_for_the_same_step_and_moved_by_a_pixel_at_most():
    pixels, labels = digits_of(30, 0)
    data = digits.Digits(pixels, labels)
    one, again, other = data.batch(0, 3, 20, 17), data.batch(0, 3, 20, 17), data.batch(0, 4, 20, 17)
    assert torch.equal(one[0], again[0]) and torch.equal(one[1], again[1])
    assert not torch.equal(one[0], other[0])
    for image in one[0]:
        inner = image[0, 1:-1, 1:-1]
        windows = pixels[:, 0].unfold(1, 6, 1).unfold(2, 6, 1)  # every stretch of 6 × 6
        assert (windows == inner).all(-1).all(-1).any()


def test_measuring_again_writes_the_same(bars, monkeypatch):
    files = [bars / name for name in ("scores.json", "examples.json", "card.md")]
    before = [file.read_text("utf-8") for file in files]
    for file in files:
        file.unlink()
    monkeypatch.setattr(digits, "split", lambda seed: (*digits_of(200, seed), *digits_of(50, seed + 1)))
    monkeypatch.setattr(run, "MODELS", bars.parent)
    monkeypatch.setattr(run, "check_packages", lambda task: None)
    assert command.main(["measure", "bars"]) == 0
    assert [file.read_text("utf-8") for file in files] == before
