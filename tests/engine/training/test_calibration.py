"""Is a model as sure as it is right? Against what can be worked out by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.tokenize import BeginTokenizer
from engine.training.evaluate import calibration


def reads(sure: float, right: int, of: int, vocabulary: int = 50):
    """A stretch of tokens whose best one has the probability `sure`, and is what comes in `right` of them."""
    others = (1 - sure) / (vocabulary - 1)
    shares = torch.full((of, vocabulary), others)
    shares[:, 7] = sure
    return shares.log(), torch.tensor([7] * right + [8] * (of - right))


@given(right=st.integers(0, 20), sure=st.floats(0.05, 0.99))
def test_the_error_of_one_bin_is_how_far_both_are_apart(right, sure):
    counts = calibration.counted([reads(sure, right, 20)])
    assert calibration.error(counts.sum(0)) == pytest.approx(abs(sure - right / 20), abs=1e-5)


def test_bins_do_not_make_up_for_one_another():
    counts = calibration.counted([reads(0.65, 10, 10), reads(0.95, 0, 10)])
    assert calibration.error(counts.sum(0)) == pytest.approx((0.35 + 0.95) / 2, abs=1e-5)
    assert [point["right"] for point in calibration.reliability(counts)] == [1, 0]
    assert [point["probability"] for point in calibration.reliability(counts)] == pytest.approx([0.65, 0.95])


def test_who_is_as_sure_as_right_has_no_error_and_the_interval_holds_it():
    counts = calibration.counted([reads(0.25, right, 4) for right in (0, 1, 2, 1, 1) * 20])
    found = calibration.score(counts)
    assert found.count == 400
    assert found.value == pytest.approx(0, abs=1e-5)
    assert 0 <= found.interval[0] < found.interval[1] < 0.08
    assert calibration.score(counts) == found


def test_a_probability_of_one_is_in_the_last_bin():
    logits = torch.full((3, 50), -torch.inf)
    logits[:, 2] = 0
    assert calibration.counted([(logits, torch.tensor([2, 2, 2]))])[0, :, -1].tolist() == [3, 3, 3]


@pytest.mark.parametrize("begins", [False, True])
def test_every_token_of_a_sentence_is_asked_for_that_has_something_before_it(corpus, begins):
    tokenizer = BeginTokenizer(corpus[0].ranks) if begins else corpus[0]
    ids = tokenizer.encode("One, two")
    seen = []

    def model(given):
        seen.append(given[0].tolist())
        return torch.nn.functional.one_hot(given, 300).float()

    ((logits, asked),) = calibration.sentences(model, ["One, two"], tokenizer)
    assert seen == [ids[:-1]]
    assert asked.tolist() == ids[1:]
    assert logits.argmax(-1).tolist() == ids[:-1]


def test_the_table_has_a_line_for_each_point():
    counts = calibration.counted([reads(0.65, 10, 10), reads(0.95, 0, 10)])
    told = calibration.table({"books": calibration.reliability(counts)})
    assert told.splitlines()[2:] == ["| books | 10 | 65% | 100% |", "| books | 10 | 95% | 0% |"]
    assert isinstance(counts, np.ndarray)
