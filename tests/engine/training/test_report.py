"""What was measured, as rows and as the table of a card."""

import pytest

from engine.training.evaluate import report
from engine.training.evaluate.intervals import wilson

COLUMNS = ("this model", "random start")


def test_a_share_has_its_count_and_its_interval():
    score = report.share([True] * 8 + [False] * 2, chance=0.5)
    assert (score.value, score.count, score.chance) == (0.8, 10, 0.5)
    assert score.interval == wilson(8, 10)


def test_a_mean_can_be_one_of_weighted_items_that_count_something_smaller():
    score = report.mean([1.0, 9.0], [1.0, 4.0], 70)
    assert (score.value, score.count) == (2.0, 70)
    assert score.interval[0] <= 2 <= score.interval[1]


def test_the_table_says_every_number_with_its_interval_and_nothing_where_nothing_was_measured():
    rows = [
        report.row("it", [report.share([True] * 8 + [False] * 2, 0.5), None], aim=("≥", 0.9)),
        report.row("first time", [report.Score(9.25, 1100, (9.0, 9.5)), None], "nats per token"),
    ]
    lines = report.table(rows, COLUMNS).splitlines()
    assert lines[0] == "|  | n | this model | random start | chance | aim |"
    assert lines[2] == "| it | 10 | 80.0% (49.0–94.3) |  | 50% | ≥ 90.0% |"
    assert lines[3] == "| first time, nats per token | 1,100 | 9.250 (9.000–9.500) |  |  |  |"


@pytest.mark.parametrize(
    ("value", "aim", "told"),
    [
        (0.255, ("≥", 0.35), "- **Not reached:** it, 25.5% where ≥ 35.0% was aimed at."),
        (0.35, ("≥", 0.35), "All aims were reached."),
        (0.35, ("<", 0.35), "- **Not reached:** it, 35.0% where < 35.0% was aimed at."),
        (0.1, None, ""),
    ],
)
def test_what_was_missed_is_said(value, aim, told):
    rows = [report.row("it", [report.Score(value, 10)], aim=aim)]
    assert report.verdict(rows) == told
    assert report.told(rows, ("this model",)).endswith(told or "10.0% |")
