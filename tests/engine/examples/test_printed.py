"""Printed beside computed: rounding, cutting, signs, units, and what `python -m engine.examples` prints."""

import json
import math

import numpy as np
import pytest

from engine.examples import all_rows, compare, names, shipped
from engine.examples.__main__ import main
from engine.examples.printed import AGREES, COARSE, CUT, ROUNDED, SIGN
from tests.engine.examples.again import AGAIN, given


@pytest.mark.parametrize(
    ("printed", "computed", "verdict", "should"),
    [
        ("1.4", math.sqrt(2), AGREES, "1.4"),
        ("-1.4", -math.sqrt(2), AGREES, "−1.4"),
        ("1.4", -math.sqrt(2), SIGN, "−1.4"),
        ("-1.4", math.sqrt(2), ROUNDED, "1.4"),
        ("0.84", math.sin(1), AGREES, "0.84"),
        (".356", 0.2688755, ROUNDED, ".269"),
        (".643", 0.6437, CUT, ".644"),
        ("1.0", 0.99997, AGREES, "1.0"),
        ("0", 1e-9, AGREES, "0"),
        ("0.12", 0.125, AGREES, "0.13"),
        ("0.13", 0.125, AGREES, "0.13"),
        ("0.1", 0.05, AGREES, "0.1"),
        ("786", 768, ROUNDED, "768"),
        ("100,277", 100277, AGREES, "100,277"),
        ("117M", 116_534_784, AGREES, "117M"),
        ("1.5B", 1_557_611_200, CUT, "1.6B"),
        ("1.4B", 1_557_611_200, ROUNDED, "1.6B"),
        ("175B", 174_600_000_000, AGREES, "175B"),
        ("100M", 116_534_784, COARSE, "117M"),
        ("100M", 216_534_784, ROUNDED, "217M"),
        ("~400", 374, COARSE, "374"),
        ("200k", 204_721, COARSE, "205k"),
        ("21k", 21_841, CUT, "22k"),
        ("10", 12, ROUNDED, "12"),
        ("100.0", 120, ROUNDED, "120.0"),
        ("√3", math.sqrt(3), AGREES, "√3"),
        ("√3", 1.7, ROUNDED, "1.7"),
        ("1/4", 0.25, AGREES, "1/4"),
        ("0²", 0.0, AGREES, "0²"),
        ("100²", 1e4, AGREES, "100²"),
        ("100²", 100.0, ROUNDED, "100"),
        ("3.14e23", 3.15e23, ROUNDED, "3.15e23"),
        ("15%", 0.15, AGREES, "15%"),
        ("-∞", -math.inf, AGREES, "−∞"),
        ("−∞", 0.0, ROUNDED, "0"),
        ("0", -math.inf, ROUNDED, "−∞"),
        ("1", math.nan, ROUNDED, "no number"),
        ("-0.4", -0.36, AGREES, "−0.4"),
    ],
)
def test_a_printed_number_is_held_to_its_own_places(printed, computed, verdict, should):
    assert compare(printed, computed) == (should, verdict)


@pytest.mark.parametrize("printed", ["", "a", ".", "1.2.3", "--1", "1 2", "1/0", "√", "√x", "²"])
def test_what_is_no_number_is_refused(printed):
    with pytest.raises(ValueError):
        compare(printed, 1.0)


def agrees(printed: str, computed: float) -> bool:
    """Another way: as text to as many places, or within half of the last one."""
    text = printed.replace("∞", "inf").replace("−", "-")
    if "inf" in text or math.isinf(computed):
        return "inf" in text and float(text) == computed
    for sign, exact in {"√": math.sqrt, "²": lambda x: x * x}.items():
        if sign in text:
            return math.isclose(exact(float(text.strip(sign))), computed)
    if "/" in text:
        return computed * float(text.partition("/")[2]) == float(text.partition("/")[0])
    places = len(text.partition(".")[2])
    return abs(abs(float(text)) - abs(computed)) <= 0.5 * 10**-places * (1 + 1e-9)


@pytest.mark.parametrize("name", AGAIN)
def test_the_rows_of_an_example_are_those_of_the_second_computation(name):
    example, numbers = shipped(name), given(name)
    values = numbers | AGAIN[name](numbers)
    rows = all_rows([name])
    assert len(rows) == sum(len(each.cells) for each in example.printed)
    for row in rows:
        computed = np.atleast_2d(values[row.of])[row.row - 1, row.column - 1]
        assert row.computed == pytest.approx(computed)
        assert row.agrees == agrees(row.printed, computed), row


def test_the_softmax_that_does_not_follow_from_its_scores():
    wrong = [(row.row, row.column, row.should) for row in all_rows(["john_kicked_the"]) if not row.agrees]
    hidden = {(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)}  # −∞ is printed where the shares are 0
    assert {(i, j) for i, j, should in wrong if should == "0"} == hidden
    assert [should for i, j, should in wrong if (i, j) not in hidden] == [
        ".000", ".269", ".731", ".005", ".002", ".726", ".267",
    ]  # fmt: skip


def test_a_row_for_each_printed_number(capsys):
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    count = sum(len(each.cells) for name in names() for each in shipped(name).printed)
    assert len(lines) == count + 2 and lines[0].split()[:3] == ["example", "lecture", "place"]
    assert main(["--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == count and all(row["agrees"] == row["verdict"].startswith("yes") for row in rows)
    assert main(["layernorm"]) == 0 and "1.414214" in capsys.readouterr().out
    assert main(["nothing"]) == 2 and "layernorm" in capsys.readouterr().err
