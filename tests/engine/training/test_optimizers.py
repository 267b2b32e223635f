"""Our optimizers are torch's, and so is a step by hand; deliberate faults stand in tests/engine/faults.txt."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.training.landscape import TORCH
from engine.training.optimizers import OPTIMIZERS, Settings, clip, cosine, inverse_root
from engine.worked.optimizers import work_clip, work_step

DICE = np.random.default_rng(0)
GRADIENTS = DICE.standard_normal((40, 3))
START = DICE.standard_normal(3)


def ours(step, gradients, s: Settings, start=START) -> np.ndarray:
    weight, memory = start.copy(), {}
    for g in gradients:
        weight, memory = step(weight, g, memory, s)
    return weight


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    "s", [Settings(), Settings(0.3, 0.5, 0.9, 1e-3, 0.2), Settings(0.0), Settings(1.0, 0.0, 0.0)]
)
def test_the_weights_after_many_steps_are_those_of_torch(name, s):
    theirs = torch.tensor(START, requires_grad=True)
    optimizer = TORCH[name]([theirs], s)
    for g in GRADIENTS:
        theirs.grad = torch.tensor(g)
        optimizer.step()
    np.testing.assert_allclose(ours(OPTIMIZERS[name], GRADIENTS, s), theirs.detach(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_tensor_and_a_number_are_the_same_as_an_array(name):
    s = Settings(0.1)
    whole = ours(OPTIMIZERS[name], GRADIENTS, s)
    weight, memory = torch.tensor(START), {}
    for g in torch.tensor(GRADIENTS):
        weight, memory = OPTIMIZERS[name](weight, g, memory, s)
    np.testing.assert_allclose(weight, whole, rtol=1e-12)
    one, memory = float(START[1]), {}
    for g in GRADIENTS[:, 1]:
        one, memory = OPTIMIZERS[name](one, float(g), memory, s)
    assert one == pytest.approx(whole[1], rel=1e-12)


def by_hand(name: str, weights: list[float], gradients: np.ndarray, s: Settings) -> float:
    decay = s.decay if name == "adamw" else 0.0
    return work_step(name, weights[-2], gradients, s.rate, s.beta1, s.beta2, s.eps, decay).value


def way(step, gradients, s: Settings) -> list[float]:
    weights, memory = [1.3], {}
    for g in gradients:
        after, memory = step(weights[-1], float(g), memory, s)
        weights.append(after)
    return weights


@given(
    st.sampled_from(list(OPTIMIZERS)),
    st.lists(st.floats(-1e3, 1e3).filter(lambda g: g == 0 or abs(g) > 1e-6), min_size=1, max_size=12),
    st.floats(0, 10),
    st.floats(0, 0.99),
    st.floats(0, 0.9999),
)
def test_a_step_by_hand_is_the_optimizers(name, gradients, rate, beta1, beta2):
    s = Settings(rate, beta1, beta2)
    weights = way(OPTIMIZERS[name], gradients, s)
    assert by_hand(name, weights, gradients, s) == pytest.approx(weights[-1], rel=1e-6, abs=1e-9 * (1 + rate))


@pytest.mark.parametrize("most", [1e-9, 0.1, 1.0, 100.0])
def test_clipping_is_torchs_and_that_by_hand(most):
    parts = [GRADIENTS[0], GRADIENTS[1]]
    theirs = [torch.zeros(3, dtype=torch.double, requires_grad=True) for _ in parts]
    for p, g in zip(theirs, parts, strict=True):
        p.grad = torch.tensor(g)
    norm = torch.nn.utils.clip_grad_norm_(theirs, most)
    clipped, own = clip(parts, most)
    assert own == pytest.approx(float(norm), rel=1e-12)
    np.testing.assert_allclose(clipped, [p.grad for p in theirs], rtol=1e-9)
    again, by_hand = work_clip(np.concatenate(parts), most)
    assert again == pytest.approx(own) and np.concatenate(clipped) == pytest.approx(by_hand, rel=1e-12)


def test_the_cosine_is_that_of_torch_after_a_warm_up():
    steps, warm_up, lowest = 50, 10, 0.1
    p = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], 1.0)
    rising = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: (t + 1) / warm_up)
    theirs = []
    for _ in range(warm_up):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        rising.step()
    falling = torch.optim.SGD([p], 1.0)
    cosines = torch.optim.lr_scheduler.CosineAnnealingLR(falling, steps - warm_up, eta_min=lowest)
    for _ in range(steps - warm_up):
        theirs.append(falling.param_groups[0]["lr"])
        falling.step()
        cosines.step()
    assert [cosine(t, steps, warm_up, lowest) for t in range(steps)] == pytest.approx(theirs, rel=1e-6)
    assert cosine(steps, steps, warm_up, lowest) == pytest.approx(lowest)


@given(st.integers(0, 10_000), st.integers(1, 5_000), st.integers(0, 6_000))
def test_the_cosine_is_a_share(step, steps, warm_up):
    assert 0 < cosine(step, steps, warm_up) <= 1


def test_the_rate_of_2017_is_highest_at_the_end_of_the_warm_up():
    rates = [inverse_root(step, 4000, 512) for step in range(0, 20_000, 1)]
    assert int(np.argmax(rates)) + 1 == 4000 and max(rates) == pytest.approx(1 / math.sqrt(512 * 4000))
    assert inverse_root(0, 0, 512) > 0
