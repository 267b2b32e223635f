"""Every module's backward against torch's and against finite differences; the errors; no torch needed."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from engine.autodiff import (
    Add,
    CrossEntropy,
    LayerNorm,
    Linear,
    Mask,
    MatMul,
    Scale,
    Sigmoid,
    Softmax,
    Value,
    differences,
    tape,
    tape_bwd,
)

ONE_HOT, SHARES = np.eye(4)[[1, 3]], np.full((2, 4), 0.25) + [[-0.1, 0.1, 0.05, -0.05]] * 2

CASES = {
    "linear, a vector": (Linear, [(3,), (4, 3)], lambda a, w: w @ a),
    "linear, rows": (Linear, [(5, 3), (4, 3)], torch.nn.functional.linear),
    "sigmoid": (Sigmoid, [(5,)], torch.sigmoid),
    "softmax, a vector": (Softmax, [(5,)], lambda a: a.softmax(-1)),
    "softmax, rows": (Softmax, [(3, 5)], lambda a: a.softmax(-1)),
    "add, a bias": (Add, [(4, 3), (3,)], torch.add),
    "add": (Add, [(4, 3), (4, 3)], torch.add),
    "scale": (lambda: Scale(3**-0.5), [(4, 3)], lambda a: a * 3**-0.5),
    "matmul": (MatMul, [(4, 3), (3, 2)], torch.matmul),
    "matmul, transposed": (lambda: MatMul(transposed=True), [(4, 3), (2, 3)], lambda a, c: a @ c.T),
    "layer norm": (LayerNorm, [(4, 3), (3,), (3,)], lambda a, g, b: torch.layer_norm(a, (3,), g, b)),
    "mask, softmax": (lambda: _Masked(), [(4, 4)], lambda a: _causal(a).softmax(-1)),
}


class _Masked:
    """A mask is followed by a softmax: infinities have no finite difference of their own."""

    def __init__(self):
        self.mask, self.softmax = Mask(), Softmax()

    def forward(self, a):
        return self.softmax.forward(self.mask.forward(a))

    def backward(self, gradient):
        return self.mask.backward(*self.softmax.backward(gradient))


def _causal(a):
    return a.masked_fill(torch.ones_like(a).triu(1).bool(), -torch.inf)


@pytest.fixture(params=CASES)
def case(request):
    make, shapes, reference = CASES[request.param]
    rng = np.random.default_rng(7)
    return make(), [rng.normal(size=shape) for shape in shapes], reference, rng


def test_forward_and_backward_are_torchs(case):
    module, inputs, reference, rng = case
    leaves = [torch.tensor(a, requires_grad=True) for a in inputs]
    expected = reference(*leaves)
    gradient = rng.normal(size=tuple(expected.shape))
    expected.backward(torch.tensor(gradient))

    np.testing.assert_allclose(module.forward(*inputs), expected.detach(), atol=1e-12)
    for told, leaf in zip(module.backward(gradient), leaves, strict=True):
        np.testing.assert_allclose(told, leaf.grad, atol=1e-12)


def test_backward_is_the_slope_that_finite_differences_measure(case):
    module, inputs, _, rng = case
    gradient = rng.normal(size=np.shape(module.forward(*inputs)))
    assert max(differences(module, *inputs, gradient=gradient)) < 1e-8


@pytest.mark.parametrize("rows", [0, slice(None)])
def test_cross_entropy(rows):
    gold, predicted = ONE_HOT[rows], SHARES[rows]
    leaf = torch.tensor(predicted, requires_grad=True)
    expected = -(torch.tensor(gold) * leaf.log()).sum(-1)
    expected.sum().backward()
    module = CrossEntropy()
    np.testing.assert_allclose(module.forward(gold, predicted), expected.detach())
    np.testing.assert_allclose(module.backward(np.ones(expected.shape))[1], leaf.grad)
    np.testing.assert_allclose(module.backward(np.ones(expected.shape))[0], -np.log(predicted))


def test_cross_entropy_of_a_certain_answer_is_zero_and_of_an_impossible_one_infinite():
    assert CrossEntropy().forward([0, 1], [0, 1]) == 0
    assert CrossEntropy().forward([1, 0], [0, 1]) == np.inf


def test_softmax_and_sigmoid_bear_large_numbers():
    np.testing.assert_array_equal(Softmax().forward([1e4, 0]), [1, 0])
    np.testing.assert_array_equal(Sigmoid().forward([1e4, -1e4]), [1, 0])


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (Linear(), ([1.0, 2.0], [[1.0, 2.0, 3.0]])),
        (Linear(), ([1.0, 2.0], [1.0, 2.0])),
        (CrossEntropy(), ([1.0, 0.0], [1.0, 0.0, 0.0])),
        (MatMul(), ([[1.0, 2.0]], [[1.0, 2.0]])),
        (Mask(), ([[1.0, 2.0]],)),
        (LayerNorm(), ([[1.0, 2.0]], [1.0], [0.0])),
        (Sigmoid(), ()),
    ],
)
def test_shapes_that_do_not_fit_are_told(module, inputs):
    with pytest.raises(ValueError, match=r"takes .*; it was given"):
        module.forward(*inputs)


def test_there_is_no_gradient_before_the_forward_pass():
    with pytest.raises(RuntimeError, match="no gradient yet"):
        Sigmoid().backward([1.0])
    assert Value([1.0]).out_gradient is None


def test_a_gradient_of_another_shape_is_told():
    module = Sigmoid()
    module.forward([1.0, 2.0])
    with pytest.raises(ValueError, match=r"\[2\].*\[3\]"):
        module.backward([1.0, 2.0, 3.0])


def test_it_runs_without_torch():
    code = """
import sys
sys.modules["torch"] = None
from engine.autodiff import Linear, tape
import engine
print(Linear().forward([1, 2], [[3, 4]]))
try:
    engine.run
except AttributeError as error:
    print(error)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.startswith("[11.]")
    assert "needs torch" in out


def _network(x, y, alpha, beta):
    a = Linear().apply_fwd(x, alpha)
    z = Sigmoid().apply_fwd(a)
    b = Linear().apply_fwd(z, beta)
    return CrossEntropy().apply_fwd(y, Softmax().apply_fwd(b))


@pytest.fixture
def values():
    rng = np.random.default_rng(3)
    numbers = rng.normal(size=3), [0.0, 1.0], rng.normal(size=(4, 3)), rng.normal(size=(2, 4))
    return [Value(n) for n in numbers]


def _by_torch(values):
    x, y, alpha, beta = (torch.tensor(v.out_tensor, requires_grad=True) for v in values)
    J = -(y * (beta @ torch.sigmoid(alpha @ x)).softmax(-1).log()).sum()
    J.backward()
    return J, [v.grad for v in (x, y, alpha, beta)]


def test_the_tape_gives_torchs_gradients(values):
    loss = _network(*values)
    tape_bwd()
    J, gradients = _by_torch(values)
    assert float(loss.out_tensor) == pytest.approx(J.item())
    for value, expected in zip(values, gradients, strict=True):
        np.testing.assert_allclose(value.out_gradient, expected, atol=1e-12)
    assert not tape.modules


def test_gradients_add_up_until_they_are_zeroed(values):
    alpha = values[2]
    _network(*values)
    tape_bwd()
    once = alpha.out_gradient
    _network(*values)
    tape_bwd()
    np.testing.assert_allclose(alpha.out_gradient, 2 * once)
    alpha.zero_grad()
    assert alpha.out_gradient is None


def test_what_is_used_twice_gets_both_gradients():
    x = Value([1.0, -2.0])
    half = Scale(0.5).apply_fwd(x)
    both = Add().apply_fwd(half, x)
    CrossEntropy().apply_fwd(Value([0.0, 1.0]), Softmax().apply_fwd(both))
    tape_bwd()
    leaf = torch.tensor([1.0, -2.0], requires_grad=True)
    torch.nn.functional.cross_entropy(1.5 * leaf, torch.tensor(1)).backward()
    np.testing.assert_allclose(x.out_gradient, leaf.grad, atol=1e-6)


def test_the_tape_says_what_is_wrong(values):
    with pytest.raises(RuntimeError, match="empty"):
        tape_bwd()
    sigmoid = Sigmoid().apply_fwd(values[0])
    try:
        with pytest.raises(RuntimeError, match="on the tape already"):
            sigmoid.apply_fwd(values[0])
        with pytest.raises(ValueError, match="one number"):
            tape_bwd()
    finally:
        tape.modules.clear()
