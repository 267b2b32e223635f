"""Every what-if equals the same experiment computed again by hand, in float64."""

import numpy as np
import pytest

from app.state import DEFAULT
from tests.app.visit import (
    bars,
    boxes,
    figure,
    given,
    model,
    numbers,
    picture,
    point_of,
    softmax,
    tensors,
    visit,
)

AT = dict(layer=2, head=4, token=8, key=3)
COUNT = len(numbers("blocks.0.resid_pre"))
RULES = {
    "causal": lambda t, s, n: s <= t,
    "none": lambda t, s, n: s >= 0,
    "window": lambda t, s, n: (s <= t) & (t - s < n),
    "prefix": lambda t, s, n: (s <= t) | ((t < n) & (s < n)),
    "padding": lambda t, s, n: (s <= t) & (s >= n) | (s == t),
}


def scores(divide: bool = True) -> np.ndarray:
    q, k = (numbers(f"blocks.{AT['layer']}.attn.{name}").astype(float) for name in ("q_rot", "k_rot"))
    return q @ k.transpose(0, 2, 1) / (np.sqrt(q.shape[-1]) if divide else 1)


def masked(x: np.ndarray, kind: str = "causal", n: int = 0) -> np.ndarray:
    t, s = np.indices((COUNT, COUNT))
    return np.where(RULES[kind](t, s, n), x, -np.inf)


def weights(x: np.ndarray) -> np.ndarray:
    """The softmax of masked scores, −∞ where they are."""
    return np.where(np.isinf(x), -np.inf, softmax(x))


@pytest.mark.parametrize("n", [1, 4, 9999])
@pytest.mark.parametrize("kind", RULES)
def test_each_mask_gives_the_weights_of_its_rule(kind, n):
    at = visit(step="mask", mask=kind, window=n, **AT)
    assert not at.exception
    expected = masked(scores(), kind, n)
    header, tensor = picture(at, "attn.masked")
    np.testing.assert_array_equal(np.isinf(tensor), np.isinf(expected))
    np.testing.assert_allclose(tensor, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(picture(at, "attn.pattern")[1], weights(expected), rtol=1e-4, atol=1e-6)
    assert (header["model"] == model().name and bool(point_of(header))) == (kind == "causal")


@pytest.mark.parametrize("kind", ["none", "window"])
def test_the_arithmetic_under_another_mask_is_that_masks(kind):
    at = visit(step="mask", mask=kind, window=2, **AT | {"key": 7})
    found = {box.point.split(".")[-1]: box.shown for box in boxes(at)}
    assert found["pattern"] == pytest.approx(softmax(masked(scores(), kind, 2))[4, 8, 7], rel=1e-4)


def test_without_dividing_the_weights_are_the_softmax_of_the_dot_products():
    at = visit(step="scores", unscaled=1, **AT)
    usual, other = (softmax(masked(scores(divide)))[AT["head"], AT["token"]] for divide in (True, False))
    divided, not_divided = figure(at, "plot-without").data
    best = np.argsort(-usual)[: len(divided.x)]
    assert divided.x == pytest.approx(usual[best], rel=1e-4)
    assert not_divided.x == pytest.approx(other[best], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("heat", [0.1, 0.5, 2.0, 5.0])
def test_the_softmax_at_a_temperature(heat):
    at = visit(step="softmax", heat=heat, **AT)
    expected = softmax(masked(scores()) / heat)
    assert bars(at, "plot-row") == pytest.approx(
        expected[AT["head"], AT["token"], : AT["token"] + 1], rel=1e-3, abs=1e-6
    )
    header, tensor = picture(at, "attn.pattern")
    if header["model"] != model().name:
        np.testing.assert_allclose(tensor, weights(masked(scores()) / heat), rtol=1e-3, atol=1e-6)


def no_first(a: np.ndarray) -> np.ndarray:
    rest = np.where(np.arange(COUNT) == 0, 0, a)
    return rest / np.maximum(rest.sum(-1, keepdims=True), 1e-12)


def by_size(a: np.ndarray) -> np.ndarray:
    v = numbers(f"blocks.{AT['layer']}.attn.v").astype(float)
    weighted = a * np.linalg.norm(v, axis=-1)[:, None, :]
    return weighted / weighted.sum(-1, keepdims=True)


@pytest.mark.parametrize(
    "switches, expected",
    [
        (dict(sink=1), no_first),
        (dict(weighted=1), by_size),
        (dict(sink=1, weighted=1), lambda a: no_first(by_size(a))),
    ],
)
def test_the_pattern_without_the_first_token_and_by_the_size_of_the_values(switches, expected):
    at = visit(step="heads", **AT, **switches)
    wanted = np.where(np.isinf(masked(scores())), -np.inf, expected(softmax(masked(scores()))))
    header, tensor = picture(at, "attn.pattern")
    np.testing.assert_allclose(tensor, wanted, rtol=1e-4, atol=1e-6)
    assert not point_of(header) and header["foot"]
    np.testing.assert_array_equal(tensors(at)[given(at, "thumbs")["src"]], tensor)


@pytest.mark.parametrize("step", ["tokens", "scores", "residual", "next"])
def test_a_what_if_stays_in_its_step(step):
    plain = visit(step=step, **AT)
    changed = visit(step=step, **AT, heat=3, sink=1, weighted=1, mask="none")
    kept, other = tensors(plain), tensors(changed)
    assert list(kept) == list(other)
    assert all((kept[id] == other[id]).all() for id in kept)
    assert given(changed, "prompt")["text"] == DEFAULT.prompt
