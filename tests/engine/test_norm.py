"""The norm in its steps."""

import pytest
import torch

from engine.norm import LayerNorm
from tests.engine.tiny import assert_close, randomise

NORMS = ["blocks.0.attn.norm", "blocks.2.mlp.norm", "final_norm"]


@pytest.mark.parametrize("norm", NORMS)
def test_a_scaled_vector_has_mean_0_and_variance_1(trace, norm):
    scaled, var = trace[f"{norm}.scaled"], trace[f"{norm}.var"]
    assert_close(scaled.mean(-1), torch.zeros(2, 11, dtype=torch.float64))
    share = var / (var + trace.model.config.norm_eps)  # ε takes a little off
    assert_close(scaled.var(-1, correction=0), share[..., 0])


@pytest.mark.parametrize("norm", NORMS)
def test_the_norm_ends_with_size_and_shift(trace, norm):
    part = trace.model.get_submodule(norm)
    assert_close(trace[f"{norm}.out"], trace[f"{norm}.scaled"] * part.weight + part.bias)


def test_the_steps_equal_the_fused_norm():
    norm, x = randomise(LayerNorm(7, eps=0.1)).double(), torch.randn(2, 3, 7, dtype=torch.float64)
    assert_close(norm(x, tap=lambda name, x: x), norm(x))


def test_a_constant_vector_stays_finite():
    assert LayerNorm(7, eps=1e-5)(torch.full((1, 1, 7), 3.0)).isfinite().all()
