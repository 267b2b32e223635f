"""Decoders of every layout write with the cache as they do without."""

import pytest
import torch

from engine.model.cache import Cache
from tests.engine.load.damage import load
from tests.engine.tiny import assert_close, prompt

IDS = torch.tensor([prompt(9)])


@pytest.mark.parametrize("layout", ["gpt2", "llama", "mixtral", "qwen3", "bloom"])
def test_generating_with_the_cache_equals_reading_it_all(checkpoint, layout):
    model = load(checkpoint(layout=layout).folder)
    cache = Cache(model.config)
    parts = torch.cat([model(part, model.context(part, cache=cache)) for part in IDS.split((4, 1, 3, 1), 1)], 1)
    assert_close(parts, model(IDS), noise=1e-4)
