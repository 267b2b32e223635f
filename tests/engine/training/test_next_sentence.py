"""Whether one text follows another: asked so that neither lengths nor common words give it away."""

import numpy as np
import pytest
import torch

from engine.tokenize import WordPieceTokenizer
from engine.training.data.pairs import Pairs, Sentences, Source
from engine.training.encoder import learn_wordpiece
from engine.training.evaluate import next_sentence
from engine.training.evaluate.next_sentence import (
    Asked,
    judged,
    lengths,
    matched,
    overlap,
    regression,
    shortcuts,
    words_of,
)

BAND = (12, 24)
WORDS = [
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


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Two texts of sentences of two to nine words."""
    draw = np.random.default_rng(0)
    lines = [" ".join(draw.choice(WORDS, draw.integers(2, 10))).capitalize() + "." for _ in range(600)]
    texts = [" ".join(lines[:300]), " ".join(lines[300:])]
    path = tmp_path_factory.mktemp("pairs") / "tokenizer.json"
    learn_wordpiece(texts, 80).save(str(path))
    tokenizer = WordPieceTokenizer(path)
    return Pairs((Source(Sentences.of(texts, tokenizer)),), tokenizer)


@pytest.fixture(scope="module")
def asked(pairs):
    return matched(pairs, BAND, 0, 600)


def parts(asked: Asked, row: int) -> tuple[list[int], list[int]]:
    ids, padding, segments = asked.ids[row], asked.padding[row], asked.segments[row]
    first, second = (ids[padding & (segments == side)].tolist() for side in (0, 1))
    return first[1:-1], second[:-1]


def place_of(row: np.ndarray, part: list[int]) -> list[int]:
    return [i for i in range(len(row) - len(part) + 1) if row[i : i + len(part)].tolist() == part]


def test_half_of_the_pairs_follow_and_those_are_what_stands_there(pairs, asked):
    row = pairs.sources[0].sentences.row
    assert asked.follows.float().mean() == pytest.approx(0.5, abs=0.07)
    for number in range(40):
        first, second = parts(asked, number)
        assert bool(place_of(row, first + second)) == (asked.follows[number] == 0)


def test_pairs_are_as_long_as_their_band_and_no_word_is_hidden(pairs, asked):
    assert asked.ids.shape == (600, BAND[1])
    assert asked.padding.sum(-1).min() >= BAND[0]
    assert not (asked.ids == pairs.tokenizer.mask).any()


def test_neither_lengths_nor_common_words_tell_anything(pairs, asked):
    word = words_of(pairs.tokenizer)
    for score in shortcuts(matched(pairs, BAND, 1, 600), asked, word):
        assert score.value == pytest.approx(0.5, abs=0.08)


def test_only_kinds_that_come_in_pairs_are_asked(pairs):
    lone = Sentences.of(["Red red. Red red red. Red. Red red red."] * 30, pairs.tokenizer)
    both = Pairs((*pairs.sources, Source(lone, 5.0, pairs=0)), pairs.tokenizer)
    red = pairs.tokenizer.encode("Red.")[1]
    first = [parts(matched(both, BAND, 0, 50), number)[0] for number in range(50)]
    assert not any(set(ids[:2]) == {red} for ids in first)


def test_where_there_are_no_such_pairs_there_is_none(pairs):
    assert matched(pairs, (5, 6), 0, 5) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_a_regression_finds_what_can_be_found(sign):
    draw = torch.Generator().manual_seed(0)
    known, asked = (torch.randn(400, 2, generator=draw) for _ in range(2))
    answers = [(sign * (x[:, 0] + 0.5 * x[:, 1]) > 0).long() for x in (known, asked)]
    found = regression(known, answers[0], asked)
    assert (found == answers[1]).float().mean() > 0.95


def test_a_regression_finds_what_is_far_from_the_middle():
    known = torch.linspace(-3, 3, 200)[:, None]
    far = (known[:, 0].abs() > 1.5).long()
    assert (regression(known, far, known) == far).float().mean() > 0.95


def test_what_tells_nothing_is_no_help():
    alike = torch.ones(100, 3)
    assert len(set(regression(alike, torch.arange(100) % 2, alike).tolist())) == 1


def test_lengths_alone_are_found_out_where_they_tell():
    long = torch.arange(40) % 2
    padding = torch.arange(24)[None] < 10 + 8 * long[:, None]
    segments = (torch.arange(24)[None] >= 6).long().expand(40, -1)
    given = Asked(torch.zeros(40, 24, dtype=torch.long), segments, padding, 1 - long)
    assert lengths(given)[:2].tolist() == [pytest.approx([6, 4, 0.6]), pytest.approx([6, 12, 1 / 3])]
    assert shortcuts(given, given, torch.ones(80, dtype=torch.bool))[0].value == 1


def test_shared_words_are_counted_without_signs(pairs):
    tokenizer = pairs.tokenizer
    cut = [tokenizer.encode(text)[1:-1] for text in ("The cat sat.", "The dog ran.")]
    ids, segments, padding = (torch.tensor([part]) for part in pairs.joined(*cut, BAND[1]))
    given = Asked(ids, segments, padding.bool(), torch.tensor([0]))
    word = words_of(tokenizer)
    first, second = ({id for id in part if word[id]} for part in cut)
    both = len(first & second)
    assert overlap(given, word)[0].tolist() == pytest.approx([both, both / len(second), both / len(first)])


class Reader:
    """Stands for a model: answers by the sum of the ids."""

    def context(self, ids, padding):
        return padding

    def stream(self, ids, context, segments):
        return ids

    def follows(self, ids):
        return torch.stack([ids.sum(-1) % 3, ids.sum(-1) % 5], -1)


def test_the_answers_of_a_model_are_the_same_in_parts(asked, monkeypatch):
    whole = judged(Reader(), asked)
    monkeypatch.setattr(next_sentence, "AT_ONCE", 7)
    assert torch.equal(judged(Reader(), asked), whole)


def test_there_is_a_row_for_each_band_that_the_model_can_read(pairs, monkeypatch):
    reader = Reader()
    reader.config = type("Config", (), {"context": 40})
    monkeypatch.setattr(next_sentence, "COUNT", 40)
    found = list(next_sentence.rows((reader, reader), pairs, pairs, "books", ("≥", 0.75)))
    assert [row["band"] for row in found] == ["12–20", "21–30", "31–40"]
    assert [row["tokens"] for row in found] == [20, 30, 40]
    for row in found:
        assert row["count"] == 40 and row["aim"] == ("≥", 0.75)
        assert len(row["values"]) == 5 and row["values"][0] == row["values"][1]
