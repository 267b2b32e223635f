"""Whatever numbers and files come: a result, or a sentence, and soon."""

import math
import time

import numpy as np
import pytest

from engine.examples import Misfit, formula, names, read, shipped, why, work_out
from engine.examples.formula import MOST_WORK
from engine.examples.operations import OPERATIONS
from engine.examples.printed import rows_of
from engine.examples.value import HUGE, value

ODD = (-math.inf, 0.0, -1.0, 0.5, 2.0, 1000.0, 1e18, -1e18)


def corners(value_) -> set[tuple[int, ...]]:
    return {tuple(0 for _ in value_.shape), tuple(n - 1 for n in value_.shape)}


def check(example) -> None:
    """Every number is one, or −∞; every cell has its arithmetic; what has none has a sentence."""
    for done in work_out(example).values():
        if done.trouble:
            assert done.trouble.endswith(".")
            continue
        x = done.part.value.numbers
        assert (np.isneginf(x) | (np.abs(x) <= HUGE)).all()
        formula.in_numbers(done.part)
        for at in corners(done.part.value):
            why(done.part, at)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("where", ["first", "all"])
def test_any_number_in_any_given_is_followed_or_told(name, where):
    example = shipped(name)
    for one in example.given:
        for x in ODD:
            numbers = np.array(one.value.numbers)
            numbers.flat[slice(None) if where == "all" else slice(1)] = x
            check(example.with_values({one.name: value(numbers, one.value.names)}))


M = value([[1.0, -2, 0], [3, 4, 0.5]])
WRONG = [-math.inf, math.inf, math.nan, 0.5, 0, -1, 99, 1e100, [1, 99], [-math.inf, 1], [[1.0, 2], [2, 1]]]
INDEXED = [
    ("row(M, i)", 1), ("column(M, i)", 1), ("columns(M, i, 2)", 1), ("columns(M, 1, i)", 1),
    ("rows(M, i, 2)", 1),
    ("rows(M, 1, i)", 1), ("reorder(M, i)", [2, 1]), ("lookup(M, i)", 2), ("entry(row(M, 1), i)", 1),
    ("identity(i)", 2), ("causal(i)", 2), ("arange(i)", 2), ("sinusoid(2, i)", 2), ("sinusoid_halves(2, i)", 2),
    ("sinusoid_t2t(2, i)", 2),
]  # fmt: skip


@pytest.mark.parametrize("text", [text for text, _ in INDEXED])
def test_a_wrong_index_is_a_sentence(text):
    right = dict(INDEXED)[text]
    assert formula.work_out(formula.read(text), {"M": M, "i": value(right)}).value.numbers.size
    for wrong in WRONG:
        try:
            formula.work_out(formula.read(text), {"M": M, "i": value(wrong)})
        except Misfit as misfit:
            assert str(misfit).endswith(".")
        else:  # an ordinary number for some, a matrix of scores for a mask
            assert wrong in (99, [[1.0, 2], [2, 1]]), wrong


SHAPES = [
    value(2.0),
    value([1.0, 2]),
    value([[1.0, 2], [2, 1]]),
    value([[-math.inf, 0], [-1, 1e18]]),
    value([-1.0, 0]),
]


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_takes_whatever_there_is_or_says_why_not(name):
    least, _ = OPERATIONS[name].parts
    for at in np.ndindex((len(SHAPES),) * least):
        known = {f"x{i}": SHAPES[k] for i, k in enumerate(at)}
        try:
            part = formula.work_out(formula.read(f"{name}({', '.join(known)})"), known)
        except Misfit as misfit:
            assert str(misfit).endswith(".")
            continue
        assert (np.isneginf(part.value.numbers) | (np.abs(part.value.numbers) <= HUGE)).all()
        for cell in corners(part.value):
            why(part, cell)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x - x", "where a cell is −∞"), ("x * 0", "where a cell is −∞"), ("variance(x)", "where a cell is −∞"),
        ("-x", "where a cell is −∞"), ("n / 0", "divides by 0"), ("-n / 0", "divides by 0"), ("0 / (n - n)",
        "divides by 0"),
        ("sqrt(-n)", "negative number"), ("log(-n)", "negative number"), ("(-n) ** 0.5", "no real number"),
        ("exp(n * 1000)", "too large"), ("-exp(n * 1000)", "too large"),
    ],
)  # fmt: skip
def test_where_numbers_stop_being_numbers_it_is_said(text, said):
    known = {"x": value([-math.inf, 1.0]), "n": value(2.0)}
    with pytest.raises(Misfit, match=said):
        formula.work_out(formula.read(text), known)


def test_what_a_mask_hides_stays():
    known = {"x": value([-math.inf, 1.0]), "zero": value(0.0)}
    for text in ("x + 1", "x / 2", "exp(x)", "softmax(x)", "log(zero)", "max(x)"):
        formula.work_out(formula.read(text), known)


def steps(text: str, given: str = "x = [[1, 2], [3, 4]]", count: int = 60) -> str:
    return f"[given]\n{given}\n" + "".join(
        f'[[step]]\nname = "s{i}"\nformula = "{text}"\n' for i in range(1, count + 1)
    )


def many(text: str) -> str:
    return "+".join([text] * min(40, 499 // (len(text) + 1)))


HEAVY = {
    "sinusoids": steps("+".join(["sinusoid(200,100)"] * 26)),
    "gelu": steps(many("gelu(identity(141))")),
    "look-ups": steps(many("lookup(x,arange(4000)*0+1)")),
    "ranks": steps(many("rank(identity(141))")),
    "products": steps("@".join(["m"] * 39), f"m = {[[0.01] * 64] * 64}"),
    "rows side by side": steps(f"concat({','.join(['arange(1000)'] * 16)})"),
    "small ones": steps(many("x")),
    "a dotted key": ".".join(["a"] * 20_000) + " = 1",
    "a dotted key of quotes": " . ".join(['"a"', "'b'"] * 9_000) + " = 1",
    "a dotted table": "[" + ".".join(["a"] * 20_000) + "]",
    "a dotted key inside": "x = {" + ".".join(["1"] * 20_000) + " = 1}",
    "brackets": "x = " + "[" * 5_000,
    "tables": "x = " + "{a = " * 5_000,
    "brackets over lines": "x = " + "[\n" * 5_000 + "]" * 5_000,
    "one long word": "a" * 99_999,
    "quotes": '"' * 99_999,
    "long symbols": '[given.x]\nnumbers = 1\nlatex = "' + "y" * 4_900 + '"\n',
    "symbols that multiply": '[given.x]\nnumbers = 1\nlatex = "'
    + "y" * 199
    + '"\n[[step]]\nname = "s"\nformula = "'
    + "*".join(["x"] * 39)
    + '"',
    "many given": "".join(f"given.x{i} = 1\n" for i in range(5_000)),
    "many printed": "given.x = 1\n" + '[[printed]]\nof = "x"\ncells = "1"\n' * 2_000,
}


@pytest.mark.parametrize("what", HEAVY)
def test_no_file_takes_long(what):
    began = time.process_time()
    try:
        example = read(HEAVY[what])
        done = work_out(example)
        told = [each.trouble for each in done.values() if each.trouble]
        assert told or what == "small ones"
    except Misfit as misfit:
        assert str(misfit).endswith(".")
    assert time.process_time() - began < 3  # hours without limits; some tenths with them


def test_what_is_left_out_says_so():
    told = [done.trouble for done in work_out(read(steps("gelu(identity(100))"))).values()]
    assert told[0] == "" and f"more than {MOST_WORK:,} numbers" in told[-1]


KINDS = ['["x"]', "{a = 1}", "1", "1.5", "true", "2020-01-01", "0x" + "f" * 5000, "[]", "{}", "nan", "[[1]]"]
PLACES = [
    "given.y = {}", "given = {}", "step = {}", "printed = {}", "question = {}", "walk = {}", "title = {}",
    "[given.y]\nnumbers = 1\nlatex = {}", "[given.y]\nnumbers = 1\nrows = {}",
    "[given.y]\nnumbers = 1\ncolumns = {}",
    "[[step]]\nname = {}\nformula = 'x'", "[[step]]\nname = 'z'\nformula = {}",
    "[[printed]]\nof = {}\ncells = '1'", "[[printed]]\nof = 'x'\ncells = {}",
    "[[printed]]\nof = 'x'\ncells = [{}]",
    "[[printed]]\nof = 'x'\ncells = '1'\nrow = {}",
    "[question]\ncandidates = {}\nequals = 'x'", "[question]\ncandidates = [{}]\nequals = 'x'",
    "[question]\ncandidates = ['x']\nequals = {}", "[walk]\nstep = {}", "[walk]\nlayer = {}",
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_another_kind_of_value_is_taken_or_a_sentence(place):
    before = (
        "" if place.startswith(("given =", "step =", "printed =", "question =", "walk =")) else "given.x = 1\n"
    )
    for kind in KINDS:
        try:
            rows_of(read(before + place.replace("{}", kind)))
        except Misfit as misfit:
            assert str(misfit).endswith("."), (place, kind)


@pytest.mark.parametrize(
    "cells", ["abc", "1e999999999", "1e400", "∞", ".", "1K%", "9" * 4000, "1." + "0" * 70, "1e-99", "−1.5e99"]
)
def test_any_printed_text_is_compared_or_a_sentence(cells):
    for x in ("1", "-1e18", "1e-18"):
        try:
            rows_of(read(f'given.x = {x}\n[[printed]]\nof = "x"\ncells = "{cells}"'))
        except Misfit as misfit:
            assert str(misfit).endswith(".")
