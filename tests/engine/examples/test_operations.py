"""Operations: numpy's numbers, cells worked out by another way, sentences where shapes do not fit."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.examples import formula
from engine.examples.operations import OPERATIONS
from engine.examples.value import Misfit, read_cells, read_number, value
from engine.worked.recipes.terms import Worked

SMALL = st.integers(-9, 9).map(lambda x: x / 2)


def matrices(rows: int, columns: int):
    return st.lists(st.lists(SMALL, min_size=columns, max_size=columns), min_size=rows, max_size=rows)


A, B = np.array([[1.0, -2, 3], [0, 4, -1]]), np.array([[2.0, 1, 0], [1, 1, 5]])
KNOWN = {"A": value(A), "B": value(B), "v": value([1.0, 2, 4]), "n": value(2.0), "order": value([2.0, 1])}
WANTED = {
    "A @ B.T": np.einsum("ik,jk->ij", A, B),
    "A @ v": [9, 4],
    "v @ v": 21,
    "A + B": [[3, -1, 3], [1, 5, 4]],
    "A - v": [[0, -4, -1], [-1, 2, -5]],
    "A * B": [[2, -2, 0], [0, 4, -5]],
    "B / n": B / 2,
    "A ** 2": [[1, 4, 9], [0, 16, 1]],
    "-A": -A,
    "sqrt(v)": [1, math.sqrt(2), 2],
    "exp(n)": math.e**2,
    "log(v)": [0, math.log(2), math.log(4)],
    "sin(v)": [math.sin(1), math.sin(2), math.sin(4)],
    "cos(v)": [math.cos(1), math.cos(2), math.cos(4)],
    "tanh(n)": math.tanh(2),
    "sigmoid(n)": 1 / (1 + math.exp(-2)),
    "relu(A)": [[1, 0, 3], [0, 4, 0]],
    "gelu(n)": 2 * 0.5 * (1 + math.erf(2 / math.sqrt(2))),
    "floor(v / 3)": [0, 0, 1],
    "round(v / 3)": [0, 1, 1],
    "softmax(v)": [math.exp(x) / (math.e + math.e**2 + math.e**4) for x in (1, 2, 4)],
    "mask(A)": [[1, -math.inf, -math.inf], [0, 4, -math.inf]],
    "causal(n)": [[0, -math.inf], [0, 0]],
    "sum(A)": [[2], [3]],
    "sum(v)": 7,
    "mean(A)": [[2 / 3], [1]],
    "variance(v)": 14 / 9,
    "norm(v)": math.sqrt(21),
    "max(A)": [[3], [4]],
    "min(A)": [[-2], [-1]],
    "argmax(A)": [[3], [2]],
    "total(A)": 5,
    "width(A)": 3,
    "height(A)": 2,
    "size(A)": 6,
    "shape(A)": [2, 3],
    "row(A, 2)": [0, 4, -1],
    "column(A, 3)": [3, -1],
    "columns(A, 2, 3)": [[-2, 3], [4, -1]],
    "rows(A, 2, 2)": [[0, 4, -1]],
    "concat(A, B)": np.hstack([A, B]),
    "stack(A, v)": [[1, -2, 3], [0, 4, -1], [1, 2, 4]],
    "reorder(A, order)": [[0, 4, -1], [1, -2, 3]],
    "lookup(A, order)": [[0, 4, -1], [1, -2, 3]],
    "outer(v, v)": [[1, 2, 4], [2, 4, 8], [4, 8, 16]],
    "identity(n)": [[1, 0], [0, 1]],
    "entry(v, 3)": 4,
    "arange(n)": [0, 1],
    "rank(A)": 2,
    "rank(outer(v, v))": 1,
    "sinusoid(n, 4)": [[0, 1, 0, 1], [math.sin(1), math.cos(1), math.sin(0.01), math.cos(0.01)]],
    "sinusoid_halves(n, 4)": [[0, 0, 1, 1], [math.sin(1), math.sin(0.01), math.cos(1), math.cos(0.01)]],
    "sinusoid_t2t(n, 4)": [[0, 0, 1, 1], [math.sin(1), math.sin(1e-4), math.cos(1), math.cos(1e-4)]],
}  # fmt: skip


def done(text: str, known=KNOWN) -> formula.Part:
    return formula.work_out(formula.read(text), known)


@pytest.mark.parametrize("text", WANTED)
def test_an_operation_gives_its_numbers_and_each_cell_is_worked_out(text):
    part = done(text)
    assert part.value.shape == np.shape(WANTED[text])
    np.testing.assert_allclose(part.value.numbers, WANTED[text], rtol=1e-12, atol=1e-12)
    for at in np.ndindex(part.value.shape):
        worked = formula.why(part, at)
        assert isinstance(worked, Worked) and worked.at == at
        assert worked.value == worked.shown or worked.value == pytest.approx(worked.shown, rel=1e-12)
        if worked.terms:
            assert (
                math.fsum(term.value for term in worked.terms) == pytest.approx(worked.total)
                or "max" in text
                or "min" in text
            )


def test_every_operation_is_tried():
    used = {part for text in WANTED for part in _operations(formula.read(text))}
    assert used == set(OPERATIONS)


def _operations(part: formula.Part) -> set[str]:
    own = {part.operation.name} if part.operation else set()
    return own.union(*(_operations(each) for each in part.parts))


@given(matrices(3, 2), matrices(2, 4))
@settings(max_examples=40, deadline=None)
def test_products_of_any_matrices(a, b):
    part = done("a @ b", {"a": value(a), "b": value(b)})
    np.testing.assert_allclose(part.value.numbers, np.einsum("ik,kj->ij", np.array(a), np.array(b)))
    worked = formula.why(part, (2, 3))
    assert worked.value == pytest.approx(sum(x * r[3] for x, r in zip(a[2], b, strict=True)))


@given(matrices(2, 5))
@settings(max_examples=40, deadline=None)
def test_shares_of_any_scores_add_up(a):
    part = done("softmax(a)", {"a": value(a)})
    assert part.value.numbers.sum(-1) == pytest.approx([1, 1])
    for at in np.ndindex(2, 5):
        assert formula.why(part, at).value == pytest.approx(part.value.numbers[at], rel=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A @ B", "2 × 3 times 2 × 3 does not fit"),
        ("A + order", "do not fit together"),
        ("row(A, 5)", "counted from 1 to 2"),
        ("softmax(n)", "works on rows"),
        ("softmax(mask(A) - A * 0 + log(A * 0 - 0))", "−∞ in all its cells"),
        ("causal(n / 4)", "whole number"),
        ("sinusoid(n, 3)", "even width"),
        ("outer(A, v)", "two rows"),
        ("concat(A, v)", "side by side"),
        ("reorder(A, v)", "each number from 1 to 2 once"),
        ("mask(v)", "needs a matrix"),
        ("identity(4000)", "too large"),
        ("sinusoid(4000, 4000)", "too large"),
        ("outer(lookup(A, order) @ v, v) @ outer(v, v) @ identity(4000)", "too large"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_sentence(text, said):
    with pytest.raises(Misfit, match=said) as caught:
        done(text)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')", "A.shape", "A[0]", "lambda: 1", "A if B else v", "f'{A}'", "'a'", "A @",
        "softmax(A", "eval(A)", "softmax(A, axis=0)", "[A for A in B]", "A == B", "A and B", "True", "1e400",
        "matmul(A)", "(" * 300 + "A", "A" * 600, "", "A; B", "A\n@ B = 1", "{A}", "A := B", "yield A", "1j",
        "not A", "-" * 200 + "A",
    ],
)  # fmt: skip
def test_what_is_no_formula_is_refused_with_a_sentence(text):
    with pytest.raises(Misfit) as caught:
        formula.read(text)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("3", 3),
        (" −0.5 ", -0.5),
        ("1e-3", 1e-3),
        (".5", 0.5),
        ("5.", 5),
        ("-inf", -math.inf),
        ("−∞", -math.inf),
    ],
)
def test_numbers_as_they_are_typed(typed, number):
    assert read_number(typed) == number


@pytest.mark.parametrize(
    "typed", ["", " ", "a", "1e400", "nan", "inf", "1,5", "1 2", "--1", "0x10", "1_000", "٣a", "=1+1"]
)
def test_what_is_no_number_is_a_sentence(typed):
    with pytest.raises(Misfit) as caught:
        read_number(typed)
    assert str(caught.value).endswith(".")


@given(st.text(max_size=50))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_finite_number_or_a_sentence(text):
    try:
        assert math.isfinite(read_number(text)) or read_number(text) == -math.inf
    except Misfit as misfit:
        assert str(misfit).endswith(".")


def test_cells_that_are_typed_are_numbers_or_say_which_is_none():
    assert read_cells([["1", "2"], ["3", " 4 "]]) == [[1, 2], [3, 4]]
    with pytest.raises(Misfit, match="Row 2, column 1: “x”"):
        read_cells([["1", "2"], ["x", "4"]])
    with pytest.raises(Misfit, match="Row 2 has 1 cells"):
        read_cells([["1", "2"], ["3"]])
    with pytest.raises(Misfit, match="too many"):
        read_cells([["1"] * 65])
