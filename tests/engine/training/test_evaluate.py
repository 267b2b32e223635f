"""What a model has learned, measured against what can be worked out by hand."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine.tokenize.bpe import END
from engine.training.evaluate import bits_per_byte, samples
from tests.engine.tiny import decoder


@pytest.fixture
def reader(corpus):
    """A random model of the corpus's vocabulary, at most 16 tokens long."""
    model = decoder(torch.float32, vocabulary=280, context=16, tied=False)
    model.tokenizer = corpus[0]
    return model


def text_bytes(row, tokenizer) -> int:
    return len(tokenizer.decode(row[1:].tolist()).replace(END, "").encode())


def test_a_model_that_knows_nothing_needs_log2_v_bits_a_token(reader, corpus):
    reader.logits.weight.zero_()
    row = corpus[3]
    expected = math.log2(280) * (len(row) - 1) / text_bytes(row, corpus[0])
    assert bits_per_byte(reader, row) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("length", [2, 9])
def test_half_a_context_of_text_is_scored_in_one_pass(reader, corpus, length):
    row = corpus[3][:length]
    ids = torch.from_numpy(row.astype(np.int64))
    nats = F.cross_entropy(reader(ids[None, :-1])[0], ids[1:], reduction="sum").item()
    expected = nats / math.log(2) / text_bytes(row, corpus[0])
    assert bits_per_byte(reader, row) == pytest.approx(expected, rel=1e-5)


def test_a_token_is_scored_with_at_least_half_a_context_before_it(reader, corpus):
    row, seen = corpus[3], []
    reader.register_forward_hook(lambda model, given, logits: seen.append(given[0].shape[1]))
    bits_per_byte(reader, row)
    assert len(seen) == math.ceil((len(row) - 1) / 8)
    assert seen[0] == 8
    assert set(seen[1:]) == {16}


def test_samples_begin_with_their_prompts_and_are_the_same_every_time(reader):
    texts = samples(reader, ["One", "Two"], length=5)
    assert [text[:3] for text in texts] == ["One", "Two"]
    assert texts == samples(reader, ["One", "Two"], length=5)
