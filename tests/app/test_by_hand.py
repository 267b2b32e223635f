"""The page By hand: every step follows what is changed, what is wrong is said and kept, links hold it."""

import json
import math

import numpy as np
import pytest

from app.state import HANDS
from app.text import say
from app.views.by_hand import grids
from engine.examples import all_rows, names, shipped, values_of
from engine.examples.exam import KINDS, exam
from engine.examples.example import LARGEST_FILE
from engine.examples.own import attention
from tests.app.visit import MAIN, curves, fire, keys, model, notices, numbers, parts, texts, view, visit


def page(**link):
    at = visit(**link)
    at.switch_page(str(MAIN.parent / "views" / "by_hand" / "page.py")).run()
    assert not at.exception
    return at


def grid(at, key: str) -> dict:
    found = [part["data"] for part in parts(at) if part["key"] == key and part["kind"] == "grid"]
    assert len(found) == 1, f"{key}: {keys(at)}"
    return found[0]


def shown(at, key: str) -> np.ndarray:
    """The numbers of a result, in full."""
    full = grid(at, key)["full"]
    clean = str.maketrans({"−": "-", "\u2009": None, "∞": "inf"})
    return np.array([[float(x.translate(clean)) for x in row] for row in full])


def typed(rows) -> str:
    return "\n".join("\t".join(map(str, row)) for row in rows)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("name", names())
def test_every_example_is_shown_with_its_numbers(name):
    at = page(example=name)
    for step, value in values_of(shipped(name)).items():
        key = f"step-{step}"
        if key in keys(at) and not shipped(name).question:
            np.testing.assert_allclose(shown(at, key), value.grid, rtol=1e-9)


@pytest.mark.parametrize("part", HANDS)
def test_every_part_is_drawn(part):
    at = page(hand=part)
    assert say("by_hand", f"{part}/lead")[:40] in " ".join(texts(at)) and notices(at) == []


def test_what_is_typed_is_followed_by_every_step():
    at = page(example="reza_lives")
    q = np.array([[2.0, 1, 0], [0.5, -1, 3]])
    fire(at, "given-Q", change=[[1, 2], typed(q)])
    values = {name: value.numbers for name, value in values_of(shipped("reza_lives")).items()}
    z = softmax(q @ values["K"].T / math.sqrt(3)) @ values["V"]
    np.testing.assert_allclose(shown(at, "step-Z"), z, rtol=1e-9)
    assert view(at).given == "Q=2,1,0;0.5,-1,3"
    again = page(example="reza_lives", given=view(at).given)
    np.testing.assert_allclose(shown(again, "step-Z"), z, rtol=1e-9)
    fire(at, "acts", reset=True)
    assert view(at).given == "" and grid(at, "given-Q")["cells"] == [["1", "0", "2"], ["0", "2", "1"]]


def test_rows_change_places_with_their_names():
    at = page(example="self_attention")
    before = shown(at, "step-Y")
    rows = grid(at, "given-X")["cells"]
    fire(at, "given-X", change=[[3, 1, 2], typed([rows[2], rows[0], rows[1]])])
    assert list(grid(at, "given-X")["rows"]) == ["sat", "the", "cat"]
    np.testing.assert_allclose(shown(at, "step-Y"), before[[2, 0, 1]], rtol=1e-9)
    assert view(at).given.endswith("@3,1,2")


def test_what_does_not_fit_any_more_is_said_and_can_be_taken_back():
    at = page(example="reza_lives")
    fire(at, "given-K", change=[[1, 2], typed([[1, 1, 1, 0], [0, 3, 0, 0]])])
    said = " ".join(map(str, notices(at)))
    assert (
        "does not fit" in said
        and "It waits for" in said
        and "step-Z" not in [part["key"] for part in parts(at) if part["kind"] == "grid"]
    )
    fire(at, "given-K", change=[[1, 2], typed([[1, 1, 1], [0, 3, 0]])])
    assert notices(at) == [] and view(at).given == ""


@pytest.mark.parametrize("wrong", ["x", "", "1e400", "nan", "1,5", "9" * 50, "=1+1", "<b>1</b>"])
def test_what_is_no_number_is_said_and_kept(wrong):
    at = page(example="layernorm")
    before = shown(at, "step-y")
    fire(at, "given-x", change=[[1], typed([["100", wrong, "100", "0"]])])
    one = grid(at, "given-x")
    assert one["cells"] == [["100", wrong, "100", "0"]] and one["bad"] == [[0, 1]]
    assert one["trouble"].startswith("Row 1, column 2: ") and one["trouble"].endswith(".")
    np.testing.assert_array_equal(shown(at, "step-y"), before)
    fire(at, "given-x", change=[[1], typed([["100", "4", "100", "0"]])])
    assert grid(at, "given-x")["trouble"] == "" and shown(at, "step-mu") == 51


SIX = "1\t2\t3\n4\t5\t6"
HOSTILE = [
    [[1, 2], ""],
    [[], SIX],
    [[2, 2], SIX],
    [[9, 1], SIX],
    [[1], "\n"],
    "x",
    None,
    [1, 2],
    [[1.5], "1"],
    [[True], "1"],
    [[1, 2], "1\n2\t3"],
    [[1] * 99, "1"],
    [[1, 2], SIX.replace("4", "\ud800")],
    [[1], "1\t" * 99],
    [[1, -1], "1\n1"],
]


def test_whatever_the_browser_sends_the_page_is_there():
    at = page(example="reza_lives")
    for sent in HOSTILE:
        fire(at, "given-Q", change=sent)
        assert not at.exception and grid(at, "given-K")["cells"], sent
    assert view(at).given.count("=") <= 1


def test_a_cell_is_worked_out_and_stands_in_the_link():
    at = page(example="john_kicked_the")
    fire(at, "step-A", pick=[2, 1])
    assert view(at).cell == "A.3.2"
    (box,) = next(part for part in parts(at) if part["key"] == "arithmetic-A")["data"]["boxes"]
    assert (
        box["cell"] == "A[kicked, John]" and box["value"] == box["shown"] == "0.268876"[:8].rstrip("0")
    ) or box["value"].startswith("0.26887")
    assert box["terms"][0][0] == "e^(5 − 5) for kicked"
    fire(at, "step-A", pick=[2, 1])
    assert view(at).cell == "" and "arithmetic-A" not in keys(at)


def test_what_does_not_follow_is_told_with_what_it_should_be():
    at = page(example="john_kicked_the")
    told = grid(at, "step-A")["after"]
    assert "13 do not follow" in told[0] and "kicked, John: it prints .356; it should be .269." in told
    assert grid(at, "step-A")["printed"]["1,1"]["ok"] and not grid(at, "step-A")["printed"]["2,1"]["ok"]
    assert "agree" in grid(at, "step-masked")["after"][0]
    fire(at, "given-S", change=[[1, 2, 3, 4], typed([[1, 0, 0, 0]] * 4)])
    assert grid(at, "step-A")["printed"] == {} and grid(at, "step-A")["after"] == []


def test_all_that_differ_are_listed_with_their_place():
    at = page(hand="printed")
    told = " ".join(texts(at))
    for row in all_rows(["john_kicked_the"]):
        if not row.agrees:
            assert f"A, row {row.row}, column {row.column}" in told.replace("\\", "")
    assert "agrees" not in told and "✗ .269" in told.replace("\\", "")
    before = len(told)
    fire(at, "control-everything", change=True)
    assert "✓" in " ".join(texts(at)) and len(" ".join(texts(at))) > before


def test_a_result_is_predicted_then_revealed():
    at = page(example="reza_lives", predict=1)
    head = grid(at, "step-QK")
    assert (
        head["mode"] == "guess"
        and head["cells"] == [["", ""], ["", ""]]
        and "full" not in json.dumps(head["full"])
    )
    assert grid(at, "step-S")["numbers"] == ""  # they would tell the step before
    fire(at, "step-QK", change=[[1, 2], "3\t1\nx\t"])
    assert grid(at, "step-QK")["verdicts"] == {"0,0": True, "0,1": False, "1,0": False}
    assert grid(at, "step-QK")["cells"] == [["3", "1"], ["x", ""]]
    fire(at, "step-QK", reveal=True)
    assert grid(at, "step-QK")["mode"] == "result" and shown(at, "step-QK").tolist() == [[3, 0], [3, 6]]
    assert grid(at, "step-S")["mode"] == "guess" and grid(at, "step-S")["numbers"] != ""


def test_the_question_has_one_right_answer_and_then_the_steps_come():
    at = page(example="causal_mask")
    assert "step-M" not in keys(at)
    fire(at, "candidate-A", answer=True)
    assert "A is not the one" in str(notices(at, "info")) and "step-M" in keys(at)
    fire(at, "candidate-C", answer=True)
    assert "C is right" in str(notices(at, "info"))


def test_the_same_on_a_real_model_opens_the_walk():
    at = page(example="reza_lives")
    fire(at, "button-same", change=True)
    assert view(at).step == "heads" and "Reza" in view(at).prompt


def test_an_example_of_ones_own_is_made_changed_saved_and_opened():
    at = page(hand="own")
    fire(at, "button-causal", change=True)
    fire(at, "given-V", change=[[1, 2, 3], typed([[5, 0], [0, 5], [1, 1]])])
    assert shown(at, "step-Z")[0].tolist() == [5, 0]
    file = next(part for part in parts(at) if part["key"] == "acts")["data"]["text"]
    other = page(hand="own")
    fire(other, "file", open=file)
    np.testing.assert_array_equal(shown(other, "step-Z"), shown(at, "step-Z"))
    fire(other, "file", open="given = 7")
    assert "cannot be read" in str(notices(other)) and shown(other, "step-Z")[0].tolist() == [5, 0]


@pytest.mark.parametrize(("file", "said"), [("", "empty"), ("title = 'x'", "no [[step]]"), ("x" * 200, "TOML")])
def test_a_file_that_is_no_example_is_a_sentence(file, said):
    at = page(hand="own")
    fire(at, "file", open=file)
    assert said in str(notices(at)).replace("\\", "")


def test_a_tiny_model_is_made_of_a_sentence():
    at = page(hand="own")
    fire(at, "control-sentence", change="dogs chase cats")
    fire(at, "control-own-heads", change=2)
    fire(at, "button-tiny", change=True)
    assert shown(at, "step-A2").shape == (3, 3) and list(grid(at, "given-X")["rows"]) == [
        "dogs",
        "chase",
        "cats",
    ]
    fire(at, "control-own-heads", change=3)
    fire(at, "button-tiny", change=True)
    assert "do not fit 3 heads" in str(notices(at)) and shown(at, "step-A2").shape == (3, 3)


def test_a_file_in_a_link_that_is_none_is_a_sentence():
    assert "cannot be read" in str(notices(page(hand="own", own="x = [")))
    assert notices(page(hand="own", own=attention())) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_sheet_is_checked_and_solved(kind):
    at = page(hand="exam", exercise=kind, exercises=2, seed=5)
    one = exam(5, kind, 2)[1]
    answers = [x if isinstance(x, str) else f"{x:.6f}" if x != int(x) else str(int(x)) for x in one.answers]
    fire(at, "answer-1", change=[[1], "\t".join(answers)])
    assert set(grid(at, "answer-1")["verdicts"].values()) == {True}
    fire(at, "answer-1", change=[[1], "\t".join(["7777"] * len(answers))])
    assert set(grid(at, "answer-1")["verdicts"].values()) == {False}
    assert "Solution" not in " ".join(texts(at))
    fire(at, "control-solved", change=True)
    assert " ".join(texts(at)).count("Solution") == 2


@pytest.mark.parametrize(
    "link",
    [
        dict(example="nothing"),
        dict(example="reza_lives", given="Q=x!Z=1"),
        dict(cell="Z.9.9"),
        dict(cell="a.b"),
        dict(example="../x"),
        dict(given="Q=" + "1,2;" * 3000),
    ],
)
def test_a_link_to_what_is_not_there_opens_the_page(link):
    at = page(**link)
    assert "given-Q" in keys(at)
    assert ("cell" in link) or notices(at)


def test_a_models_own_scores_are_measured_with_and_without_the_division():
    at = page(hand="divide", layer=1)
    told = " ".join(texts(at))
    dots = numbers("blocks.1.attn.dots").astype(float)
    seen = np.tri(dots.shape[-1], dtype=bool)
    for scores in (dots, dots / math.sqrt(model().config.head_width)):
        mine = [head[i, : i + 1] for head in scores for i in range(1, len(seen))]
        shares = [softmax(row) for row in mine]
        largest = np.mean([row.max() for row in shares])
        bits = np.mean([-(row * np.log2(row)).sum() for row in shares])
        for value in (np.var(np.concatenate(mine)), largest, bits):
            assert f"{value:.4g}" in told


@pytest.mark.parametrize("layout", ["sinusoid", "sinusoid_halves", "sinusoid_t2t"])
def test_waves_are_those_of_their_layout(layout):
    at = page(hand="waves", layout=layout, wide=7, positions=30)
    curves_shown = curves(at, "plot-waves")
    t, d = np.arange(30), 6
    rates = 10000.0 ** -(np.arange(3) / 2 if layout == "sinusoid_t2t" else 2 * np.arange(3) / d)
    sines, cosines = np.sin(np.outer(t, rates)), np.cos(np.outer(t, rates))
    table = (
        np.hstack([sines, cosines]) if layout != "sinusoid" else np.stack([sines, cosines], 2).reshape(30, 6)
    )
    for i in range(6):
        assert curves_shown[f"entry {i}"][1] == pytest.approx(table[:, i])


@pytest.mark.parametrize(
    "link",
    [
        dict(example="swap_poll", given="order=-inf,3,2,4"),
        dict(example="permutation", given="order=-inf,1,2"),
        dict(example="positions", given="t=-inf,1,2"),
        dict(example="positions", given="t=1e18,1,2"),
        dict(example="layernorm", given="x=-inf,200,100,0"),
        dict(example="layernorm", given="epsilon=-1000000000"),
        dict(example="facts_memory", given="gpu=0"),
    ],
)
def test_a_number_that_leads_nowhere_is_said_at_its_step(link):
    at = page(**link)
    name, _, numbers = link["given"].partition("=")
    first = grid(at, f"given-{name}")["cells"][0][0]
    assert float(first.replace("−", "-").replace("∞", "inf")) == float(numbers.split(",")[0])
    said = [str(notice) for notice in notices(at)]
    assert said or "e18" in numbers
    assert not any("nan" in part["data"].get("numbers", "") for part in parts(at) if part["kind"] == "grid")


@pytest.mark.parametrize("cell", ["Z.².1", "Z.٣.1", "Z." + "9" * 5000 + ".1", "Z.-1.1", "Z.1", "Z.1.1.1"])
def test_a_cell_that_there_is_not_is_none(cell):
    assert "arithmetic-Z" not in keys(page(example="reza_lives", cell=cell))


BROKEN = {
    "too large": "# " + "x" * LARGEST_FILE,
    "empty": "",
    "blank": " \n",
    "printed is no number": 'given.x = 1\n[[printed]]\nof = "x"\ncells = "abc"',
    "printed where there is no cell": 'given.x = 1\n[[printed]]\nof = "x"\nrow = 9\ncells = "1"',
    "printed of what cannot be computed": 'given.x = 1\n[[step]]\nname = "y"\nformula = "row(x, 1)"\n'
    '[[printed]]\nof = "y"\ncells = "1"',
    "a list for a name": 'given.x = 1\n[question]\ncandidates = [["x"]]\nequals = "x"',
    "long keys": ".".join(["a"] * 20_000) + " = 1",
    "bytes": "\ufffd\ufffd\x00\x01",
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_cannot_be_opened_leaves_what_is_shown(what):
    at = page(hand="own", own=attention())
    fire(at, "file", open=BROKEN[what][: LARGEST_FILE + 1])
    said = "cannot be read" if BROKEN[what].strip() else "This file is empty"
    assert said in str(notices(at)) and "\\" not in str(notices(at)).replace("\\\\", "")
    assert view(at).own == attention() and "step-Z" in keys(at)
    if BROKEN[what].strip() and len(BROKEN[what]) < 5000:
        assert "cannot be read" in str(notices(page(hand="own", own=BROKEN[what])))


def test_a_heavy_file_in_a_link_is_shown_as_far_as_it_goes():
    many = "+".join(["sinusoid(200,100)"] * 26)
    file = "given.x = 1\n" + "".join(f'[[step]]\nname = "s{i}"\nformula = "{many}"\n' for i in range(7))
    assert "the most of an example" in str(notices(page(hand="own", own=file)))


@pytest.mark.parametrize("name", names())
def test_no_step_says_that_something_is_itself(name):
    for step in shipped(name).steps:
        left, _, right = grids.equation(step).partition(" = ")
        assert "".join(c for c in left if c not in "{} ") != "".join(c for c in right if c not in "{} ")


def test_topics_and_examples_unfold():
    at = page(example="layernorm")
    for key in ("control-topic", "control-example"):
        assert next(part for part in parts(at) if part["key"] == key)["data"]["type"] == "select"
    fire(at, "control-topic", change="masks")
    assert shipped(view(at).example).topic == "masks"


def test_why_what_was_predicted_is_no_number():
    at = page(example="reza_lives", predict=1)
    fire(at, "step-QK", change=[[1, 2], "2,5\t\n\t"])
    assert "decimal point" in " ".join(grid(at, "step-QK")["after"])
