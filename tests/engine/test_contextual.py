"""Words among words that a model has met: which tokens are whole words, what is nearest, and in which sense."""

import pytest
import torch

import engine
from engine import contextual
from engine.contextual import Met


@pytest.mark.parametrize("name", ["storybook", "wordfinder"])
def test_a_whole_word_is_one_token_by_itself(name):
    model = engine.load(name, device="cpu")
    trace = engine.run(model, "She sat unhappily on the bank, of the river's edge.")
    words = list(contextual.whole_words(model, trace.tokens()).values())
    assert words[:5] == ["she", "sat", "on", "the", "bank"] and words[-1] == "edge"
    assert not {"unh", "##app", "app", "ily", "s"} & set(words)


def of(vectors: list[list[float]], words: list[str], texts: list[int]) -> Met:
    return Met(words, texts, torch.tensor([vectors], dtype=torch.float64))


def test_what_all_have_in_common_says_nothing():
    met = of([[9, 1], [9, -1], [9, 2], [9, -2]], ["a", "b", "c", "c"], [0, 1, 2, 3])
    found = contextual.cosines(torch.tensor([[9.0, 5.0]], dtype=torch.float64), met)
    assert found[0].tolist() == pytest.approx([1, -1, 1, -1])
    assert contextual.nearest(found, met, "a", 3) == [[2, 1]]  # not itself, and no word twice


def test_the_nearest_other_one_has_the_same_sense_or_not():
    senses = {"river": (0, 1), "money": (2, 3)}
    apart = of([[1, 0], [1, 0.1], [-1, 0], [-1, 0.1]], ["bank"] * 4, [0, 1, 2, 3])
    hits, count, chance = contextual.same_sense(apart, "bank", senses)
    assert (hits, count) == ([4.0], 4) and chance == pytest.approx(4 / 3)
    alike = of([[1, 1]] * 4 + [[0, 0]], [*["bank"] * 4, "x"], [0, 1, 2, 3, 9])
    assert contextual.same_sense(alike, "bank", senses)[0] == pytest.approx([4 / 3])  # all as near: chance


def test_the_sentences_have_their_words_where_what_tells_the_sense_stands_before():
    told = contextual.shipped()
    for word, senses in told.senses.items():
        for numbers in senses.values():
            assert len(numbers) >= 4
            assert all(told.texts[i].rstrip(".").split()[-1] == word for i in numbers)
    assert len(set(told.texts)) == len(told.texts)
