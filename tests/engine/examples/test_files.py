"""Files of one's own: what is wrong is a sentence, links hold changed numbers, a tiny model is an example."""

import copy
import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.examples import Misfit, changes, names, read, shipped, values_of, work_out
from engine.examples.example import from_data
from engine.examples.own import attention, tiny, to_toml
from engine.examples.value import value

GOOD = tomllib.loads(attention())
WRONG = {
    "no TOML": "title = ",
    "unknown key": 'tittle = "x"',
    "a list for a table": "given = [1]",
    "letters for numbers": '[given.x]\nnumbers = ["a"]',
    "uneven rows": "[given.x]\nnumbers = [[1, 2], [3]]",
    "a row and a number": "[given.x]\nnumbers = [[1], 3]",
    "nothing": "[given.x]\nnumbers = []",
    "an empty row": "[given.x]\nnumbers = [[]]",
    "NaN": "[given.x]\nnumbers = [nan]",
    "infinite": "[given.x]\nnumbers = [inf]",
    "1e400": "[given.x]\nnumbers = [1e400]",
    "a truth": "[given.x]\nnumbers = [true]",
    "too many rows": f"[given.x]\nnumbers = {[[1]] * 65}",
    "names that do not fit": '[given.x]\nnumbers = [[1, 2]]\nrows = ["a", "b"]',
    "a name that is none": "[given]\n'x y' = 1",
    "a step without a formula": '[[step]]\nname = "y"',
    "a step of what is not there": '[[step]]\nname = "y"\nformula = "x + 1"',
    "a step twice": 'given.x = 1\n[[step]]\nname = "x"\nformula = "x"',
    "code": "given.x = 1\n[[step]]\nname = \"y\"\nformula = \"__import__('os').system('ls')\"",
    "printed as a number": 'given.x = 1\n[[printed]]\nof = "x"\ncells = 1.5',
    "printed of nothing": '[[printed]]\nof = "x"\ncells = "1"',
    "a question of nothing": '[question]\nask = "?"\ncandidates = ["a"]\nequals = "b"',
    "a symbol with a link": "[given.x]\nnumbers = 1\nlatex = '\\href{javascript:alert(1)}{x}'",
    "a symbol with a tag": "[given.x]\nnumbers = 1\nlatex = '<b>x</b>'",
    "too long": "# " + "x" * 200_000,
    "a topic that is none": 'topic = "cooking"',
    "deep": "a = " + "[" * 5000,
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_in_a_file_is_a_sentence(what):
    with pytest.raises(Misfit) as caught:
        read(WRONG[what])
    assert str(caught.value).endswith((".", "?")) and len(str(caught.value)) < 1200


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from(
        [
            ("given",),
            ("given", "Q"),
            ("given", "Q", "numbers"),
            ("given", "Q", "rows"),
            ("step",),
            ("step", 0),
            ("step", 0, "formula"),
            ("title",),
            ("topic",),
            ("walk",),
            ("question",),
            ("printed",),
        ]
    ),
    JUNK,
)
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_file_it_is_read_or_a_sentence(where, junk):
    data = copy.deepcopy(GOOD)
    inside = data
    for key in where[:-1]:
        inside = inside[key]
    inside[where[-1]] = junk
    try:
        work_out(from_data(data))
    except Misfit as misfit:
        assert str(misfit)


@pytest.mark.parametrize("name", names())
def test_a_link_holds_changed_numbers_and_the_order_of_rows(name):
    example, random = shipped(name), np.random.default_rng(0)
    now = {}
    for one in example.given:
        grid = np.round(random.normal(size=one.value.grid.shape), 3)
        order = random.permutation(len(grid)) + 1 if one.value.numbers.ndim == 2 else None
        now[one.name] = changes.changed(one, grid.tolist(), None if order is None else order.tolist())
    text = changes.write(example, now)
    again, ignored = changes.read(example, text)
    assert ignored == [] and set(again) <= set(now)
    for key, one in again.items():
        np.testing.assert_array_equal(one.numbers, now[key].numbers)
        assert one.names == now[key].names
    assert changes.write(example, again) == text


def test_a_link_says_nothing_where_nothing_was_changed():
    example = shipped("reza_lives")
    assert changes.write(example, {one.name: one.value for one in example.given}) == ""


@given(
    st.text(max_size=60)
    | st.builds(
        lambda a, b, c: f"{a}={b}@{c}",
        st.sampled_from("QKVx"),
        st.text("0123456789,;-.e", max_size=20),
        st.text("0123,", max_size=6),
    )
)
@settings(max_examples=300, deadline=None)
def test_any_text_of_a_link_is_taken_or_a_sentence(text):
    found, ignored = changes.read(shipped("reza_lives"), text)
    assert all(said.endswith(".") for said in ignored)
    work_out(shipped("reza_lives").with_values(found))


def test_rows_and_columns_may_come_and_go():
    example = shipped("reza_lives")
    one = next(each for each in example.given if each.name == "K")
    wide = example.with_values({"K": changes.changed(one, [[1, 1, 1, 1], [0, 3, 0, 1]])})
    done = work_out(wide)
    assert "does not fit" in done["QK"].trouble and "waits for QK" in done["S"].trouble
    more = example.with_values({"K": changes.changed(one, [[1, 1, 1], [0, 3, 0], [2, 0, 0]], [1, 2, 0])})
    assert values_of(more)["QK"].shape == (2, 3) and values_of(more)["QK"].columns == ("reza", "lives", "1")


def test_a_tiny_model_is_attention_with_a_norm():
    found = values_of(read(tiny("the cat saw the dog", width=4, heads=2, seed=3)))
    x = found["X"].numbers
    assert found["X"].rows == ("the 1", "cat", "saw", "the 2", "dog") and (x[0] == x[3]).all()
    heads = []
    for h in (0, 1):
        q, k, v = ((x @ found[f"W_{each}"].numbers)[:, 2 * h : 2 * h + 2] for each in "qkv")
        e = np.exp(q @ k.T / 2**0.5) * np.tri(5)
        heads.append(e / e.sum(1, keepdims=True) @ v)
    r = x + np.hstack(heads) @ found["W_o"].numbers
    y = (r - r.mean(1, keepdims=True)) / np.sqrt(r.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(found["Y"].numbers, y)
    assert tiny("a b", seed=1) == tiny("a b", seed=1) != tiny("a b", seed=2)


@pytest.mark.parametrize(
    "given_",
    [
        dict(sentence=""),
        dict(sentence="a " * 13),
        dict(sentence="a", width=3, heads=2),
        dict(sentence="a", width=0),
    ],
)
def test_sizes_that_do_not_fit_are_a_sentence(given_):
    with pytest.raises(Misfit):
        tiny(**given_)


@pytest.mark.parametrize("sentence", ['he said "no"', "back\\slash", "ünï ☃ 👩‍👩‍👧", "a\x7fb"])
def test_any_words_make_a_file(sentence):
    example = read(tiny(sentence))
    assert read(to_toml(example)).given[0].value.rows == example.given[0].value.rows


def test_masked_attention_on_matrices_of_ones_own():
    a = values_of(read(attention(causal=True)))["A"].numbers
    assert a[0].tolist() == [1, 0, 0] and a.sum(1) == pytest.approx([1, 1, 1])
    assert value([[1.0]]).names == (("1",), ("1",))


@pytest.mark.parametrize("name", names())
def test_what_is_saved_can_be_opened(name):
    example = shipped(name)
    again = read(to_toml(example))
    assert [step.formula.text for step in again.steps] == [step.formula.text for step in example.steps]
    assert to_toml(again) == to_toml(read(to_toml(again)))
    for key, one in values_of(example).items():
        np.testing.assert_allclose(values_of(again)[key].numbers, one.numbers, rtol=1e-9)


def test_a_formula_is_saved_as_it_was_written():
    formula = "+".join(["sinusoid(200,100)"] * 27)
    assert 480 < len(formula) <= 500
    file = f'given.x = 1\n[[step]]\nname = "y"\nformula = "{formula}"\n'
    assert formula in to_toml(read(file))
    read(to_toml(read(file)))


def test_an_empty_file_is_no_example():
    with pytest.raises(Misfit, match="empty"):
        read(" \n")
