"""The 3-gram model: counts, less a discount that goes to shorter contexts."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.training.evaluate.baseline import Trigram

ROW = np.array([0, 1, 2, 0, 1, 3], dtype=np.uint16)
ids = st.integers(0, 6)


def after(model: Trigram, *tokens: int) -> list[float]:
    """Probabilities of the token after `tokens`."""
    return model(torch.tensor([tokens]))[0, -1].exp().tolist()


def test_one_token_is_counted_once_more_than_it_was_seen():
    assert Trigram(ROW, 4).one.tolist() == pytest.approx([0.3, 0.3, 0.2, 0.2])


def test_a_discounted_mixture_as_worked_out_by_hand():
    """After 1 came 2 and 3, once each: (1 − 0.75)/2 are theirs, 0.75 is shared like single tokens."""
    two = [0.75 * 0.3, 0.75 * 0.3, 0.125 + 0.75 * 0.2, 0.125 + 0.75 * 0.2]
    assert after(Trigram(ROW, 4), 1) == pytest.approx(two)
    three = [0.75 * two[0], 0.75 * two[1], 0.125 + 0.75 * two[2], 0.125 + 0.75 * two[3]]
    assert after(Trigram(ROW, 4), 0, 1) == pytest.approx(three)


def test_what_was_seen_twice_loses_the_discount_once():
    """After 0 came 1, twice: (2 − 0.75)/2 are its, 0.75/2 are shared like single tokens."""
    shared = [0.375 * chance for chance in (0.3, 0.3, 0.2, 0.2)]
    assert after(Trigram(ROW, 4), 0) == pytest.approx([shared[0], 0.625 + shared[1], *shared[2:]])


@given(row=st.lists(ids, min_size=3, max_size=60), text=st.lists(ids, min_size=1, max_size=9))
def test_probabilities_sum_to_one_and_none_is_zero(row, text):
    chances = Trigram(np.array(row, dtype=np.uint16), 7)(torch.tensor([text])).exp()
    assert chances.shape == (1, len(text), 7)
    torch.testing.assert_close(chances.sum(-1), torch.ones(1, len(text)))
    assert (chances > 0).all()


def test_what_always_follows_two_tokens_is_probable():
    model = Trigram(np.tile(np.array([4, 7, 9, 4, 8, 2], dtype=np.uint16), 50), 5000)
    assert after(model, 4, 7)[9] > 0.95
    assert after(model, 9, 4)[8] > 0.95
    assert 0.4 < after(model, 4)[8] < 0.6  # one token alone does not tell 7 from 8


@pytest.mark.parametrize("before", [1, 2, 3])
def test_two_tokens_never_seen_together_leave_it_to_the_last(before):
    assert after(Trigram(ROW, 4), before, 1) == after(Trigram(ROW, 4), 1)
    assert after(Trigram(ROW, 4), 0, 1) != after(Trigram(ROW, 4), 1)


def test_a_token_after_which_nothing_came_leaves_it_to_the_counts_of_single_tokens():
    assert after(Trigram(ROW, 4), 3) == pytest.approx(Trigram(ROW, 4).one.tolist())


@given(texts=st.lists(st.lists(ids, min_size=5, max_size=5), min_size=1, max_size=4))
def test_only_the_last_two_tokens_count_and_a_row_of_a_batch_stands_alone(texts):
    model = Trigram(np.array([0, 1, 2, 3, 4, 5, 6, 0, 1, 3, 0, 2], dtype=np.uint16), 7)
    batch = model(torch.tensor(texts)).exp()
    for text, rows in zip(texts, batch.tolist(), strict=True):
        assert rows[0] == after(model, text[0])
        assert [rows[t] for t in range(1, 5)] == [after(model, *text[t - 1 : t + 1]) for t in range(1, 5)]
