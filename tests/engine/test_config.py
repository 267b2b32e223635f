"""A config holds sizes that can be, or says what is wrong with them."""

import math
import re

import pytest

from engine.config import Config
from tests.engine.tiny import SIZES, VIT


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("size", [0, -1, 1.0, "12", None, True])
def test_a_size_is_a_whole_number_of_one_or_more(name, size):
    with pytest.raises(ValueError, match=f"{name} is {size!r}"):
        Config(**SIZES | {name: size})


def test_the_heads_share_the_width():
    with pytest.raises(ValueError, match="width 15 cannot be divided among 4 heads"):
        Config(**SIZES | dict(heads=4))


@pytest.mark.parametrize("positions", ["absolute", "", None, []])
def test_unknown_positions_are_refused_with_the_known_ones(positions):
    with pytest.raises(ValueError, match=re.escape(f"{positions!r}; known are learned, rotary")):
        Config(**SIZES | dict(positions=positions))


def test_a_rotary_head_has_pairs_of_numbers():
    with pytest.raises(ValueError, match="head_width 5 is odd"):
        Config(**SIZES | dict(positions="rotary"))
    assert Config(**SIZES | dict(positions="rotary", width=18)).rotary


@pytest.mark.parametrize(("causal", "near"), [(True, 3), (False, 1)])
def test_the_farthest_distance_is_beyond_those_with_a_bucket_of_their_own(causal, near):
    choices = dict(positions="relative", buckets=6, causal=causal)
    assert Config(**SIZES, **choices, max_distance=near + 1).near == near
    with pytest.raises(ValueError, match=f"max_distance is {near}; with 6 buckets distances below {near}"):
        Config(**SIZES, **choices, max_distance=near)


@pytest.mark.parametrize("size", [0, -1, 1.0, "12", True])
def test_a_head_has_a_width_of_its_own_or_its_share(size):
    assert Config(**SIZES | dict(heads=4, head_width=7)).head_width == 7
    with pytest.raises(ValueError, match=f"head_width is {size!r}"):
        Config(**SIZES, head_width=size)


@pytest.mark.parametrize("choice", [dict(positions="sinusoidal"), dict(scale_embedding=True)])
def test_patches_have_learned_places_and_no_scale(choice):
    with pytest.raises(ValueError, match="patches have learned positions"):
        Config(**SIZES | VIT | choice)


@pytest.mark.parametrize("name", ["norm_eps", "rotary_base"])
@pytest.mark.parametrize("number", [0, -1.0, math.inf, math.nan, "1e4", None])
def test_a_base_and_an_epsilon_are_numbers_above_nothing(name, number):
    with pytest.raises(ValueError, match=f"{name} is {number!r}; it must be a number above 0"):
        Config(**SIZES | {name: number})


@pytest.mark.parametrize(
    ("choices", "scale"),
    [
        ({}, 5**-0.5),
        (dict(scale_scores=False), 1),
        (dict(scale_by_layer=True), 5**-0.5 / 3),
        (dict(scale_scores=False, scale_by_layer=True), 1 / 3),
    ],
)
def test_the_scale_of_the_third_block(choices, scale):
    config = Config(**SIZES | choices)
    assert config.head_width == 5
    assert config.scale(2) == pytest.approx(scale)
