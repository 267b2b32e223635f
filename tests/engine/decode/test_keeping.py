"""Writing with a cache beside writing without one: the same scores, and what is measured of both."""

import itertools

import pytest
import torch

import engine
from engine.decode import cost
from engine.decode.keeping import agreement, timing
from tests.engine.tiny import LLAMA, decoder, pair, recurrent


def tiny(kind: str):
    sizes = dict(vocabulary=40, context=16)
    if kind == "llama":
        return decoder(torch.float32, **LLAMA | sizes | dict(activation="silu"))
    if kind == "pair":
        return pair(torch.float32, vocabulary=40, context=16, start=0, end=1)
    return recurrent("gru", "dot", torch.float32, vocabulary=40, context=16, start=0, end=1)


@pytest.mark.parametrize("kind", ["llama", "pair", "gru"])
def test_both_ways_score_the_same_and_the_cache_is_as_large_as_the_formula_says(kind):
    model = tiny(kind)
    found = agreement(model, [3, 4, 5], 100)
    first = 3 if kind == "llama" else 1
    assert len(found.ids) == len(found.differences) == len(found.bytes) == 16 - first  # a full window
    assert found.largest <= 1e-4 * max(1, found.scores)
    if kind == "gru":
        assert set(found.bytes) == {found.bytes[0]}
    else:
        source = 3 if kind == "pair" else 0
        config = model.reads[-1]
        assert found.bytes == [cost.cache_bytes(config, first + n, source=source) for n in range(16 - first)]


def test_the_tokens_are_those_of_greedy_writing():
    model = engine.load("storybook")
    ids = [step.id for step in engine.generate(model, "Once upon a time", engine.Decoding(max_tokens=6))]
    assert agreement(model, "Once upon a time", 6).ids == ids


def test_it_ends_where_the_text_ends():
    model = engine.load("interpreter", device="cpu")
    found, written = agreement(model, "I see a cat.", 16), engine.generate(model, "I see a cat.")
    assert found.ids == [*(step.id for step in written), model.end]


def test_another_cache_would_be_seen(monkeypatch):
    from engine.model.cache import Cache

    extend = Cache.extend
    monkeypatch.setattr(Cache, "extend", lambda self, layer, k, v: extend(self, layer, 1.1 * k, v))
    assert agreement(tiny("llama"), [3, 4, 5], 4).largest > 1e-2


@pytest.mark.parametrize("kind", ["llama", "pair", "gru"])
def test_the_median_of_every_token_is_told(kind):
    ticks = itertools.count()
    found = timing(tiny(kind), [3, 4, 5], 5, clock=lambda: float(next(ticks)), seconds=1e9, repeats=3)
    first = 3 if kind == "llama" else 1
    assert found.tokens == [first + i for i in range(5)] and found.repeats == 3
    assert found.kept == [1.0] * 5 and len(found.anew) == 5


def test_a_slow_model_is_measured_as_far_as_the_time_reaches():
    ticks = itertools.count()
    found = timing(tiny("llama"), [3], 12, clock=lambda: float(next(ticks)), seconds=12)
    assert found.repeats == 1 and 1 <= len(found.kept) == len(found.anew) < 12


def test_a_full_window_has_nothing_to_measure():
    found = timing(tiny("llama"), list(range(16)), 5)
    assert found.tokens == found.kept == found.anew == []
