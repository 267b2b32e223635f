"""From a folder of text to a model that fills spans, on the command line; and what it is measured by."""

import json
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import engine
from engine.spans import Filled
from engine.training import run as training
from engine.training import spans
from engine.training.data.pairs import Sentences
from engine.training.data.stretches import LEAST, Stretches
from engine.training.evaluate import gaps
from engine.training.evaluate.baseline import Trigram
from engine.training.evaluate.gaps import Counts, Gap
from engine.training.measure import asked_for
from tests.engine.conftest import SENTENCES
from tests.engine.training.conftest import trained

SIZES = (
    "--vocabulary 300 --context 96 --width 12 --layers 2 --decoder-layers 1 --heads 2 --tokens 6144 --batch 8"
)
TEXTS = [SENTENCES * 3, "The cat sat. They sat there too, all of them. It is a mat that they say is old. " * 4]


@pytest.fixture(scope="module")
def stretches(with_sentinels):
    return Stretches(Sentences.of(TEXTS, with_sentinels), with_sentinels, 40)


def test_a_stretch_is_whole_sentences_of_one_text(stretches):
    sentences = stretches.sentences
    assert set(stretches.lengths) <= set(range(LEAST, 40)) and len(stretches.lengths) > 3
    for length in stretches.lengths:
        for first, last in zip(*stretches.of_length(length), strict=True):
            assert sentences.size(first, last) == length
            assert len(set(sentences.documents[first:last].tolist())) == 1
    every = [(a, b) for a in range(len(sentences)) for b in range(a + 1, len(sentences) + 1)]
    fits = [(a, b) for a, b in every if LEAST <= sentences.size(a, b) < 40]
    whole = [pair for pair in fits if len(set(sentences.documents[slice(*pair)].tolist())) == 1]
    assert sum(len(stretches.of_length(n)[0]) for n in stretches.lengths) == len(whole)


def test_a_batch_is_what_was_drawn_without_padding(stretches, with_sentinels):
    for step in range(12):
        ids, target, labels = stretches.batch(0, step, 4, 40)
        texts, hidden = stretches.drawn(0, step, 4, 40)
        assert len(ids) == max(1, 160 // len(texts[0])) and ids.shape[1] <= 40
        assert (labels[:, -1] == with_sentinels.end).all() and (target[:, 0] == with_sentinels.start).all()
        assert torch.equal(target[:, 1:], labels[:, :-1])
        for row, want, text, mask in zip(ids.tolist(), labels.tolist(), texts, hidden, strict=True):
            assert (row, want) == stretches.corrupted(text, mask)
        again = zip(stretches.batch(0, step, 4, 40), (ids, target, labels), strict=True)
        assert all(torch.equal(a, b) for a, b in again)
    assert not all(
        len(stretches.batch(1, 0, 4, 40)[0]) == len(stretches.batch(0, s, 4, 40)[0]) for s in range(9)
    )


def test_without_a_stretch_there_is_nothing_to_learn(with_sentinels):
    with pytest.raises(ValueError, match="no stretch of whole sentences has 8 to 39 tokens"):
        Stretches(Sentences.of(["Hm."], with_sentinels), with_sentinels, 40)


# --- gaps ------------------------------------------------------------------------------------------


def test_a_question_is_a_sentence_with_a_word_less():
    text = "Then the old cat sat down on the mat. Hm. " + "They say that it is all theirs, you know. " * 3
    asked = gaps.questions([text], 10, lambda sentence: True)
    assert {gap.text(gap.word) for gap in asked} == {
        "Then the old cat sat down on the mat.",
        "They say that it is all theirs, you know.",
    }
    assert asked == gaps.questions([text], 10, lambda sentence: True)
    for gap in asked:
        assert gap.word.isalpha() and gap.before.endswith(" ")
    assert Gap("The ", "cat", " sat.", again=True).text("_") == "The cat sat. The _ sat."


def test_counts_know_the_word_between_two_and_else_those_beside_each():
    texts = ["the old cat sat", "the old dog sat", "the old dog ran", "a dog ran", "the cat ran ran"]
    first, second = Gap("the old ", "?", " sat"), Gap("an old ", "?", " ran")
    counts = Counts(texts, [first, second, Gap("a ", "?", " sat")])
    assert counts.best(first)[:2] == ["dog", "cat"]  # both once between; the dog more often behind "old"
    assert counts.best(second)[0] == "dog"
    assert counts.best(Gap("a ", "?", " sat"))[0] == "dog"
    assert counts.common(first)[:2] == ["the", "ran"]


def test_a_row_counts_what_is_right_capitals_aside():
    asked = [Gap("The ", word, " sat.") for word in ("cat", "Dog", "hat", "mat")]
    guesses = {"cat": ["cat"], "Dog": ["dog", "x"], "hat": ["x", "hat"], "mat": []}
    exact, five = gaps.rows_of("one", asked, {"this model": lambda gap: guesses[gap.word]})
    assert (exact["values"][0], five["values"][0]) == (0.5, 0.75)
    assert exact["count"] == 4 and exact["values"][1:] == [None] * 4
    assert exact["name"] == "one, exact match" and gaps.rows_of("one", [], {}) == []


def test_bits_are_those_of_hidden_tokens_alone(stretches, with_sentinels):
    class Even(torch.nn.Module):
        def forward(self, ids, target):
            return torch.zeros(*target.shape, len(with_sentinels))

    counts = Trigram(stretches.sentences.row, len(with_sentinels))
    even, common, trigram = gaps.bits((Even(),), stretches, counts, 3)
    assert even.value == pytest.approx(math.log2(len(with_sentinels)))
    hidden = [mask for step in range(3) for mask in stretches.drawn(gaps.SEED, step, gaps.ROWS, 40)[1]]
    assert even.count == common.count == int(np.concatenate(hidden).sum())
    assert trigram.value < common.value < even.value


# --- a run -----------------------------------------------------------------------------------------


def words(books, place, *more):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gaps, "ASKED", 20)
        patch.setattr(gaps, "BATCHES", 2)
        patch.setattr(spans, "LOOKED_AT", 4)
        return trained(place / "models", *more)


@pytest.fixture(scope="module")
def rhymes(books, tmp_path_factory):
    """The folder of a finished model."""
    place = tmp_path_factory.mktemp("training")
    options = ["--name", "rhymes", "--about", "rhymes for counting", "--held-out", "2", *SIZES.split()]
    assert words(books, place, "spans", books, *options, "--work", place / "work") == 0
    return place / "models" / "rhymes"


def test_training_leaves_a_model_that_can_be_loaded(rhymes):
    model = engine.load(rhymes, device="cpu")
    assert model.fills_spans and len(model.tokenizer) == model.config.stacks[0].vocabulary
    encoder, decoder = model.reads
    assert (encoder.positions, encoder.norm, encoder.scale_scores, encoder.causal) == (
        "relative",
        "rms",
        False,
        False,
    )
    assert not (encoder.attention_bias or encoder.mlp_bias) and decoder.scale_logits and decoder.memory
    assert (model.start, model.end) == (model.tokenizer.start, model.tokenizer.end)
    assert model.decoder.logits.weight is model.encoder.embed.token.weight


def test_the_card_says_what_it_is_and_how_well_it_does(rhymes):
    text = (rhymes / "card.md").read_text("utf-8")
    for part in (
        "# rhymes",
        "2 blocks that read and 1 that write",
        "rhymes for counting",
        "6,144 tokens in 8 steps",
        "| hidden tokens, bits per token |",
        "| one word hidden, exact match |",
        "- The dog \\<extra_id_0> across the \\<extra_id_1>. → *",
    ):
        assert part in text
    assert not re.search(r"\{\w*\}|None|nan", text)
    rows = json.loads((rhymes / "scores.json").read_text())["rows"]
    assert all(row["count"] > 0 and len(row["values"]) == len(gaps.COLUMNS) for row in rows)


def test_it_is_measured_again_from_its_weights(books, rhymes):
    before = (rhymes / "scores.json").read_text()
    (rhymes / "card.md").unlink()
    assert words(books, rhymes.parents[1], "measure", "rhymes", books) == 0
    assert (rhymes / "scores.json").read_text() == before and (rhymes / "card.md").exists()
    task, options = asked_for(rhymes)
    assert task is spans.TASK and options.decoder_layers == 1


def test_only_gaps_that_it_fills_correctly_are_examples(rhymes, monkeypatch):
    model = engine.load(rhymes, device="cpu")
    right = {"Once upon a <extra_id_0> there was a little girl.": ("time", 0.9)}

    def filled(model, text):
        word, share = right.get(text, ("x", 0.95))
        return Filled("put together", (word,), share)

    monkeypatch.setattr(spans, "fill", filled)
    (example,) = spans.examples_of(model)
    assert example["note"] == "put together (90%)" and example["spans"] == ["time"]


def test_an_encoder_is_asked_what_is_one_token_for_both(rhymes, wordpiece, with_sentinels, monkeypatch):
    model, encoder = (SimpleNamespace(tokenizer=one) for one in (with_sentinels, wordpiece))
    assert spans._one_token("cat", model, encoder) == (
        "▁cat" in with_sentinels.scores and wordpiece.inner.token_to_id("cat") is not None
    )
    assert not spans._one_token("xyz", model, encoder)
    monkeypatch.setattr(training, "MODELS", rhymes.parent)
    assert spans._encoder() is None and spans._beside([]) == ""
    (rhymes.parent / "wordfinder").mkdir()
    (rhymes.parent / "wordfinder" / "card.md").write_text("- **Held out:** *a text*\n- x")
    assert "held out the same" in spans._beside([rhymes / "a-text--somebody.txt"])
    assert "may have read" in spans._beside([rhymes / "another.txt"])
