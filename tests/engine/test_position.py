"""Positions: a turn that keeps lengths, waves, and numbers for distances."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb
from transformers.models.t5.modeling_t5 import T5Attention

from engine.points import points_of
from engine.position import alibi, buckets_of, distances, rotate, sinusoids, slopes, turns
from engine.trace import run
from engine.worked import check, work
from tests.engine.tiny import ROTARY, assert_close, decoder, prompt

bases = st.floats(1.5, 1e6)
widths = st.integers(1, 8).map(lambda half: 2 * half)
places = st.integers(0, 300)
seeds = st.integers(0, 99)


@pytest.fixture(scope="module")
def rotary():
    return decoder(torch.float32, **ROTARY)


def vector(width: int, seed: int) -> torch.Tensor:
    return torch.randn(1, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def at(x: torch.Tensor, place: int, base: float) -> torch.Tensor:
    """`x` [1, E] as it is turned at `place`, in float64."""
    return rotate(x, turns(torch.tensor([place], dtype=torch.float64), x.shape[-1], base))


def test_a_quarter_turn_carries_the_first_of_a_pair_to_the_second():
    x = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 1.0]])
    angles = torch.tensor([[math.pi / 2, 9.0], [9.0, math.pi / 2]])
    expected = torch.tensor([[0, 0, 1.0, 0], [0, -1.0, 0, 0]])
    torch.testing.assert_close(rotate(x, angles), expected)


def test_the_first_pair_turns_one_radian_a_place_and_the_others_slower():
    angles = turns(torch.arange(4), width=6, base=1000.0)
    torch.testing.assert_close(angles[:, 0], torch.arange(4.0))
    torch.testing.assert_close(angles[3], torch.tensor([3.0, 0.3, 0.03]))


@given(width=widths, seed=seeds, base=bases)
def test_the_first_place_is_not_turned(width, seed, base):
    assert torch.equal(at(vector(width, seed), 0, base), vector(width, seed))


@given(width=widths, seed=seeds, base=bases, place=places)
def test_a_turn_keeps_the_length_of_every_pair(width, seed, base, place):
    x = vector(width, seed)
    before, after = (pairs.unflatten(-1, (2, -1)).norm(dim=-2) for pairs in (x, at(x, place, base)))
    assert_close(after, before)


@given(width=widths, seed=seeds, base=bases, t=places, s=places, further=places)
def test_query_times_key_depends_on_their_distance_alone(width, seed, base, t, s, further):
    q, k = vector(width, seed), vector(width, seed + 100)
    here, there = (at(q, t + more, base) @ at(k, s + more, base).T for more in (0, further))
    assert_close(here, there)


def test_the_distance_does_make_a_difference():
    q, k = vector(6, 0), vector(6, 1)
    dots = [float(at(q, t, 10_000) @ k.T) for t in range(5)]
    assert len({round(dot, 6) for dot in dots}) == 5


@given(width=widths, base=bases, seed=seeds)
def test_turns_are_those_of_llama(width, base, seed):
    q, k = torch.randn(2, 1, 3, 40, width, generator=torch.Generator().manual_seed(seed))
    config = LlamaConfig(hidden_size=3 * width, num_attention_heads=3, head_dim=width, rope_theta=base)
    cos, sin = LlamaRotaryEmbedding(config)(q, torch.arange(40)[None])
    theirs, angles = apply_rotary_pos_emb(q, k, cos, sin), turns(torch.arange(40), width, base)
    torch.testing.assert_close((rotate(q, angles), rotate(k, angles)), theirs, rtol=1e-4, atol=1e-4)


# --- in a model ----------------------------------------------------------------------------------


def test_each_kind_of_positions_has_its_own_points():
    learned, rotary = (set(points_of(decoder(**choices).config)) for choices in ({}, ROTARY))
    assert learned - rotary == {"embed.position"}
    assert rotary - learned == {f"blocks.{i}.attn.{letter}_rot" for i in range(3) for letter in "qk"}


def test_a_rotary_model_learns_no_vector_for_a_position(rotary):
    assert not any("position" in name for name, _ in rotary.named_parameters())


def test_every_point_of_a_rotary_model_equals_its_recipe(rotary):
    trace = run(rotary, [prompt(23), prompt(4)])
    assert [point for point in trace.points() if not check(trace, point).ok] == []


def test_the_first_token_of_a_prompt_is_not_turned(rotary):
    trace = run(rotary, prompt(11))
    for letter in "qk":
        plain, turned = trace[f"blocks.1.attn.{letter}"], trace[f"blocks.1.attn.{letter}_rot"]
        assert torch.equal(turned[:, :, 0], plain[:, :, 0])
        assert not torch.equal(turned[:, :, 1], plain[:, :, 1])


def test_values_are_not_turned(rotary):
    trace = run(rotary, [7] * 11)
    assert_close(trace["blocks.0.attn.v"], trace["blocks.0.attn.v"][:, :, :1].expand(1, 3, 11, 6))


def test_the_dots_of_tokens_that_are_alike_depend_on_their_distance_alone(rotary):
    dots = run(rotary, [7] * 11)["blocks.0.attn.dots"]
    torch.testing.assert_close(dots[:, :, 1:, 1:], dots[:, :, :-1, :-1], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(dots[:, :, 5, 0], dots[:, :, 5, 5], rtol=0.01)


@pytest.mark.parametrize(("e", "partner", "sign"), [(4, 1, 1), (1, 4, -1)])
def test_a_turned_number_is_worked_out_from_its_pair(rotary, e, partner, sign):
    trace = run(rotary, prompt(11))
    worked = work(trace, "blocks.2.attn.k_rot", (0, 1, 7, e))
    k, angle = trace["blocks.2.attn.k"][0, 1, 7].tolist(), 7 / 10_000 ** (1 / 3)
    by_hand = {(k[e], math.cos(angle)), (k[partner], sign * math.sin(angle))}
    assert {tuple(term.factors) for term in worked.terms} == by_hand
    assert worked.value == pytest.approx(worked.shown, rel=1e-5)
    formula = worked.symbols.replace("&", "").replace(r"\,", "")
    turned = rf"k_{{t,{e}}}\cos\theta {'-+'[sign > 0]} k_{{t,{partner}}}\sin\theta"
    assert rf"\tilde k_{{t,{e}}} = {turned}" in formula
    assert r"\theta = 7 / 10000^{1/3} = 0.3249" in formula


# --- waves ---------------------------------------------------------------------------------------


def test_sines_and_cosines_stand_in_turn():
    x = sinusoids(torch.arange(3), 4)
    expected = [[math.sin(t), math.cos(t), math.sin(t / 100), math.cos(t / 100)] for t in range(3)]
    assert_close(x, torch.tensor(expected, dtype=torch.float64))


@given(width=widths, place=places, further=places)
def test_a_step_further_is_the_same_turn_wherever_it_is_made(width, place, further):
    """PE of a place further on is a linear function of PE of the place (Vaswani et al. 2017, section 3.5)."""
    x, step, there = sinusoids(torch.tensor([place, further, place + further]), width).unflatten(-1, (-1, 2))
    sine = x[:, 0] * step[:, 1] + x[:, 1] * step[:, 0]
    cosine = x[:, 1] * step[:, 1] - x[:, 0] * step[:, 0]
    assert_close(torch.stack([sine, cosine], -1), there)


# --- distances -----------------------------------------------------------------------------------


def test_distances_of_new_tokens_are_counted_from_where_they_stand():
    assert distances(2, 4).tolist() == [[-2, -1, 0, 1], [-3, -2, -1, 0]]


@pytest.mark.parametrize("both_sides", [False, True])
@pytest.mark.parametrize("count", [4, 6, 9, 32])
@pytest.mark.parametrize("max_distance", [20, 128])
def test_the_bucket_of_every_distance_is_that_of_t5(count, max_distance, both_sides):
    away = torch.arange(-300, 301)
    theirs = T5Attention._relative_position_bucket(away, both_sides, count, max_distance)
    assert torch.equal(buckets_of(away, count, max_distance, both_sides), theirs)


def test_near_distances_have_a_bucket_each_and_the_far_ones_share_the_last():
    buckets = buckets_of(-torch.arange(200), 32, 128, both_sides=False)
    assert buckets[:16].tolist() == list(range(16))
    assert (buckets[113:] == 31).all()
    assert (buckets.diff() >= 0).all()


@pytest.mark.parametrize(
    ("buckets", "max_distance", "causal"), [(32, 128, True), (32, 128, False), (7, 40, False)]
)
def test_every_bias_agrees_with_its_second_route(buckets, max_distance, causal):
    choices = dict(
        positions="relative", buckets=buckets, max_distance=max_distance, causal=causal, context=150, layers=1
    )
    trace = run(decoder(torch.float32, **choices), prompt(150))
    assert check(trace, "blocks.0.attn.bias").ok
    assert check(trace, "blocks.0.attn.masked").ok


# --- slopes --------------------------------------------------------------------------------------


def test_the_slopes_of_eight_heads_are_those_of_the_paper():
    assert slopes(8) == [1 / 2**i for i in range(1, 9)]


def test_slopes_between_two_powers_of_two_come_from_both():
    assert slopes(6) == [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3]
    assert slopes(1) == [2**-8]


@pytest.mark.parametrize("heads", range(1, 41))
def test_what_a_head_takes_off_differs_from_blooms_by_the_same_in_a_row(heads):
    theirs = build_alibi_tensor(torch.ones(1, 9), heads, torch.float32)  # slope · s
    ours = alibi(distances(3, 9), heads)
    for t in range(3):
        here = 6 + t
        row = theirs[:, 0] - theirs[:, 0, here, None]
        torch.testing.assert_close(ours[:, t, : here + 1], row[:, : here + 1])
    assert (ours <= 0).all()


@pytest.mark.parametrize("heads", [1, 2, 3, 5, 8, 12])
@pytest.mark.parametrize("causal", [True, False])
def test_every_alibi_agrees_with_its_second_route(heads, causal):
    choices = dict(positions="alibi", heads=heads, head_width=4, causal=causal, context=150, layers=1)
    trace = run(decoder(torch.float32, **choices), [prompt(150), prompt(40)])
    assert check(trace, "blocks.0.attn.bias").ok
    assert check(trace, "blocks.0.attn.masked").ok


def test_an_alibi_is_worked_out_from_the_distance():
    trace = run(decoder(torch.float32, positions="alibi"), prompt(11))
    worked = work(trace, "blocks.2.attn.bias", (0, 2, 7, 4))
    assert (worked.value, worked.shown) == (-0.25 * 3, -0.25 * 3)
    assert r"m_{2} = 2^{-2}" in worked.symbols
    assert worked.numbers == r"-0.25 \cdot |7 - 4| = -0.75"


def test_alibi_learns_nothing_about_positions():
    alone, learned = (decoder(positions=name) for name in ("alibi", "learned"))
    names = [{name for name, _ in model.named_parameters()} for model in (alone, learned)]
    assert names[1] - names[0] == {"embed.position.weight"}
