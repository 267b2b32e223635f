"""Tensors on their way to the browser: nothing is lost, and what is masked by the diagonal is not sent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from app.components.packing import pack, unpack


def causal(tensor: np.ndarray) -> np.ndarray:
    return np.where(np.tri(tensor.shape[-1], dtype=bool), tensor, np.float32(-np.inf))


@given(arrays(np.float32, array_shapes(min_dims=1, max_dims=4, max_side=5), elements=st.floats(width=32)))
def test_any_tensor_comes_out_as_it_went_in(tensor):
    np.testing.assert_array_equal(unpack(pack({"one": tensor, "two": tensor[:1]}))["one"], tensor)


@given(st.integers(1, 3), st.integers(1, 6), st.booleans())
def test_masked_matrices_too(count, tokens, half):
    tensor = causal(np.random.default_rng(tokens).normal(size=(count, tokens, tokens)).astype(np.float32))
    tensor = tensor.astype(np.float16).astype(np.float32) if half else tensor
    found = unpack(pack({"before": np.ones((1, 3, 1), np.uint8), "heads": tensor, "after": tensor}))
    np.testing.assert_array_equal(found["heads"], tensor)
    np.testing.assert_array_equal(found["after"], tensor)


@pytest.mark.parametrize("masked", (True, False))
def test_above_the_diagonal_nothing_is_sent(masked):
    tensor = np.random.default_rng(0).random((12, 32, 32), np.float32)
    sent = len(pack({"heads": causal(tensor) if masked else tensor}))
    assert sent < 4 * 12 * 32 * 33 / 2 + 200 if masked else sent > tensor.nbytes
