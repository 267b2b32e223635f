"""A config holds sizes that can be, or says what is wrong with them."""

import pytest

from engine.config import Config
from tests.engine.tiny import SIZES


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("size", [0, -1, 1.0, "12", None, True])
def test_a_size_is_a_whole_number_of_one_or_more(name, size):
    with pytest.raises(ValueError, match=f"{name} is {size!r}"):
        Config(**SIZES | {name: size})


def test_the_heads_share_the_width():
    with pytest.raises(ValueError, match="width 15 cannot be shared among 4 heads"):
        Config(**SIZES | dict(heads=4))


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
