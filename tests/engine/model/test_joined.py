"""W_Q, W_K and W_V side by side: one product gives the same as three, and what is replaced is used."""

import copy

import pytest
import torch
from torch import nn

from engine.model.attention import Attention
from tests.engine.tiny import LLAMA, decoder, full, pair, prompt


def attentions(model) -> list[Attention]:
    return [part for part in model.modules() if isinstance(part, Attention)]


def joined(model):
    for part in attentions(model):
        part.join()
    return model


@pytest.mark.parametrize(
    "choices", [{}, LLAMA, dict(attention_bias=False), dict(width=16, heads=4, key_heads=2)]
)
def test_one_product_gives_what_three_give(choices):
    apart, ids = decoder(torch.float64, **choices), [prompt(9)]
    together = joined(copy.deepcopy(apart))
    assert all(part._is_joined() for part in attentions(together))
    one, other = full(apart, ids), full(together, ids)
    for point in one.points():
        torch.testing.assert_close(one[point], other[point])
    for name, weight in apart.state_dict().items():
        assert torch.equal(weight, together.state_dict()[name]), name


def test_cross_attention_is_left_as_it_is():
    model = joined(pair(torch.float64))
    assert [part._is_joined() for part in attentions(model)] == [not part.crosses for part in attentions(model)]


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.float(),
        lambda model: model.requires_grad_(True),
        lambda model: [setattr(p.q, "weight", nn.Parameter(p.q.weight.clone())) for p in attentions(model)],
    ],
)
def test_what_was_replaced_moved_or_learns_is_used_as_it_is(change):
    model = joined(decoder(torch.float64))
    change(model)
    assert not any(part._is_joined() for part in attentions(model))


def test_weights_changed_in_place_are_used():
    model = joined(decoder(torch.float64))
    before = full(model, [prompt(9)])["logits"]
    with torch.no_grad():
        attentions(model)[0].k.weight.mul_(2)
    assert attentions(model)[0]._is_joined()
    assert not torch.equal(before, full(model, [prompt(9)])["logits"])


def test_a_copy_has_weights_of_its_own():
    model = joined(decoder(torch.float64))
    other, before = copy.deepcopy(model), full(model, [prompt(9)])["logits"]
    with torch.no_grad():
        attentions(other)[0].q.weight.zero_()
    assert torch.equal(before, full(model, [prompt(9)])["logits"])
    assert not torch.equal(before, full(other, [prompt(9)])["logits"])
