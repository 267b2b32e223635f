"""How translations are scored, by hand and by the definitions."""

import math
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.training.evaluate.translation import bleu, chrf, exact, rows_of, signature

CAT = "the cat sat on the mat"


def test_a_guess_is_right_where_it_is_one_of_the_translations():
    assert exact(["Va !", "Je vois"], [["Marche.", "Va !"], ["Je vois."]]).value == 0.5
    assert chrf(["Va !", "Je vois."], [["Marche.", "Va !"], ["Je vois."]]).value == 100
    assert chrf(["xyz"], [["Marche.", "Va !"]]).value == 0
    assert 20 < chrf(["Je vais."], [["Je vois."]]).value < 90


def test_bleu_by_hand():
    # the cat sat on a mat: 5 of 6 words stand there, 3 of 5 pairs, 2 of 4 threes, 1 of 3 fours; as long
    expected = 100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
    assert bleu(["the cat sat on a mat"], [[CAT]]).value == pytest.approx(expected)
    # five words where six are wanted: all runs stand there, the brevity penalty is exp(1 - 6/5)
    assert bleu(["the cat sat on the"], [[CAT]]).value == pytest.approx(100 * math.exp(1 - 6 / 5))
    # of several translations the one as long as the guess counts for length, and a run may stand in any
    assert bleu(["the cat sat on the"], [[CAT, "cat sat on the lawn"]]).value == pytest.approx(100)


def test_bleu_is_of_the_whole_and_reads_signs_as_words_and_capitals_where_asked():
    guesses, right = ["the cat sat on the mat", "no"], [[CAT], ["yes"]]
    # 6 of 7 words, all of 5 pairs, 4 threes, 3 fours: not the mean of 100 and 0
    assert bleu(guesses, right).value == pytest.approx(100 * (6 / 7) ** 0.25)
    assert bleu(["I see the cat."], [["I see the cat ."]]).value == pytest.approx(100)
    assert bleu(["The cat sat on the mat"], [[CAT]]).value < 100
    assert bleu(["The cat sat on the mat"], [[CAT]], lower=True).value == pytest.approx(100)
    assert signature() == "nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:" + signature().split(":")[-1]


def papineni(guesses: list[list[str]], translations: list[list[list[str]]]) -> float:
    """BLEU as the paper has it (section 2.3); 0 where there is no common run of four."""
    logs, length, wanted = 0.0, sum(map(len, guesses)), 0
    for guess, right in zip(guesses, translations, strict=True):
        wanted += min((abs(len(one) - len(guess)), len(one)) for one in right)[1]
    for n in range(1, 5):
        common = every = 0
        for guess, right in zip(guesses, translations, strict=True):
            counts, most = runs(guess, n), Counter()
            for one in right:
                most |= runs(one, n)
            common, every = common + (counts & most).total(), every + counts.total()
        if not common:
            return 0.0
        logs += math.log(common / every) / 4
    return 100 * math.exp(logs + min(0.0, 1 - wanted / length))


def runs(words: list[str], n: int) -> Counter:
    return Counter(zip(*(words[i:] for i in range(n)), strict=False))


sentence = st.lists(st.sampled_from("abc"), min_size=4, max_size=9)


@given(st.lists(st.tuples(sentence, st.lists(sentence, min_size=1, max_size=3)), min_size=1, max_size=4))
def test_bleu_is_that_of_the_paper(pairs):
    guesses, right = [one for one, _ in pairs], [some for _, some in pairs]
    expected = papineni(guesses, right)
    found = bleu([" ".join(one) for one in guesses], [[" ".join(one) for one in some] for some in right])
    if expected:  # else it is smoothed
        assert found.value == pytest.approx(expected)


def test_scores_have_intervals_that_hold_them():
    guesses = [CAT, "a dog", "no", "the mat sat on the cat"] * 5
    for score in (bleu, chrf, exact):
        found = score(guesses, [[CAT], ["a dog"], ["yes"], [CAT]] * 5)
        assert found.count == 20 and found.interval[0] < found.value < found.interval[1]


def test_the_table_has_rows_for_lengths_for_what_was_never_read_and_for_the_beam():
    held = {"a b c": ["x"], "a b c d e": ["y", "z"], "a b c d f": ["w"]}
    columns = [["x", "y", "no"]] + [["no"] * 3] * 5
    rows = {row["name"]: row for row in rows_of(columns, ["x", "z", "w"], held, {"a b c d f"}, {})}
    assert [rows[name]["values"][0] for name in ("exact match", "exact match, up to 4 words")] == [2 / 3, 1]
    assert rows["exact match, 5 words"]["values"][0] == 0.5 and "exact match, 6 words" not in rows
    never = rows["exact match, translation never read"]
    assert (never["count"], never["values"][0]) == (1, 0)
    beam = rows["beam of 4: exact match"]
    assert beam["values"] == [1, None, None, None, None, None]
    assert {name for name in rows if re.match("BLEU|beam", name)} == {
        "BLEU",
        "BLEU, lower case",
        *(f"beam of 4: {name}" for name in ("exact match", "chrF", "BLEU")),
    }
