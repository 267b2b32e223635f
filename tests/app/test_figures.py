"""Figures are the numbers that they were given, on axes that compare, and their labels stay what was typed."""

import html

import numpy as np
import plotly.graph_objects as go
import pytest

from app.ui.figures import MARK, REST, bars, dots, graph, histogram, panels, plain, series, shares, space
from tests.hostile import HOSTILE

TWO = [{"label": "a", "value": 0.25, "mark": True}, {"label": "a", "value": 0.5, "off": True}]


def valid(figure: go.Figure) -> go.Figure:
    """The figure again, checked by Plotly against its schema."""
    return go.Figure([t.to_plotly_json() for t in figure.data], figure.layout.to_plotly_json())


def test_bars_are_as_long_as_their_values_say():
    figure = valid(bars(TWO, "token", "weight", cut=1))
    (trace,) = figure.data
    assert trace.x.tolist() == [0.25, 0.5]
    assert trace.y.tolist() == [0, 1] == figure.layout.yaxis.tickvals.tolist()
    assert trace.marker.opacity.tolist() == [1, 0.35]
    assert trace.marker.line.width.tolist() == [2, 0]
    assert [line.y0 for line in figure.layout.shapes] == [0.5]


@pytest.mark.parametrize("largest", [1.0, 0.3, 0.004])
def test_shares_of_a_whole_have_an_axis_from_0_to_100_per_cent_whatever_the_largest_is(largest):
    figure = valid(bars(shares(["a", "b"], [largest, 0.001]), "token", "weight", percent=True))
    assert figure.layout.xaxis.range == (0, 1)
    assert figure.layout.xaxis.fixedrange
    assert figure.data[0].text == (f"{largest:.1%}", "0.1%")


def test_other_bars_end_where_it_is_asked_or_at_the_largest():
    assert bars(TWO, "", "").layout.xaxis.range == (0, 0.5)
    assert bars(TWO, "", "", top=1.0).layout.xaxis.range == (0, 1)


def test_where_a_value_is_negative_the_axis_reaches_as_far_to_both_sides():
    figure = valid(bars([{"label": "a", "value": -2.0}, {"label": "b", "value": 1.0}], "", ""))
    low, high = figure.layout.xaxis.range
    assert low == -high < -2
    assert figure.data[0].marker.color.tolist() == [-1, 1]


def test_a_change_stands_beside_what_was_before():
    figure = valid(bars(TWO, "", "", percent=True, original=("before", "after", [0.75, 0.0])))
    assert [(trace.name, trace.x.tolist()) for trace in figure.data] == [
        ("before", [0.75, 0]),
        ("after", [0.25, 0.5]),
    ]


def test_a_line_goes_through_its_points_and_marks_are_where_they_are_said_to_be():
    line = series("f", [0, 1, 2], [3, 1, 2], labels="xyz")
    figure = valid(graph([line], "x", "y", marks=[(1, 1, "here")]))
    drawn, mark = figure.data
    assert (drawn.x.tolist(), drawn.y.tolist(), drawn.customdata) == ([0, 1, 2], [3, 1, 2], ("x", "y", "z"))
    assert (mark.meta, mark.x.tolist(), mark.y.tolist(), mark.text) == (MARK, [1], [1], ("here",))


def test_names_stand_at_their_places_on_the_axis():
    axis = valid(graph([series("f", [0, 1], [1, 2])], "", "", ticks=["one", "two"])).layout.xaxis
    assert (axis.tickvals.tolist(), axis.ticktext) == ([0, 1], ("one", "two"))


def test_an_axis_in_powers_of_ten_is_one():
    figure = valid(graph([series("f", [1, 1000], [0, 1])], "", "", log=True, percent=True))
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.yaxis.range[0] == 0


def test_a_histogram_counts_every_value_once():
    values = np.array([0, 0, 0.5, 1.5, 2, 3.9, 4])
    column = valid(graph([histogram("v", values, bins=4)], "", "")).data[0]
    assert column.y.tolist() == [3, 1, 1, 2]
    assert (column.x.tolist(), column.width) == ([0.5, 1.5, 2.5, 3.5], 1)
    assert column.customdata[1] == "1 to 2"


def test_dots_are_where_their_numbers_say_and_no_name_lies_over_another():
    x, y = np.array([0, 1e-6, 5.0]), np.array([0, 1e-6, 5.0])
    trace = valid(graph([dots("t", x, y, ["long name", "long name", "far"], picked=2)], "", "")).data[0]
    assert (trace.x.tolist(), trace.y.tolist()) == (x.tolist(), y.tolist())
    assert trace.textposition[0] != trace.textposition[1]
    assert trace.marker.size.argmax() == 2
    crowd = dots("t", np.zeros(9), np.zeros(9), ["name"] * 9)
    assert [name for name in crowd.text if name] == ["name"] * 4
    assert len(crowd.customdata) == 9


def test_panels_share_their_axis_of_x():
    rows = [[series("a", [1, 10], [2, 3])], [series("b", [1, 10], [0, 1]), series("c", [1, 10], [1, 0])]]
    figure = valid(panels(rows, "steps", ["bits", "share"], {1: "1", 10: "10"}, 10, 300))
    assert [(trace.name, trace.yaxis, trace.y.tolist()) for trace in figure.data] == [
        ("a", "y", [2, 3]),
        ("b", "y2", [0, 1]),
        ("c", "y2", [1, 0]),
    ]
    assert {trace.xaxis for trace in figure.data} == {None}
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]
    assert figure.layout.shapes[0].x0 == 10


def test_points_in_space_are_where_their_numbers_say():
    rest, points = np.arange(12).reshape(4, 3), np.array([[1, 2, 3], [4, 5, 6]])
    grey, named = valid(space(rest, points, ("abcd", ["the", "cat"]), 1)).data
    for trace, numbers in ((grey, rest), (named, points)):
        np.testing.assert_array_equal(np.stack([trace.x, trace.y, trace.z], -1), numbers)
    assert grey.meta == REST
    assert named.text == ("the", "cat")
    assert named.marker.size[1] > named.marker.size[0]


@pytest.mark.parametrize(
    "text", [*HOSTILE.values(), "<b>x</b>", "<a href='x'>", "$x$", "%{x}", "&lt;", "a<br>b"]
)
def test_a_label_is_no_markup_and_says_what_was_typed(text):
    figure = bars([{"label": text, "value": 1.0}], "", "")
    (label,) = figure.data[0].customdata
    assert not set("<>") & set(label) and "%{" not in label
    assert html.unescape(label) == text
    assert plain(text) == label


def test_equal_labels_are_two_bars():
    figure = bars(TWO, "", "")
    assert len(set(figure.data[0].y.tolist())) == 2
