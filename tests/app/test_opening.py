"""What each model opens with leaves something open: at the end of the walk several words are probable."""

import pytest
import torch

import engine
from app import catalogue, compute
from app.state import PROMPT
from app.views.families import page as families
from engine.masked import fill
from tests.app.visit import fire, given, markdown, run_of, view, visit

LEAST = 1.5  # bits
# What fits the street that was not crossed, and what fits the animal
STREET = {"wide", "long", "broad", "busy", "dark", "dangerous", "steep"}
ANIMAL = {"tired", "heavy", "small", "weak", "old", "afraid", "slow", "young", "big"}
WRITERS = [name for name in engine.shipped() if catalogue.family(name) in ("decoder", "llama")]


def bits(logits: torch.Tensor) -> float:
    """Entropy of the next token."""
    shares = logits.double().softmax(-1)
    return float(torch.special.entr(shares).sum() / torch.log(torch.tensor(2.0)))


def gap_bits(model, text: str) -> float:
    place = model.tokenizer.encode(text).index(model.tokenizer.mask)
    return bits(engine.run(model, text)["logits"][0, place])


@pytest.mark.parametrize("name", WRITERS)
def test_what_a_decoder_opens_with_has_several_endings(name):
    model = engine.load(name, device="cpu")
    assert bits(engine.run(model, catalogue.opening(name, PROMPT))["logits"][0, -1]) >= LEAST
    by_character = name in catalogue.placed()  # after a word a blank is certain
    for text in () if by_character else families.SENTENCES:
        logits = engine.run(model, text.partition("[MASK]")[0].rstrip())["logits"][0, -1]
        assert bits(logits) >= LEAST


def test_the_gap_that_an_encoder_opens_with_has_several_answers():
    model = engine.load("wordfinder", device="cpu")
    texts = (catalogue.opening("wordfinder", PROMPT), *families.SENTENCES)
    assert all(gap_bits(model, text) >= LEAST for text in texts)
    best = {guess.text for guess in fill(model, texts[0], 5)[0]}
    assert best & STREET and best & ANIMAL


def test_an_encoder_opens_with_its_gap_picked():
    at = visit(model="wordfinder", step="next")
    tokenizer = compute.model("wordfinder").tokenizer
    bar = given(at, "bar")
    assert bar["ids"][bar["token"]] == tokenizer.mask
    assert given(at, "prompt")["text"] == f"{PROMPT} [MASK]."


def test_the_opening_is_each_models_own_and_a_typed_prompt_is_not_touched():
    at = visit(model="interpreter")
    assert given(at, "prompt")["text"] == f"{PROMPT} tired."
    assert view(at).prompt == PROMPT  # the link and the next model do not inherit it
    at = fire(at, "prompt", prompt="I see the moon")
    assert given(at, "prompt")["text"] == view(at).prompt == "I see the moon"


@pytest.mark.parametrize("name", catalogue.translators())
def test_a_translator_begins_with_an_everyday_sentence(name):
    first = catalogue.examples(name)[0]["text"]
    assert not {"die", "dead", "death", "kill"} & set(first.lower().strip(".!?").split())


@pytest.mark.parametrize("name", ["interpreter", "courier-gru", "captioner"])
def test_a_decoder_beside_an_encoder_opens_where_most_is_open_and_a_given_text_at_its_end(name):
    at = visit(model=name, step="next")
    shares = run_of(at)["decoder.logits"][0].softmax(-1).max(-1).values
    assert given(at, "bar")["token"] == int(shares.argmin())
    at = visit(model=name, step="next", target="a")
    assert given(at, "bar")["token"] == len(given(at, "bar")["ids"]) - 1


def test_the_stage_keeps_the_warning_that_a_text_is_not_to_be_trusted():
    at = visit(model="courier-gru", step="machine", stage=1)
    assert "do not trust what it wrote" in " ".join(markdown(at))
    assert "short English sentences" not in " ".join(markdown(at))  # one sentence
    assert "do not trust" not in " ".join(markdown(visit(model="storybook", step="softmax", stage=1)))
