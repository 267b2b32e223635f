"""Surprise: −log2 p of every token, its sum, its perplexity, and what would have been more probable."""

import math

import pytest
import torch
import torch.nn.functional as F

import engine
from engine.decode import Decoding, generate, surprise, surprise_of
from engine.worked.derived import check_alternatives, check_surprise
from tests.engine.decode.test_cached import WRITERS, reads
from tests.engine.tiny import BERT, decoder, full, prompt

HALVES = torch.tensor([[0.5, 0.25, 0.125, 0.125], [0.25, 0.25, 0.25, 0.25], [0.9, 0.05, 0.03, 0.02]]).log()


def test_halves_are_bits():
    found = surprise(HALVES, [0, 2, 1], best=2)
    assert found.bits.tolist() == pytest.approx([3, 2])
    assert found.total == pytest.approx(5) and found.perplexity == pytest.approx(2**2.5)
    assert found.alternatives.tolist() == [[0, 1], [0, 1]]  # of equal ones the first
    assert found.probabilities[0].tolist() == pytest.approx([0.5, 0.25])


def test_it_is_the_loss_that_a_model_learns_from():
    trace = full(decoder(), [prompt(11)])
    loss = F.cross_entropy(trace["logits"][0, :-1], torch.tensor(prompt(11)[1:]))
    found = surprise_of(trace)
    assert found.bits.mean().item() == pytest.approx(loss.item() / math.log(2))
    assert found.perplexity == pytest.approx(loss.exp().item())


@pytest.mark.parametrize("name", WRITERS)
def test_of_every_model_a_written_token_costs_what_its_probability_says(name):
    model = WRITERS[name]()
    steps = list(generate(model, reads(model), Decoding("sample", seed=1, max_tokens=6)))
    ids, given = [step.id for step in steps], len(model.reads) == 1
    trace = (
        engine.run(model, [*reads(model), *ids])
        if given
        else engine.run(model, reads(model), target=[model.start, *ids])
    )
    found = surprise_of(trace)
    expected = [-math.log2(step.probability) for step in steps]
    assert found.bits[len(found.bits) - len(ids) :].tolist() == pytest.approx(expected)
    logits = trace["logits" if given else "decoder.logits"][0]
    read = (trace.ids if given else trace.target)[0]
    assert check_surprise(logits, read, found.bits, found.total, found.perplexity).ok
    assert check_alternatives(logits, found.alternatives, found.probabilities).ok


def test_padding_is_no_token():
    rows = [prompt(9), prompt(4, seed=2)]
    trace = engine.run(decoder(), rows)
    for row, ids in enumerate(rows):
        alone = surprise_of(engine.run(decoder(), ids))
        assert surprise_of(trace, row).bits.tolist() == pytest.approx(alone.bits.tolist())


def test_of_one_token_there_is_none():
    found = surprise_of(engine.run(decoder(), [5]))
    assert (found.total, found.perplexity, found.alternatives.shape) == (0, 1, (0, 10))
    assert check_surprise(torch.zeros(1, 97), [5], found.bits, 0.0, 1.0).ok


def test_there_are_as_many_alternatives_as_entries_at_most():
    found = surprise(HALVES, [0, 2, 1])
    assert found.alternatives.shape == (2, 4)
    assert found.probabilities.sum(-1).tolist() == pytest.approx([1, 1])


def test_what_has_no_surprise_says_so():
    with pytest.raises(ValueError, match="does not continue a text"):
        surprise_of(engine.run(decoder(**BERT), prompt(4)))
    with pytest.raises(ValueError, match="one row for each is needed"):
        surprise(HALVES, [1, 2])
