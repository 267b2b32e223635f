"""The language of a grammar: what its slots mean, and what it holds out."""

import itertools
import random
import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.training.data.grammar import Grammar, Question

FRUIT = ("plum", "pear", "fig")
WORDS = """
= fruit
plum
pear
fig

= who: name he his
Tom | he | his
Ann | she | her

"""
seeds = st.integers(0, 10**6)


def written(source: str, count: int = 100) -> set[str]:
    """What `= text` writes in a grammar of WORDS and `source`."""
    draw, small = random.Random(0), Grammar(WORDS + source)
    return {small.text("text", draw) for _ in range(count)}


def asked(source: str):
    return Grammar(WORDS + source).question("text", random.Random(0))


# --- what a line may say -------------------------------------------------------------------------


def test_each_line_of_a_rule_is_one_way_to_write_it():
    assert written("= text\nyes\nno") == {"yes", "no"}


def test_a_slot_is_drawn_anew_each_time():
    assert written("= text\n<fruit> <fruit>") == {f"{a} {b}" for a in FRUIT for b in FRUIT}


def test_a_letter_stands_for_the_same_line_again():
    assert written("= text\n<fruit:x>, <x>") == {f"{a}, {a}" for a in FRUIT}


def test_two_letters_never_stand_for_the_same_line():
    found = written("= text\n<fruit:x> <fruit:y> <fruit:z>")
    assert found == {" ".join(order) for order in itertools.permutations(FRUIT)}


def test_more_letters_than_lines_are_an_error():
    with pytest.raises(ValueError, match="fruit were all taken or held out: it needs more lines"):
        written("= text\n<fruit:x> <fruit:y> <fruit:z> <fruit:u>")


def test_a_column_is_another_cell_of_the_same_row():
    found = written("= text\n<who:a> lost <a.his> hat, and <a.he> cried.")
    assert found == {"Tom lost his hat, and he cried.", "Ann lost her hat, and she cried."}


def test_a_roof_makes_a_capital():
    assert written("= text\n<fruit:x>! <^x>!") == {"plum! Plum!", "pear! Pear!", "fig! Fig!"}
    assert written("= text\n<^fruit:x>! <x>!") == {"Plum! plum!", "Pear! pear!", "Fig! fig!"}
    assert written("= text\n<who:a>. <^a.he>.") == {"Tom. He.", "Ann. She."}


def test_a_minus_remembers_and_writes_nothing():
    assert written("= text\n<-fruit:x>One <x>.") == {"One plum.", "One pear.", "One fig."}


def test_braces_choose_and_one_of_the_choices_may_be_nothing():
    assert written("= text\n{one|a <fruit>|}.") == {"one.", ".", "a plum.", "a pear.", "a fig."}


def test_a_letter_drawn_in_a_choice_is_the_same_after_it():
    found = written("= text\n{<fruit:x>|the <fruit:x>}: <x>")
    assert found == {f"{the}{a}: {a}" for a in FRUIT for the in ("", "the ")}


def test_a_backslash_and_an_n_are_a_new_line():
    assert written("= text\none\\ntwo") == {"one\ntwo"}


def test_comments_and_empty_lines_are_no_lines():
    assert written("= text\n\n# no\none\n   \n  # no\n") == {"one"}


def test_a_rule_reads_the_letters_of_the_one_that_uses_it():
    assert written("= ate\n<a> ate <a.his> fig\n= text\n<-who:a><ate>.") == {
        "Tom ate his fig.",
        "Ann ate her fig.",
    }


def test_a_rule_takes_no_line_that_a_letter_around_it_stands_for():
    found = written("= inner\n<fruit:y>\n= text\n<fruit:x> <inner> <inner>", 300)
    assert found == {f"{a} {b} {c}" for a in FRUIT for b in FRUIT for c in FRUIT if a not in (b, c)}


def test_the_letters_of_a_rule_are_unknown_around_it():
    found = written("= inner\n<fruit:y>\n= text\n<inner> <fruit:y>")
    assert found == {f"{a} {b}" for a in FRUIT for b in FRUIT}


def test_what_a_letter_stands_for_is_written_once_and_then_stays():
    found = written("= line\n{one|two} <fruit>\n= text\n<line:l>/<l>/<l>")
    assert found == {f"{n} {a}/{n} {a}/{n} {a}" for n in ("one", "two") for a in FRUIT}


@given(seed=seeds)
def test_the_same_seed_writes_the_same_text(seed):
    small = Grammar(WORDS + "= text\n<fruit> {one|two} <fruit:x> <who>")
    assert small.text("text", random.Random(seed)) == small.text("text", random.Random(seed))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("= text\n<herb:x>", KeyError, "there is no rule 'herb'"),
        ("= other\none", KeyError, "there is no rule 'text'"),
        ("= text\n<who:a> <a.hat>", KeyError, "who has no column 'hat'"),
        ("= table: one two\na | b\nc", ValueError, "line 13: 'c' needs 2 cells"),
        ("= table: one two\na | b | c", ValueError, "line 12: 'a | b | c' needs 2 cells"),
    ],
)
def test_a_mistake_in_a_grammar_says_where(source, error, message):
    with pytest.raises(error, match=re.escape(message)):
        written(source)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("a apple", "an apple"),
        ("A old man had a egg and a uncle.", "An old man had an egg and an uncle."),
        ("a {eel}, a {Ox}", "an eel, an Ox"),
        ("A is for apple.", "A is for apple."),
        *((text, text) for text in ("a plum", "a unicorn", "a one", "a once", "a useful hat", "a European")),
        *((text, text) for text in ("an hour", "an apple", "panda is", "a, e, i")),
    ],
)
def test_a_before_a_vowel_becomes_an(line, text):
    assert written(f"= text\n{line}") == {text}


# --- questions -----------------------------------------------------------------------------------


def test_a_question_ends_before_its_answer_which_takes_the_space_along():
    test = asked("= text\n<-who:a>Where is <a.his> hat? <?a|fruit>.")
    assert test.prompt in ("Where is his hat?", "Where is her hat?")
    assert test.answer == (" Tom" if "his" in test.prompt else " Ann")
    assert test.choices[0] == test.answer
    assert test.choices[1].strip() in FRUIT


def test_an_answer_on_a_new_line_has_no_space():
    assert asked("= text\nWhere?\\n<?here|there>!") == Question("Where?\n", "here", ("here", "there"))


def test_plain_words_can_be_choices_as_many_as_one_likes():
    assert asked("= text\nIs it good? <?'very good'|bad|ugly>.").choices == (" very good", " bad", " ugly")


def test_a_text_for_learning_has_the_answer_written_out():
    assert written("= text\n<-who:a>Who? <?a|fruit>.") == {"Who? Tom.", "Who? Ann."}


def test_of_several_questions_the_last_is_asked():
    test = asked("= text\nOne? <?1|2>. Two? <?2|1>.")
    assert (test.prompt, test.choices) == ("One? 1. Two?", (" 2", " 1"))


def test_a_becomes_an_before_an_answer():
    assert asked("= text\nIt is a <?apple|egg>.").prompt == "It is an"


def test_a_rule_that_asks_nothing_is_no_question():
    with pytest.raises(ValueError, match="text asks nothing"):
        asked("= text\n<fruit>.")


# --- what is held out ----------------------------------------------------------------------------

NAMES, THINGS = [f"friend{i}" for i in range(20)], [f"thing{i}" for i in range(20)]
GIVING = "\n".join(["= friend", *NAMES, "= thing", *THINGS])
GIVING += """
= gave
<-friend:a><-thing:g><a> gave the <g> away. Who did? <?a|g>.  !a,g
= two
<gave> <gave>
= again
<-friend:a><-thing:g><a> lost the <g>. Who did? <?a|g>.  !gave:a,g
= told: first then
<-friend:a><-thing:g>  !a,g | Look, <a> has the <g>. Who? <?a|g>.
= later
<-told:c><c.then>
"""
PAIR = re.compile(r"(friend\d+) \w+ the (thing\d+)")


@cache
def sides(rule: str) -> tuple[set, set]:
    """Combinations that `rule` writes for learning, and those that it asks for."""
    small, draw = Grammar(GIVING), random.Random(0)
    learned = {pair for _ in range(6000) for pair in PAIR.findall(small.text(rule, draw))}
    return learned, {pair for _ in range(1500) for pair in PAIR.findall(small.question(rule, draw).prompt)}


@pytest.mark.parametrize("rule", ["gave", "two", "later"])
def test_a_held_out_combination_is_never_written_for_learning_and_no_other_is_asked(rule):
    learned, held = sides(rule)
    assert not learned & held
    assert learned | held == set(itertools.product(NAMES, THINGS))
    assert 0.05 < len(held) / 400 < 0.15


def test_every_word_of_a_held_out_combination_is_met_in_others():
    learned, held = sides("gave")
    for words in (0, 1):
        assert {pair[words] for pair in held} <= {pair[words] for pair in learned}


def test_what_is_held_out_is_the_same_in_a_text_of_two_parts():
    assert sides("gave") == sides("two")


def test_a_rule_can_hold_out_what_another_one_does():
    assert sides("gave") == sides("again")


@pytest.mark.parametrize("word", THINGS)
def test_a_combination_is_either_learned_or_asked(word):
    small = Grammar(f"= word\n{word}\n= text\n<-word:x><x>? <?yes|no>  !x")
    outcomes = []
    for write in (small.text, small.question):
        try:
            outcomes.append(bool(write("text", random.Random(0))))
        except ValueError as error:
            assert "needs more lines" in str(error)
            outcomes.append(False)
    assert sorted(outcomes) == [False, True]
