"""Dice on the page: their sides are the counts, what is drawn is the engine's, and both are measured alike."""

import json

import numpy as np
import pytest
import torch

import engine
from app.views.decode.ngrams import measured
from engine.decode import ngrams
from tests.app.conftest import CAPTIONERS, TRANSLATORS
from tests.app.decoding import decoding
from tests.app.visit import MAIN, bars, enter, figure, fire, given, keys, model, notices, softmax, texts

PROMPT = "The animal didn't cross the street because it was too"


def page(**link):
    at = decoding(**dict(part="ngrams", prompt=PROMPT) | link)
    assert not at.exception
    return at


def said(at) -> str:
    return " ".join(texts(at)).replace("*", "").replace("\\", "")


@pytest.mark.parametrize("seed", [0, 3])
def test_the_sides_are_as_wide_as_the_counts(seed):
    at, counts = page(seed=seed), ngrams.shipped()
    die = figure(at, "plot-dice").data[0]
    u = torch.rand((), generator=torch.Generator().manual_seed(seed), dtype=torch.float64).item()
    assert figure(at, "plot-dice").layout.shapes[0].x0 == u
    before = counts.split(PROMPT)
    for n in (1, 2, 3):
        _, often = counts.followers(before, n)
        mine = np.array(die.y) == n - 1
        shares, starts = np.array(die.x)[mine], np.array(die.base)[mine]
        total = counts.times(before, n)
        assert shares[: min(12, len(often))] == pytest.approx(often[:12] / total)
        assert shares.sum() == pytest.approx(1)
        assert shares[-1] == pytest.approx(1 - often.sum() / total)
        assert starts == pytest.approx(np.cumsum(shares) - shares)
        drawn = np.array(die.marker.line.width)[mine] > 0
        assert drawn.sum() == 1
        side = int(drawn.argmax())
        assert starts[side] <= u < starts[side] + shares[side] + 1e-12
        rare = u * total >= often.sum()
        assert rare == (side == len(shares) - 1)
        word = counts.words[counts.throw(before, n, u)]
        assert f"{word.strip()} {'for' if rare else 'after'} the last {n}" in said(at)
        assert counts.write(PROMPT, 1, n, seed) == [word]


def test_the_model_draws_with_the_same_number():
    at, scores = page(seed=3), engine.run(model(), PROMPT)["logits"][0, -1].numpy()
    p = softmax(scores)
    order = np.argsort(-p, kind="stable")[:12]
    assert bars(at, "plot-next") == pytest.approx(p[order]) and given(at, "plot-next")["light"]["ok"]
    u = torch.rand((), generator=torch.Generator().manual_seed(3), dtype=torch.float64).item()
    token = int(np.searchsorted(np.cumsum(p), u, side="right"))
    assert f"falls on {model().tokenizer.decode([token]).strip()} here" in said(at)


def test_drawing_again_takes_the_next_seed():
    at = page(seed=3)
    again = fire(at, "button-again", change=True)
    assert (
        figure(again, "plot-dice").layout.shapes[0].x0 == figure(page(seed=4), "plot-dice").layout.shapes[0].x0
    )


def test_the_written_texts_are_the_engines():
    at = page(seed=5, words=8)
    for n in (1, 2, 3):
        written = "".join(ngrams.shipped().write(PROMPT, 8, n, 5))
        assert " ".join(written.split()) in " ".join(said(at).split())
    told = engine.generate(model(), PROMPT, engine.Decoding("sample", seed=5, max_tokens=8))
    assert " ".join("".join(step.text for step in told).split()) in " ".join(said(at).split())
    assert said(enter(page(seed=5), "words", 8)) == said(at)


def test_the_bits_are_those_that_were_measured():
    found = bars(page(), "plot-bits")
    assert found[:4] == pytest.approx(ngrams.shipped().measured)
    assert found[4:] == pytest.approx(list(measured().values())) and len(found) > 4
    card = json.loads((MAIN.parents[1] / "assets/models/storybook/scores.json").read_text("utf-8"))
    assert measured()["storybook"] == card["rows"][0]["values"][0]
    assert min(measured().values()) < min(ngrams.shipped().measured)


def test_the_held_out_books_of_the_cards_are_the_same():
    cards = [(MAIN.parents[1] / f"assets/models/{name}/card.md").read_text("utf-8") for name in measured()]
    assert len({card.partition("**Held out:**")[2].partition("Other books")[0] for card in cards}) == 1


@pytest.mark.parametrize("prompt", ["zxqj", "Ωμέγα", "The purple walrus telephoned", " ", "<b>*too*</b> much_"])
def test_any_text_is_taken(prompt):
    at = page(prompt=prompt)
    assert ("plot-dice" in keys(at)) or "no word that was counted" in said(at) or "never counted" in said(at)


@pytest.mark.parametrize("name", ["llama", "bloom", *TRANSLATORS, *CAPTIONERS, "unigram"])
def test_every_model_that_writes_stands_beside_them_if_it_continues_the_text(family, name):
    at = page(model=name, prompt="the cat sat", words=2)
    assert ("plot-next" in keys(at)) == (name in ("llama", "bloom"))
    assert ("plot-dice" in keys(at)) != (name in CAPTIONERS)
    assert ("reads a picture" in " ".join(notices(at, "info"))) == (name in CAPTIONERS)


def test_a_last_word_that_was_never_counted_is_said_to_be_it():
    at = page(prompt="The cat zxqvj")
    assert "plot-dice" not in keys(at) and "zxqvj, was never counted" in said(at)


def test_a_what_if_changes_the_next_tokens_and_is_said_to_change_nothing_else():
    edits = "zero~blocks.0.mlp.out"
    at, own = page(edits=edits), page()
    assert bars(at, "plot-next") != bars(own, "plot-next") and "written without them" in " ".join(
        notices(at, "info")
    )
    for part in ("cache", "prompts"):
        assert "left out here" in " ".join(notices(enter(at, "part", part), "info"))
    assert not notices(own, "info")
