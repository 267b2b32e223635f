"""Graphs of modules: gradients against torch's and finite differences, the steps back, the descent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.autodiff import (
    NETWORKS,
    Divide,
    LayerNorm,
    Mean,
    Multiply,
    Root,
    SquaredError,
    Subtract,
    by_torch,
    descend,
    differences,
    measured,
    tape,
    there_and_back,
)
from engine.autodiff.differences import STEP, tolerance
from engine.autodiff.networks import loss


def random_values(name, seed=0):
    """Other numbers in the same shapes; what has to be a distribution is one."""
    rng, network = np.random.default_rng(seed), NETWORKS[name]
    values = {each: rng.normal(size=np.shape(n)) for each, n in network.given.items()}
    return values | ({"y": network.values()["y"]} if "y" in values else {})


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_torchs_and_the_measured_slopes(name, seed):
    network, values = NETWORKS[name], random_values(name, seed)
    done, ours = there_and_back(network, values), by_torch.gradients(network, values)
    fine, coarse = (measured(network, done.values, step=step) for step in (STEP, 2 * STEP))
    assert done.loss == pytest.approx(loss(network, values))
    assert fine.keys() == done.gradients.keys() - {"J"}
    for each in network.given:
        np.testing.assert_allclose(done.gradients[each], ours[each], atol=1e-12)
    for each in fine:
        gap = np.abs(done.gradients[each] - fine[each]).max()
        assert gap <= tolerance(fine[each], coarse[each], done.loss)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_steps_back_add_up_to_the_gradients(name):
    network = NETWORKS[name]
    done = there_and_back(network, network.values())
    assert [step.box for step in done.steps] == list(reversed(network.boxes))
    for each, gradient in done.gradients.items():
        np.testing.assert_array_equal(done.steps[-1].known[each], gradient)
    assert network.boxes[-1].name in done.steps[0].known and len(done.steps[0].known) == 3


@pytest.mark.parametrize("name", NETWORKS)
def test_the_loss_falls_with_every_step_from_where_it_begins(name):
    network = NETWORKS[name]
    values, losses = network.values(), []
    for _ in range(20):
        losses.append(there_and_back(network, values).loss)
        values = descend(network, values, 0.1)
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.95 * losses[0]
    for each in set(network.given) - set(network.learned):
        np.testing.assert_array_equal(values[each], network.values()[each])


def test_layernorm_of_small_modules_is_the_module():
    network = NETWORKS["layernorm"]
    values, whole = random_values("layernorm"), LayerNorm()
    done = there_and_back(network, values)
    b = whole.forward(values["X"], values["gamma"], values["beta"])
    np.testing.assert_allclose(done.values["B"], b)
    for name, gradient in zip(("X", "gamma", "beta"), whole.backward(done.gradients["B"]), strict=True):
        np.testing.assert_allclose(done.gradients[name], gradient, atol=1e-12)


SMALL = {
    "subtract": (Subtract, (3, 4), (3, 4)),
    "subtract, a column": (Subtract, (3, 4), (3, 1)),
    "multiply": (Multiply, (3, 4), (3, 4)),
    "multiply, a row": (Multiply, (3, 4), (4,)),
    "divide, a column": (Divide, (3, 4), (3, 1)),
    "mean": (Mean, (3, 4)),
    "mean, a vector": (Mean, (4,)),
    "root": (Root, (3, 1)),
    "squared error": (SquaredError, (3, 2), (3, 2)),
}


@pytest.mark.parametrize("case", SMALL)
def test_small_modules_go_back_as_finite_differences_say(case):
    make, *shapes = SMALL[case]
    inputs = [np.random.default_rng(i).uniform(0.5, 2, size=shape) for i, shape in enumerate(shapes)]
    module = make()
    gradient = np.random.default_rng(9).normal(size=np.shape(module.forward(*inputs)))
    assert max(differences(module, *inputs, gradient=gradient)) < 1e-8


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(NETWORKS)), st.floats(-1e18, 1e18), st.integers(0, 99))
def test_any_number_gives_gradients_or_a_sentence(name, number, at):
    network = NETWORKS[name]
    values = network.values()
    each = list(values)[at % len(values)]
    values[each].flat[at % values[each].size] = number
    try:
        done = there_and_back(network, values)
    except ValueError as error:
        assert "not finite" in str(error)
    else:
        assert all(np.isfinite(gradient).all() for gradient in done.gradients.values())
    assert not tape.modules


def test_a_step_beside_a_large_number_is_not_rounded_away():
    values = NETWORKS["linear"].values()
    values["x"][0] = 1e14
    assert np.isfinite(
        measured(NETWORKS["linear"], there_and_back(NETWORKS["linear"], values).values)["x"]
    ).all()
