"""The KV cache: how large it is, and that nothing falls out."""

import pytest
import torch

from engine.model.cache import Cache
from tests.engine.tiny import prompt


def read(model, ids, cache):
    return model(ids, model.context(ids, cache=cache))


def test_a_token_takes_a_key_and_a_value_of_every_block(model):
    c, cache = model.config, Cache(model.config, like=model.embed.token.weight)
    read(model, torch.tensor([prompt(7)]), cache)
    assert cache.length == 7
    assert cache.bytes == 7 * 2 * c.layers * c.key_heads * c.head_width * 8  # float64
    assert cache.bytes == 7 * c.kept * 8


def test_a_full_cache_is_an_error_not_a_loss(model):
    cache = Cache(model.config, room=5, like=model.embed.token.weight)
    read(model, torch.tensor([prompt(5)]), cache)
    with pytest.raises(ValueError, match="room for 5 tokens, not for 6"):
        read(model, torch.tensor([[1]]), cache)


def test_a_cache_is_never_larger_than_the_context(model):
    assert Cache(model.config, room=1000).room == model.config.context
    assert Cache(model.config).room == model.config.context


def test_keys_and_values_are_those_of_the_trace(model, trace, ids):
    cache = Cache(model.config, batch=2, like=model.embed.token.weight)
    read(model, ids, cache)
    key = "k_rot" if model.config.rotary else "k"
    for i in range(model.config.layers):
        torch.testing.assert_close(cache.keys[i, :, :, :11], trace[f"blocks.{i}.attn.{key}"])
        torch.testing.assert_close(cache.values[i, :, :, :11], trace[f"blocks.{i}.attn.v"])
