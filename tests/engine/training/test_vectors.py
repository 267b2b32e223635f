"""Word vectors: the gradients, like company, the command, and what they are measured beside."""

import json
import random
from argparse import Namespace

import numpy as np
import pytest
import torch

from engine import vectors as fixed
from engine.training import vectors
from engine.training.__main__ import main as command
from engine.training.evaluate import words_apart

GROUPS = (["cat", "dog", "horse"], ["red", "blue", "green"])
OPTIONS = {name: option.default for name, option in vectors.OPTIONS.items()}


@pytest.fixture(scope="module")
def read():
    """Texts in which a sentence is of one group's words alone."""
    draw = random.Random(0)
    sentences = [[*draw.choices(draw.choice(GROUPS), k=8), "and"] for _ in range(400)]
    return vectors.read_texts([[word for one in sentences for word in one]], 20)


@pytest.fixture(scope="module")
def found(read):
    return vectors.learn(read, Namespace(**OPTIONS | dict(width=8, epochs=12, batch=32, window=2, often=1.0)))


def test_the_gradients_are_those_of_the_loss():
    draw = torch.Generator().manual_seed(0)
    c, o, n = (torch.randn(*size, generator=draw, dtype=torch.float64) for size in ((3, 5), (3, 5), (3, 4, 5)))
    for x in (c, o, n):
        x.requires_grad_(True)
    loss = -(c * o).sum(-1).sigmoid().log().sum() - (-(n @ c[..., None])).sigmoid().log().sum()
    loss.backward()
    for made, x in zip(vectors.gradients(c, o, n), (c, o, n), strict=True):
        torch.testing.assert_close(made, x.grad)


def test_pairs_are_words_no_further_apart_than_the_window():
    row = np.arange(50)
    made = vectors.pairs(row, 3, np.random.default_rng(0))
    away = np.abs(made[:, 0] - made[:, 1])
    assert set(away) == {1, 2, 3} and (away == 1).sum() == 98 > (away == 3).sum()
    assert len(vectors.pairs(np.arange(1), 3, np.random.default_rng(0))) == 0


def test_like_company_makes_like_vectors(read, found):
    for group in GROUPS:
        for word in group:
            assert {other for other, _ in found.nearest(word, 2)} == set(group) - {word}
    again = vectors.learn(read, Namespace(**OPTIONS | dict(width=8, epochs=1, batch=64)))
    same = vectors.learn(read, Namespace(**OPTIONS | dict(width=8, epochs=1, batch=64)))
    assert np.array_equal(again.table, same.table)


def test_frequent_words_are_read_less_often_and_drawn_less_than_they_occur(read):
    kept, at = read.kept(0.05), read.words.index("and")
    assert kept.min() == kept[np.argmax(read.counts)] < 1 and kept.max() <= 1
    share = read.counts / read.counts.sum()
    assert float(read.negatives[int(np.argmax(share))]) < share.max() and 0 <= at < 7


def test_the_odd_one_is_the_least_alike_and_of_equals_a_coin_says(found):
    alike = lambda a, b: float(found.directions[found.ids[a]] @ found.directions[found.ids[b]])  # noqa: E731
    assert words_apart.odd_one(["cat", "dog", "horse", "blue"], alike) == "blue"
    hits = words_apart._stood([(0, 1, 2)] * 400, lambda a, b: 0.0)
    assert 150 < sum(hits) < 250
    assert words_apart.spelling("cat", "cat") == 1 and words_apart.spelling("cat", "dog") == 0


def test_counting_knows_who_stood_together(read):
    ids = {word: i for i, word in enumerate(read.words)}
    counted = words_apart.Counted(read, sorted(ids.values()))
    assert counted.alike(ids["cat"], ids["dog"]) > counted.alike(ids["cat"], ids["red"])
    assert counted.beside(ids["cat"], ids["dog"]) > counted.beside(ids["cat"], ids["blue"])


def test_there_are_fifty_sets_of_four_and_in_each_one_is_odd():
    asked = words_apart.items()
    assert len(asked) == 50 == len({tuple(words) for words, _ in asked})
    assert all(len(words) == 3 and odd not in words for words, odd in asked)


def test_a_command_learns_measures_and_writes_them(books, tmp_path, capsys):
    words = ["vectors", books, "--width", 4, "--epochs", 1, "--out", tmp_path / "out", "--about", "rhymes"]
    assert command(list(map(str, words))) == 0
    back = fixed.read(tmp_path / "out")
    assert "shoe" in back.ids and back.table.shape == (len(back.words), 4)
    scores, card = json.loads((tmp_path / "out" / "scores.json").read_text()), (tmp_path / "out" / "card.md")
    assert [row["name"] for row in scores["rows"]] == [words_apart.COMPANY] or len(scores["rows"]) == 2
    assert "rhymes" in card.read_text("utf-8") and "4 numbers each" in card.read_text("utf-8")
    (tmp_path / "out" / "words.txt").write_text("one\n")
    with pytest.raises(ValueError, match=r"for 1 words"):
        fixed.read(tmp_path / "out")
