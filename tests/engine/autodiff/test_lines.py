"""Lines with their values: those of a real run, each when it is done; the same network three ways."""

import sys

import numpy as np
import torch

from engine.autodiff import (
    NETWORKS,
    Listing,
    Value,
    by_torch,
    line_by_line,
    nn_backward,
    nn_forward,
    planted,
    there_and_back,
)
from engine.autodiff.tape import Applied, tape, tape_bwd
from engine.autodiff.taped import NeuralNetwork

NETWORK = NETWORKS["network"]
GIVEN = NETWORK.values()
RIGHT = there_and_back(NETWORK, GIVEN)


def test_values_are_those_after_the_line():
    def twice(x):
        y = x + 1
        y = y * 10
        return y

    before = sys.gettrace()
    ran = line_by_line(lambda: twice(2), [Listing(twice)])
    assert [(one.line, one.values.get("y")) for one in ran] == [(1, 3), (2, 30), (3, 30)]
    assert sys.gettrace() is before and Listing(twice).lines[1].strip() == "y = x + 1"


def test_the_procedure_line_by_line():
    x, y, alpha, beta = (GIVEN[name] for name in ("x", "y", "alpha", "beta"))
    code = [Listing(nn_forward), Listing(nn_backward)]
    ran = line_by_line(lambda: nn_backward(alpha, beta, nn_forward(x, y, alpha, beta)), code)
    last = ran[-1].values
    for name in ("y_hat", "b", "beta", "z", "a", "alpha"):
        np.testing.assert_allclose(last[f"g_{name}"], RIGHT.gradients[name])
    assert "g_alpha" not in ran[-3].values


def test_a_planted_bug_runs_and_its_lines_have_their_own_source():
    function, source = planted("sigmoid")
    o = nn_forward(*(GIVEN[name] for name in ("x", "y", "alpha", "beta")))
    ran = line_by_line(lambda: function(GIVEN["alpha"], GIVEN["beta"], o), [Listing(function, source)])
    lines = Listing(function, source).lines
    (spoiled,) = [one for one in ran if lines[one.line].strip() == "g_a = g_z * o.z"]
    np.testing.assert_allclose(spoiled.values["g_a"], RIGHT.gradients["z"] * RIGHT.values["z"])


def test_the_tape_line_by_line():
    values = [Value(GIVEN[name]) for name in ("x", "y", "alpha", "beta")]
    net, told = NeuralNetwork(), []

    def run():
        net.forward(*values)
        told.extend(net.backward())

    code = [Listing(f) for f in (NeuralNetwork.forward, Applied.apply_fwd, NeuralNetwork.backward)]
    ran = line_by_line(run, [*code, Listing(tape_bwd), Listing(Applied.apply_bwd)])
    np.testing.assert_allclose(told[0], RIGHT.gradients["alpha"])
    np.testing.assert_allclose(told[1], RIGHT.gradients["beta"])
    first = next(one for one in ran if one.function == "NeuralNetwork.forward" and "a" in one.values)
    np.testing.assert_allclose(first.values["a"]["out_tensor"], RIGHT.values["a"])
    assert first.values["a"]["out_gradient"] is None and not tape.modules


def _model():
    model = by_torch.NeuralNetwork(3, 2, 2)
    with torch.no_grad():
        model.linear1.weight.copy_(torch.tensor(GIVEN["alpha"]))
        model.linear2.weight.copy_(torch.tensor(GIVEN["beta"]))
    return model


def test_torch_line_by_line_has_no_gradient_before_backward_and_none_after_zero_grad():
    model = _model()
    x, y = (torch.tensor(GIVEN[name]) for name in "xy")
    listing = Listing(by_torch.steps_of_sgd)
    ran = line_by_line(lambda: by_torch.steps_of_sgd(model, x, y, 0.5), [listing])

    def states(text):
        return [one.values["model"]["linear1.weight"] for one in ran if text in listing.lines[one.line]]

    assert [one["grad"] is None for one in states("model(x)")] == [True, False]
    assert [one["grad"] is None for one in states("zero_grad")] == [True, True]
    np.testing.assert_allclose(states("backward()")[0]["grad"], RIGHT.gradients["alpha"])
    before, after = states("backward()")[0], states(".step()")[0]
    np.testing.assert_allclose(after["numbers"], before["numbers"] - 0.5 * before["grad"])


def test_parameters_are_registered_as_they_are_set_and_a_plain_tensor_is_not():
    listing = Listing(by_torch.NeuralNetwork.__init__)
    ran = line_by_line(lambda: by_torch.NeuralNetwork(3, 2, 2), [listing])
    names = [list(one.values["self"]) for one in ran]
    assert names == [[], ["linear1.weight"], ["linear1.weight"], *[["linear1.weight", "linear2.weight"]] * 2]


def test_only_a_call_of_the_module_calls_its_hooks():
    listing = Listing(by_torch.called_and_forwarded)
    x = torch.tensor(GIVEN["x"])
    ran = line_by_line(lambda: by_torch.called_and_forwarded(_model().linear1, x), [listing])
    counts = [len(one.values["calls"]) for one in ran if "by_call" in one.values]
    assert counts == [1, 1, 1]
    np.testing.assert_array_equal(ran[-1].values["by_call"], ran[-1].values["by_forward"])
