"""A text is written only as far as somebody has asked for it."""

import pytest

import engine
from app import writing
from app.state import RANGES
from app.writing import Writing
from engine import Decoding
from tests.app.visit import model

PROMPT = "The cat sat on the"


@pytest.fixture
def taken():
    """A text of ten tokens, and which of its steps were taken."""
    steps = []

    def write():
        for id in range(10):
            steps.append(id)
            yield id + 1

    return Writing(write(), 0), steps


def test_no_token_is_written_but_the_next_one(taken):
    writing, steps = taken
    assert writing.upto(3) == ((1, 2, 3), True)
    assert steps == [0, 1, 2, 3]
    assert writing.upto(2) == ((1, 2), True)
    assert writing.upto(5) == ((1, 2, 3, 4, 5), True)
    assert steps == [*range(6)]


def test_a_text_that_ends_is_told_to_end(taken):
    writing, _ = taken
    assert writing.upto(10) == (tuple(range(1, 11)), False)
    assert writing.upto(99) == (tuple(range(1, 11)), False)


def test_a_text_that_goes_on_is_that_which_is_written_at_once():
    ids, settings = tuple(model().tokenizer.encode(PROMPT)), dict(method="sample", seed=9, temperature=1.2)
    for count in (1, 4, 2, 12):
        found, _ = writing.continued("storybook", PROMPT, ids, Decoding(**settings, max_tokens=count))
        own = engine.generate(model(), PROMPT, Decoding(**settings, max_tokens=count))
        assert [one.id for one in found] == [step.id for step in own]


def test_the_longest_text_is_the_longest_that_a_link_can_ask_for():
    assert RANGES["length"][1] == writing.LONGEST_WRITTEN
