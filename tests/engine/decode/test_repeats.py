"""Runs of tokens that come again."""

import pytest

from engine.decode import repeats


@pytest.mark.parametrize(
    ("ids", "expected"),
    [([], 0), ([1, 2, 3], 0), ([1] * 6, 2), ([1, 2, 3, 4, 9, 1, 2, 3, 4], 1), ([1, 2, 3, 4, 9, 1, 2, 3, 5], 0)],
)
def test_runs_of_four_that_were_there_before(ids, expected):
    assert repeats(ids) == expected
