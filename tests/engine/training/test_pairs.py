"""Pairs of stretches for an encoder: real neighbours or not, some words hidden, the same for the same seed."""

import numpy as np
import pytest
import torch

from engine.training.data.pairs import NONE, Pairs, Sentences, sentences_of
from tests.engine.tiny import BERT, decoder

TEXTS = [
    'The cat sat on the mat. "Is it yours?" asked the cat. "No!" said the other.\nThen it sat there. All sat.',
    "That mat, they say, is old. They sat there. The cats sat too! Then the mat was theirs.",
    "One sentence alone stands here",
]


@pytest.fixture(scope="module")
def sentences(wordpiece):
    return Sentences.of(TEXTS, wordpiece)


@pytest.fixture(scope="module")
def pairs(sentences, wordpiece):
    return Pairs((sentences,), (1.0,), wordpiece)


def test_sentences_end_where_a_new_one_begins():
    assert sentences_of('He came. "Who?" he said. "Mr. 5 cats?" No\n\n  Then...  He left. ') == [
        "He came.",
        '"Who?" he said.',
        '"Mr. 5 cats?"',
        "No",
        "Then...",
        "He left.",
    ]


def test_all_sentences_stand_in_one_row_with_the_number_of_their_text(sentences, wordpiece):
    expected = [(number, part) for number, text in enumerate(TEXTS) for part in sentences_of(text)]
    assert len(sentences) == len(expected)
    for i, (number, part) in enumerate(expected):
        ids = sentences.row[sentences.starts[i] : sentences.starts[i + 1]].tolist()
        assert ids == wordpiece.encode(part)[1:-1]
        assert sentences.documents[i] == number


def test_a_stretch_holds_whole_sentences_of_one_text(sentences):
    for first in range(len(sentences)):
        for room in (3, 12, 1000):
            ids, after = sentences.stretch(first, room)
            whole = sentences.row[sentences.starts[first] : sentences.starts[after]].tolist()
            assert ids == whole[:room]
            assert after == first + 1 or len(whole) <= room
            assert len(set(sentences.documents[first:after].tolist())) == 1


def batch(pairs, step=0, count=200, context=32):
    return pairs.batch(0, step, count, context)


def test_the_same_step_gives_the_same_pairs_and_another_gives_others(pairs):
    for one, again, other in zip(batch(pairs), batch(pairs), batch(pairs, 1), strict=True):
        assert torch.equal(one, again)
        assert not torch.equal(one, other)


def test_a_pair_has_its_ends_its_segments_and_its_padding(pairs, wordpiece):
    read, segments, padding, labels, _ = batch(pairs)
    ids = torch.where(labels == NONE, read, labels)
    assert (ids[:, 0] == wordpiece.start).all()
    for row, segment, real in zip(ids, segments, padding, strict=True):
        ends = (row == wordpiece.end).nonzero()[:, 0].tolist()
        assert len(ends) == 2
        assert real.tolist() == [t <= ends[1] for t in range(32)]
        assert segment.tolist() == [int(ends[0] < t <= ends[1]) for t in range(32)]


def test_only_hidden_words_are_asked_for_and_no_ends(pairs, wordpiece):
    read, _, padding, labels, _ = batch(pairs)
    asked = labels != NONE
    assert 0.1 < asked[padding].float().mean() < 0.2
    assert not asked[~padding].any()
    assert not ((labels == wordpiece.start) | (labels == wordpiece.end)).any()
    assert ((read == wordpiece.mask) <= asked).all()


def test_half_of_the_second_stretches_follow_and_these_stand_behind_the_first(pairs, sentences, wordpiece):
    read, segments, padding, labels, follows = batch(pairs, count=400)
    ids = torch.where(labels == NONE, read, labels)
    text = sentences.row.tolist()
    assert 0.2 < (follows == 0).float().mean() < 0.55  # the last of a text has nothing behind it
    for row, segment, real in zip(
        ids[follows == 0], segments[follows == 0], padding[follows == 0], strict=True
    ):
        both = [id for id in row[real].tolist() if id not in (wordpiece.start, wordpiece.end)]
        second = len(row[(segment == 1) & real]) - 1
        places = [i for i in range(len(text)) if text[i : i + len(both)] == both]
        cut = len(both) - second == (32 - 3) // 2  # a long first sentence was cut: its rest is left out
        assert places or cut


def test_sources_come_in_their_shares(sentences, wordpiece):
    lone = Sentences.of(["Cats.", "Cats."], wordpiece)
    pairs = Pairs((sentences, lone), (0.25, 0.75), wordpiece)
    _, _, padding, _, _ = batch(pairs, count=1000)
    short = padding.sum(1) == 3 + 2 * len(wordpiece.encode("Cats.")[1:-1])
    assert short.float().mean().item() == pytest.approx(0.75, abs=0.06)


def test_the_loss_is_of_the_hidden_words_and_of_what_follows(pairs, wordpiece):
    model = decoder(torch.float32, **BERT | dict(vocabulary=len(wordpiece), context=32))
    read, segments, padding, labels, follows = batch(pairs, count=6)
    words = model(read, model.context(read, padding), segments).log_softmax(-1)
    asked = labels != NONE
    each = words[asked].gather(-1, labels[asked][:, None])
    judged = model.follows(model.stream(read, model.context(read, padding), segments)).log_softmax(-1)
    expected = -each.mean() - judged.gather(-1, follows[:, None]).mean()
    np.testing.assert_allclose(pairs.loss(model, read, segments, padding, labels, follows), expected, rtol=1e-5)
