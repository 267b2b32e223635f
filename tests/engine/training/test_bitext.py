"""Sentences in two languages: read, split by their English, drawn into batches, the most similar found."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.training.data.bitext import Bitext, alone, apart, most_similar, read_pairs, split_pairs
from engine.training.data.pairs import NONE
from tests.engine.tiny import pair

PAIRS = [("Go.", "Va !"), ("Go.", "Marche."), ("I see.", "Je vois."), ("The cat sat.", "Le chat\u202f!")] * 3


@pytest.fixture(scope="module")
def bitext(sentences):
    return Bitext.of(PAIRS, sentences, 30)


def test_a_file_is_read_line_by_line_with_plain_spaces(tmp_path):
    file = tmp_path / "pairs.tsv"
    file.write_text("Go.\tVa\u202f!\n I  see.\tJe\xa0vois.\tCC BY\n", encoding="utf-8")
    assert read_pairs(file) == [("Go.", "Va !"), ("I see.", "Je vois.")]


@pytest.mark.parametrize("line", ["Go.", "Go.\t", "\tVa !", ""])
def test_a_line_that_is_no_pair_is_named(tmp_path, line):
    (tmp_path / "pairs.tsv").write_text(f"Go.\tVa !\n{line}\nI.\tJe.\n")
    with pytest.raises(ValueError, match=r"pairs.tsv, line 2: .* is not two sentences"):
        read_pairs(tmp_path / "pairs.tsv")


@given(seed=st.integers(0, 99), held_out=st.integers(1, 2))
def test_all_pairs_of_a_sentence_fall_on_one_side(seed, held_out):
    train, held = split_pairs(PAIRS, held_out, seed)
    assert len(held) == held_out
    assert not {source for source, _ in train} & held.keys()
    assert sorted([*train, *((source, target) for source in held for target in held[source])]) == sorted(PAIRS)
    assert split_pairs(PAIRS, held_out, seed) == (train, held)


def test_another_seed_holds_others_out():
    assert len({tuple(split_pairs(PAIRS, 1, seed)[1]) for seed in range(9)}) > 1


def test_too_few_sentences_are_an_error():
    with pytest.raises(ValueError, match="3 different sentences; more than 3 are needed"):
        split_pairs(PAIRS, 3, seed=0)


def test_sentences_that_are_too_long_are_left_out(sentences):
    longest = max(len(sentences.encode(text)) for pair in PAIRS for text in pair)
    assert len(Bitext.of(PAIRS, sentences, longest)) == len(PAIRS)
    assert len(Bitext.of(PAIRS, sentences, longest - 1)) < len(PAIRS)
    with pytest.raises(ValueError, match="no pair of sentences fits into 1 tokens"):
        Bitext.of(PAIRS, sentences, 1)


@pytest.mark.parametrize("step", range(4))
def test_a_batch_is_pairs_each_read_with_its_end_and_written_from_its_start(bitext, sentences, step):
    ids, padding, target, labels = bitext.batch(0, step, 4, 30)
    assert ids.shape == padding.shape == target.shape == labels.shape
    assert 4 * 30 - ids.shape[1] < ids.numel() <= 4 * 30
    known = {(source, " ".join(target.split())) for source, target in PAIRS}
    for row in range(len(ids)):
        source, wanted = ids[row][padding[row]].tolist(), labels[row][labels[row] != NONE].tolist()
        assert source[-1] == wanted[-1] == sentences.end
        texts = (sentences.decode(source[:-1]), " ".join(sentences.decode(wanted[:-1]).split()))
        assert texts in known
        assert target[row][: len(wanted)].tolist() == [sentences.start, *wanted[:-1]]


def test_the_same_step_gives_the_same_pairs_and_another_gives_others(bitext):
    first, again = (bitext.batch(0, 3, 8, 30) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert len({bitext.batch(0, step, 8, 30)[0].sum().item() for step in range(9)}) > 1


def test_every_token_is_as_likely_to_be_learned_from(bitext, sentences):
    counts = dict.fromkeys(bitext.pairs, 0)
    for step in range(600):
        ids = bitext.batch(0, step, 4, 30)[0]
        counts[ids.shape[1]] += 1
    tokens = {length: length * len(source) for length, (source, _) in bitext.pairs.items()}
    for length, count in counts.items():
        assert count / 600 == pytest.approx(tokens[length] / sum(tokens.values()), abs=0.06)


def test_the_loss_is_that_of_the_labels_alone(bitext, sentences):
    model = pair(torch.float32, vocabulary=len(sentences), context=30, decoder=dict(context=30))
    ids, padding, target, labels = bitext.batch(0, 1, 4, 30)
    logits = model(ids, target, padding).log_softmax(-1)
    nats = [-logits[b, t, labels[b, t]] for b, t in np.argwhere(labels.numpy() != NONE)]
    assert float(bitext.loss(model, ids, padding, target, labels)) == pytest.approx(
        float(sum(nats) / len(nats))
    )


def test_smoothing_gives_a_share_of_the_probability_to_all_entries(bitext, sentences):
    model = pair(torch.float32, vocabulary=len(sentences), context=30, decoder=dict(context=30))
    smooth = Bitext(bitext.pairs, bitext.start, smoothing=0.2)
    ids, padding, target, labels = bitext.batch(0, 1, 4, 30)
    logits = model(ids, target, padding).log_softmax(-1)[labels != NONE]
    right = -logits[torch.arange(len(logits)), labels[labels != NONE]]
    expected = (0.8 * right - 0.2 * logits.mean(-1)).mean()
    assert float(smooth.loss(model, ids, padding, target, labels)) == pytest.approx(float(expected))
    plain = Bitext.of(PAIRS, sentences, 30, smoothing=0.3)
    assert plain.smoothing == 0.3


def test_what_is_learned_from_has_no_held_out_sentence_and_none_of_its_translations():
    held = {"Go!": ["Va !", "Pars."], "I see him.": ["Je le vois."]}
    known = [("go", "Allez."), ("Leave.", "pars !"), ("Stay.", "Reste."), ("See.", "Vois."), ("!", "?")]
    assert apart(known, held) == [("Stay.", "Reste."), ("See.", "Vois."), ("!", "?")]
    assert alone(known, held) == {"I see him."}
    assert alone(apart(known, held), held) == set(held)


def test_the_most_similar_sentence_shares_the_rare_words():
    known = ["I see a cat.", "I see a dog.", "I see a ship.", "Where is the harbour?", "I see it."]
    assert most_similar(known, ["An old ship.", "A harbour!", "I see a cat."]) == [2, 3, 0]
    assert most_similar(known, ["zebra"]) == [0]
