"""Whether one text follows another: asked so that length gives nothing away."""

import numpy as np
import pytest
import torch

from engine.tokenize import WordPieceTokenizer
from engine.training.data.pairs import Pairs, Sentences
from engine.training.encoder import learn_wordpiece
from engine.training.evaluate import next_sentence
from engine.training.evaluate.next_sentence import (
    Asked,
    lengths,
    matched,
    overlap,
    shortcuts,
    threshold,
    words_of,
)

CONTEXT = 24


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Two texts of sentences of two to nine words."""
    draw = np.random.default_rng(0)
    words = [
        "the",
        "a",
        "cat",
        "dog",
        "sat",
        "ran",
        "on",
        "under",
        "mat",
        "tree",
        "and",
        "then",
        "it",
        "was",
        "red",
        "big",
    ]
    lines = [" ".join(draw.choice(words, draw.integers(2, 10))).capitalize() + "." for _ in range(400)]
    texts = [" ".join(lines[:200]), " ".join(lines[200:])]
    path = tmp_path_factory.mktemp("pairs") / "tokenizer.json"
    learn_wordpiece(texts, 80).save(str(path))
    tokenizer = WordPieceTokenizer(path)
    return Pairs((Sentences.of(texts, tokenizer),), (1.0,), tokenizer)


@pytest.fixture(scope="module")
def asked(pairs):
    return matched(pairs, CONTEXT, 0, 600)


def parts(asked: Asked, row: int) -> tuple[list[int], list[int]]:
    ids, padding, segments = asked.ids[row], asked.padding[row], asked.segments[row]
    first, second = (ids[padding & (segments == side)].tolist() for side in (0, 1))
    return first[1:-1], second[:-1]


def place_of(row: np.ndarray, part: list[int]) -> list[int]:
    return [i for i in range(len(row) - len(part) + 1) if row[i : i + len(part)].tolist() == part]


def test_half_of_the_pairs_follow_and_those_are_what_stands_there(pairs, asked):
    row = pairs.sources[0].row
    assert asked.follows.float().mean() == pytest.approx(0.5, abs=0.07)
    for number in range(40):
        first, second = parts(asked, number)
        if asked.follows[number] == 0:
            assert place_of(row, first + second)


def test_no_word_is_hidden(pairs, asked):
    assert not (asked.ids == pairs.tokenizer.mask).any()


def test_length_tells_nothing(pairs, asked):
    own = [len(parts(asked, number)[1]) for number in range(600)]
    follow, other = (np.array(own)[(asked.follows == side).numpy()] for side in (0, 1))
    assert follow.mean() == pytest.approx(other.mean(), abs=0.6)
    length, _ = shortcuts(matched(pairs, CONTEXT, 1, 600), asked, words_of(pairs.tokenizer))
    assert length.value == pytest.approx(0.5, abs=0.08)


def test_a_threshold_is_chosen_on_other_pairs_and_finds_what_can_be_found():
    known, follows = torch.tensor([1.0, 2, 3, 8, 9, 10]), torch.tensor([0, 0, 0, 1, 1, 1])
    assert threshold(known, follows, torch.tensor([2.5, 9.5])).tolist() == [0, 1]
    assert threshold(known, 1 - follows, torch.tensor([2.5, 9.5])).tolist() == [1, 0]


def test_length_alone_is_found_out_where_it_tells():
    long = torch.arange(20) % 2
    padding = torch.arange(CONTEXT)[None] < 10 + 8 * long[:, None]
    ids = torch.zeros(20, CONTEXT, dtype=torch.long)
    given = Asked(ids, ids, padding, 1 - long)
    assert lengths(given).tolist() == (10 + 8 * long).tolist()
    assert shortcuts(given, given, torch.ones(80, dtype=torch.bool))[0].value == 1


def test_shared_words_are_counted_without_signs(pairs):
    tokenizer = pairs.tokenizer
    cut = [tokenizer.encode(text)[1:-1] for text in ("The cat sat.", "The dog ran.")]
    ids, segments, padding = (torch.tensor([part]) for part in pairs.joined(*cut, CONTEXT))
    given = Asked(ids, segments, padding.bool(), torch.tensor([0]))
    word = words_of(tokenizer)
    second = {id for id in cut[1] if word[id]}
    assert overlap(given, word).tolist() == pytest.approx([len(second & set(cut[0])) / len(second)])


def test_the_answers_of_a_model_are_the_same_in_parts(pairs, asked, monkeypatch):
    class Reader:
        def context(self, ids, padding):
            return padding

        def stream(self, ids, context, segments):
            return ids

        def follows(self, ids):
            return torch.stack([ids.sum(-1) % 3, ids.sum(-1) % 5], -1)

    whole = next_sentence.judged(Reader(), asked)
    monkeypatch.setattr(next_sentence, "AT_ONCE", 7)
    assert torch.equal(next_sentence.judged(Reader(), asked), whole)
