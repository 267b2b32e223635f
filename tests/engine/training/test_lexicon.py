"""IBM's model 1: which word stands for which."""

import numpy as np
import pytest

from engine.training.data.lexicon import ENGLISH, FRENCH, NOTHING, Lexicon, word_for_word, words

PAIRS = [("the house", "la maison"), ("the book", "le livre"), ("a book", "un livre")]


def by_hand(pairs, rounds: int) -> dict[tuple[str, str], float]:
    """The same by the paper's sums, word by word."""
    split = [([NOTHING, *one.split()], two.split()) for one, two in pairs]
    shares = {(e, f): 1.0 for one, two in split for e in one for f in two}
    for _ in range(rounds):
        counts = dict.fromkeys(shares, 0.0)
        for one, two in split:
            for f in two:
                whole = sum(shares[e, f] for e in one)
                for e in one:
                    counts[e, f] += shares[e, f] / whole
        totals = {e: sum(count for (word, _), count in counts.items() if word == e) for e, _ in counts}
        shares = {(e, f): count / totals[e] for (e, f), count in counts.items()}
    return shares


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_it_is_the_papers(rounds):
    lexicon, expected = Lexicon.of(PAIRS, rounds), by_hand(PAIRS, rounds)
    for one, two in PAIRS:
        table = lexicon.table(one.split(), two.split())
        made = [[expected[e, f] for e in [NOTHING, *one.split()]] for f in two.split()]
        np.testing.assert_allclose(table, made)


def test_the_book_is_the_word_that_is_always_there():
    lexicon = Lexicon.of(PAIRS)
    assert lexicon.best()["book"] == "livre"
    assert list(word_for_word(lexicon, ["A book zebra."])) == ["Un livre"]
    assert not lexicon.table(["zebra"], ["livre"])[0, 1]
    assert not lexicon.table(["house"], ["livre"])[0, 1]  # both known, never together


def test_words_end_where_each_language_ends_them():
    assert words("I don't know, Tom's late.", ENGLISH) == ["i", "don't", "know", ",", "tom's", "late", "."]
    assert words("As-tu vu l'eau ?", FRENCH) == ["as-", "tu", "vu", "l'", "eau", "?"]
    joined = Lexicon.of([("water .", "l' ."), ("old", "eau")])
    assert next(word_for_word(joined, ["water old ."])).startswith("L'")
