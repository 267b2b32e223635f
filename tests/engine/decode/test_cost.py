"""Bytes and FLOPs by formula are those of the real cache and of torch's counter."""

from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.decode import cost, next_logits
from engine.decode.cost import SHAPES, cache_bytes, parameters, pass_flops, text_flops, token_flops
from engine.trace.inputs import Inputs
from tests.engine.tiny import CHOICES, PAIRS, decoder, full, images, pair, prompt


def counted(call) -> int:
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


WRITERS = {n: c for n, c in CHOICES.items() if c.get("causal", True) and "experts" not in c}


@pytest.mark.parametrize("name", WRITERS)
def test_a_pass_costs_what_torch_counts(name):
    model = decoder(**WRITERS[name])
    for tokens in (1, 7):
        # every step named, as torch's counter knows matrix products and not every fused kernel
        assert counted(lambda n=tokens: full(model, [prompt(n)])) == pass_flops(
            model.config, tokens, tokens, scored=tokens
        )


def test_experts_cost_as_many_as_are_used():
    c = decoder(**CHOICES["experts"]).config
    plain = decoder(**CHOICES["experts"] | dict(experts=0)).config
    more = (c.experts_used - 1) * 3 * c.width * c.mlp_width + c.experts * c.width
    assert pass_flops(c, 5, 5) - pass_flops(plain, 5, 5) == 2 * 5 * c.layers * more


@pytest.mark.parametrize("name", PAIRS)
def test_beside_an_encoder_too(name):
    model = pair(**PAIRS[name])
    c, S = model.config, 10 if name == "captions" else 7
    ids = images(1).double() if name == "captions" else [prompt(7)]
    expected = pass_flops(c.encoder, S, S, 0) + pass_flops(c.decoder, 4, 4, 4, source=S)
    assert counted(lambda: full(model, ids, target=[[3, 7, 8, 9]])) == expected


def test_with_a_cache_a_token_costs_one_row():
    model = decoder(key_heads=1, head_width=4)
    c, cache = model.config, model.new_cache()
    score = next_logits(model, Inputs(torch.tensor([prompt(9)])), cache)
    score(torch.tensor([prompt(8)]))
    linear = sum(p.numel() for name, p in model.named_parameters() if p.dim() == 2 and "position" not in name)
    scores = 2 * c.layers * c.heads * c.head_width * 9
    assert token_flops(c, 9) == 2 * (linear + scores)
    assert counted(lambda: score(torch.tensor([prompt(9)]))) in (
        2 * linear,
        2 * (linear + scores),
    )  # fused or not


def test_a_text_costs_its_tokens():
    c = decoder().config
    assert text_flops(c, 5, 1) == text_flops(c, 5, 1, cached=False) == pass_flops(c, 5, 5)
    assert text_flops(c, 5, 3) == pass_flops(c, 5, 5) + pass_flops(c, 1, 6) + pass_flops(c, 1, 7)
    assert text_flops(c, 5, 3, cached=False) == sum(pass_flops(c, n, n) for n in (5, 6, 7))


def test_with_a_cache_a_text_grows_by_its_length_and_without_by_more_than_its_square():
    c = SHAPES["GPT-2 small"].config
    with_, without = ([text_flops(c, 1, n, cached) for n in (100, 200, 400)] for cached in (True, False))
    assert all(1.9 < b / a < 2.2 for a, b in pairwise(with_))
    assert all(b / a > 3.6 for a, b in pairwise(without))


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_cache_takes_the_bytes_that_the_formula_says(name, dtype):
    model = decoder(dtype, **WRITERS[name])
    cache = model.new_cache(room=6)
    next_logits(model, Inputs(torch.tensor([prompt(6)])), cache)(torch.tensor([prompt(6)]))
    real = cache.keys.nbytes + cache.values.nbytes
    assert cache_bytes(model.config, 6, dtype.itemsize) == real == cache.bytes


def test_the_other_stack_s_part_is_counted():
    model = pair(decoder=dict(key_heads=1))
    cache, start = model.new_cache(), torch.tensor([[3, 4]])
    next_logits(model, Inputs(torch.tensor([prompt(7)]), target=start), cache)(start)
    assert cache_bytes(model.config.decoder, 2, 8, source=7) == cache.bytes
    assert cache_bytes(decoder().config, 2, 8, source=7) == cache_bytes(decoder().config, 2, 8)


@pytest.mark.parametrize("name", CHOICES)
def test_parameters_are_counted(name):
    model = decoder(**CHOICES[name])
    assert parameters(model.config) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("GPT-2 small", 124_439_808),
        ("GPT-2 medium", 354_823_168),
        ("GPT-2 large", 774_030_080),
        ("GPT-2 XL", 1_557_611_200),
        ("LLaMA-2-7B", 6_738_415_616),
        ("LLaMA-2-13B", 13_015_864_320),
        ("LLaMA-2-70B", 68_976_648_192),
        ("Mistral-7B", 7_241_732_096),
    ],
)
def test_known_shapes_have_the_parameters_that_were_published(name, count):
    assert parameters(SHAPES[name].config) == count


def test_known_caches_by_hand():
    def at(name, tokens):
        return cache_bytes(SHAPES[name].config, tokens, 2, SHAPES[name].window)

    assert at("GPT-2 small", 1) == 12 * 2 * 768 * 2 == 36_864
    assert at("GPT-2 XL", 1024) == 48 * 2 * 1600 * 1024 * 2
    assert at("LLaMA-2-7B", 4096) == 2 * 1024**3  # two GiB
    assert at("LLaMA-2-70B", 1) == 80 * 2 * 8 * 128 * 2 == 327_680
    assert at("LLaMA-2-70B", 4096) * 8 == 80 * 2 * 64 * 128 * 2 * 4096  # with a key for each head
    assert at("Mistral-7B", 4096) == at("Mistral-7B", 32_768) == 512 * 1024**2


def test_a_window_bounds_what_a_token_costs():
    shape = SHAPES["Mistral-7B"]
    far, near = (token_flops(shape.config, n, window=shape.window) for n in (30_000, 4096))
    assert far == near < token_flops(shape.config, 30_000)


def test_a_token_costs_about_two_for_each_parameter():
    for shape in SHAPES.values():
        c = shape.config
        weights = parameters(c) - (0 if c.tied else c.vocabulary * c.width)
        assert token_flops(c, 1) == pytest.approx(2 * weights, rel=0.01)


def test_scores_grow_by_the_square():
    c = SHAPES["GPT-2 small"].config
    assert cost.score_bytes(c, 1024) == 4 * 12 * 1024**2
    assert cost.score_bytes(c, 2048) == 4 * cost.score_bytes(c, 1024)
    assert cost.score_flops(c, 2048) == 4 * cost.score_flops(c, 1024)
    assert pass_flops(c, 64, 64) - cost.score_flops(c, 64) == 64 * 2 * 12 * 12 * 768**2 + 2 * 768 * 50_257
    assert cost.score_bytes(c, 1024, window=256) == cost.score_bytes(c, 1024) // 4
