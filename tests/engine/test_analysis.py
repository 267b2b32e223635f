"""What pages ask of a trace, against cases that can be worked out by hand."""

import pytest
import torch

from engine.analysis import entropy, flat_map, lens, nearest, promotes, value_weighted, without_first
from engine.tap import Edit
from engine.trace import run
from tests.engine.tiny import assert_close


def test_n_tokens_alike_are_log2_n_bits_and_one_alone_none():
    assert_close(entropy(torch.tensor([[0.25] * 4, [1.0, 0, 0, 0]])), torch.tensor([2.0, 0.0]))


def test_without_the_first_token_the_others_share_its_part(trace):
    pattern = trace["blocks.0.attn.pattern"]
    rest = without_first(pattern)
    assert (rest[..., 0] == 0).all()
    assert_close(rest[..., 1:, :].sum(-1), torch.ones_like(rest[..., 1:, 0]))
    assert_close(rest[..., 2, 1] / rest[..., 2, 2], pattern[..., 2, 1] / pattern[..., 2, 2])


def test_what_hands_over_nothing_weighs_nothing(trace):
    v = trace["blocks.0.attn.v"].clone()
    v[:, :, 4] = 0
    weighted = value_weighted(trace["blocks.0.attn.pattern"], v)
    assert (weighted[..., 4] == 0).all()
    assert_close(weighted[:, :, :4].sum(-1), torch.ones_like(weighted[:, :, :4, 0]))


def test_the_nearest_row_is_the_one_that_points_the_same_way():
    table = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [5, 1]])
    rows, cosines = nearest(table, 0, 10)
    assert rows == [3, 1, 2]
    assert cosines[1:] == [0, -1]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_flat_map_keeps_the_distances_of_what_lies_flat(count):
    points = torch.randn(count, 2, dtype=torch.float64)
    flat = flat_map(points @ torch.linalg.qr(torch.randn(7, 2, dtype=torch.float64)).Q.T)
    assert_close(torch.cdist(flat, flat), torch.cdist(points, points))


def test_the_lens_ends_with_what_the_model_says(model, ids):
    tokens, shares = lens(run(model, ids[:1], [Edit("blocks.1.resid_pre", "scale", {}, 2.0)]))
    last = run(model, ids[:1], [Edit("blocks.1.resid_pre", "scale", {}, 2.0)])["logits"][0].softmax(-1)
    assert tokens.shape == shares.shape == (model.config.layers + 1, 11)
    assert torch.equal(tokens[-1], last.argmax(-1))
    assert_close(shares[-1], last.max(-1).values)


def test_a_unit_raises_the_logits_it_promotes(model, ids):
    """With the last norm's mean and variance held, one more of it gives the gains, over the spread."""
    at, own = {"T": 10}, tuple(ids[0].tolist())
    held = [Edit(f"final_norm.{step}", "copy", at, own) for step in ("mean", "var")]
    firing = Edit("blocks.2.mlp.act", "add", {"F": 4} | at, 1.0)
    before, after = (run(model, ids[:1], edits) for edits in (held, [*held, firing]))
    spread = (before["final_norm.var"][0, 10] + model.config.norm_eps).sqrt()
    raised = (after["logits"] - before["logits"])[0, 10] * spread
    tokens, gains = promotes(model, 2, unit=4, count=97)
    assert_close(torch.tensor(gains, dtype=torch.float64), raised[tokens])
    assert gains == sorted(gains, reverse=True)
