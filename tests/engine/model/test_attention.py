"""Attention in its steps: who may look at whom, and how much."""

import pytest
import torch

from engine.masks import CAUSAL, causal_mask
from engine.model.attention import attend
from engine.trace import run
from engine.trace.tap import SILENT
from tests.engine.tiny import assert_close, full

BLOCKS = range(3)


@pytest.mark.parametrize("i", BLOCKS)
def test_each_row_sums_to_one(trace, i):
    pattern = trace[f"blocks.{i}.attn.pattern"]
    assert (pattern >= 0).all()
    assert_close(pattern.sum(-1), torch.ones_like(pattern[..., 0]))


@pytest.mark.parametrize("i", BLOCKS)
def test_a_masked_cell_is_exactly_zero(trace, i):
    mask, pattern = trace[f"blocks.{i}.attn.mask"], trace[f"blocks.{i}.attn.pattern"]
    assert (pattern[~mask] == 0).all()
    assert (pattern[mask] > 0).all()


@pytest.mark.parametrize("i", BLOCKS)
def test_scores_are_dots_times_the_scale(trace, i):
    scale = trace.model.config.scale(i)
    assert_close(trace[f"blocks.{i}.attn.scores"], trace[f"blocks.{i}.attn.dots"] * scale)


@pytest.mark.parametrize("i", BLOCKS)
def test_the_output_is_the_sum_of_what_each_head_writes(trace, i):
    z, out = trace[f"blocks.{i}.attn.z"], trace.model.blocks[i].attn.out
    written = torch.einsum("bhte,dhe->bhtd", z, out.weight.unflatten(1, (z.shape[1], -1)))
    bias = 0 if out.bias is None else out.bias
    assert_close(trace[f"blocks.{i}.attn.out"], written.sum(1) + bias)


@pytest.mark.parametrize("masked", [False, True])
def test_the_fused_kernel_equals_the_steps(masked):
    q, k, v = torch.randn(3, 2, 3, 7, 5, dtype=torch.float64)
    mask = causal_mask(7, 7, torch.arange(7) < torch.tensor([[7], [4]]) if masked else None)
    fused = attend(q, k, v, mask if masked else CAUSAL, 0.3)
    assert_close(fused, attend(q, k, v, mask, 0.3, tap=lambda name, x: x))


def test_padding_is_never_looked_at(model):
    pattern = full(model, [[1, 2, 3, 4, 5], [6, 7]])["blocks.1.attn.pattern"]
    assert (pattern[1, :, :2, 2:] == 0).all()
    assert pattern.isfinite().all()


def test_one_token_looks_only_at_itself(model):
    assert (run(model, [5])["blocks.0.attn.pattern"] == 1).all()


@pytest.mark.parametrize("bias", [None, torch.randn(1, 2, 7, 7, dtype=torch.float64)], ids=["plain", "bias"])
@pytest.mark.parametrize("tap", [SILENT, lambda name, x: x], ids=["silent", "steps"])
def test_causal_by_name_is_the_causal_mask(bias, tap):
    q, k, v = torch.randn(3, 2, 2, 7, 5, dtype=torch.float64)
    named, built = (attend(q, k, v, mask, 0.3, tap, bias) for mask in (CAUSAL, causal_mask(7, 7)))
    assert_close(named, built)
