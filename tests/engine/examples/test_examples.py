"""Every example gives what numpy gives, each cell can be worked out, and nothing in its file is wrong."""

import numpy as np
import pytest

import engine
from app.mathml import mathml
from app.state import CHOICES
from engine.examples import names, shipped, values_of, why, work_out
from engine.examples.formula import in_numbers, same
from engine.examples.own import to_toml
from engine.load import SHIPPED
from tests.engine.examples.again import AGAIN, given


@pytest.mark.parametrize("name", AGAIN)
def test_every_step_is_what_numpy_gives(name):
    values, again = values_of(shipped(name)), AGAIN[name](given(name))
    assert set(again) == {step.name for step in shipped(name).steps}
    for step, expected in again.items():
        assert values[step].shape == np.shape(expected), step
        np.testing.assert_allclose(values[step].numbers, expected, rtol=1e-12, atol=1e-12, err_msg=step)


@pytest.mark.parametrize("name", names())
def test_every_cell_is_worked_out_to_the_number_shown(name):
    for step, done in work_out(shipped(name)).items():
        assert not done.trouble, step
        for at in np.ndindex(done.part.value.shape):
            worked = why(done.part, at)
            assert worked.value == worked.shown or abs(worked.value - worked.shown) < 1e-12 * max(
                1, abs(worked.shown)
            ), (step, at)


@pytest.mark.parametrize("name", names())
def test_every_formula_can_be_set(name):
    for done in work_out(shipped(name)).values():
        first = (0,) * len(done.part.value.shape)
        worked = why(done.part, first)
        for latex in (done.step.latex, done.part.latex, in_numbers(done.part), worked.symbols, worked.numbers):
            assert latex == "" or "<math" in mathml(latex)


@pytest.mark.parametrize("name", names())
def test_the_walk_that_it_leads_to_is_there(name):
    walk = shipped(name).walk
    assert walk.get("step", "machine") in CHOICES["step"]
    assert "model" not in walk or (SHIPPED / walk["model"]).is_dir()


@pytest.mark.parametrize("name", names())
def test_a_question_has_one_right_answer(name):
    example = shipped(name)
    if example.question:
        values = values_of(example)
        right = [
            each for each in example.question.candidates if same(values[each], values[example.question.equals])
        ]
        assert len(right) == 1


@pytest.mark.parametrize("name", names())
def test_a_saved_example_is_the_same_example(name):
    from engine.examples import read

    again = values_of(read(to_toml(shipped(name))))
    for key, value in values_of(shipped(name)).items():
        np.testing.assert_array_equal(again[key].numbers, value.numbers)
        assert again[key].names == value.names


def test_the_models_weights_are_the_models():
    model = engine.load("bookworm")
    weights = given("layernorm_vectors")
    norm = model.blocks[0].mlp.norm
    assert weights["gamma"].tolist() == norm.weight[:4].tolist()
    assert weights["beta"].tolist() == norm.bias[:4].tolist()
    assert weights["epsilon"] == pytest.approx(
        model.config.norm_eps if hasattr(model.config, "norm_eps") else 1e-5
    )
