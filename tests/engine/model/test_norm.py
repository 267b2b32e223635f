"""The norms in their steps."""

import pytest
import torch

from engine.model.norm import LayerNorm, RMSNorm
from tests.engine.tiny import assert_close, randomise

PLACES = ["blocks.0.attn.norm", "blocks.2.mlp.norm", "final_norm"]


@pytest.mark.parametrize("norm", PLACES)
def test_a_scaled_vector_has_mean_0_and_variance_1_or_mean_square_1(trace, norm):
    c, scaled = trace.model.config, trace[f"{norm}.scaled"]
    if c.norm == "rms":
        before, after = trace[f"{norm}.square"], scaled.square().mean(-1)
    else:
        assert_close(scaled.mean(-1), torch.zeros(2, 11, dtype=torch.float64))
        before, after = trace[f"{norm}.var"], scaled.var(-1, correction=0)
    assert_close(after, (before / (before + c.norm_eps))[..., 0])  # ε takes a little off


@pytest.mark.parametrize("norm", PLACES)
def test_the_norm_ends_with_size_and_shift(trace, norm):
    part = trace.model.get_submodule(norm)
    shift = 0 if part.bias is None else part.bias
    assert_close(trace[f"{norm}.out"], trace[f"{norm}.scaled"] * part.weight + shift)


@pytest.mark.parametrize("kind", [LayerNorm, RMSNorm])
def test_the_steps_equal_the_fused_norm(kind):
    norm, x = randomise(kind(7, eps=0.1)).double(), torch.randn(2, 3, 7, dtype=torch.float64)
    assert_close(norm(x, tap=lambda name, x: x), norm(x))


@pytest.mark.parametrize("kind", [LayerNorm, RMSNorm])
@pytest.mark.parametrize("number", [0.0, 3.0])
def test_a_constant_vector_stays_finite(kind, number):
    assert kind(7, eps=1e-5)(torch.full((1, 1, 7), number)).isfinite().all()
