"""How far is seen: what a cell can see, by moving pixels; how far heads look, where that is known."""

import pytest
import torch

from engine.config import Config
from engine.model.transformer import Transformer
from engine.receptive import attention_distance, receptive_fields, window
from tests.engine.tiny import GRID, SIZES, VIT, randomise

NETWORKS = {
    "as trained": dict(filters=(3, 4, 6), strides=(2, 2, 1), patch=4, image=32, context=64),
    "larger filters": dict(filters=(3, 6), strides=(1, 2), patch=2, image=16, context=64, kernel=5),
    "each pixel by itself": dict(filters=(6,), strides=(2,), patch=2, image=8, context=16, kernel=1),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_cell_sees_the_pixels_of_its_window_and_no_others(name):
    config = Config(**SIZES | GRID | dict(width=6, layers=0) | NETWORKS[name])
    model = randomise(Transformer(config)).double()
    image = torch.randn(1, 3, config.image, config.image, dtype=torch.float64, requires_grad=True)
    x = image
    for layer, one in enumerate(model.embed.conv):
        x = one.pre(x)  # without ReLU: where that is 0, nothing is seen
        side = x.shape[-1]
        for cell in ((0, 0), (side // 2, side // 3), (side - 1, side - 2)):
            (moved,) = torch.autograd.grad(x[0, 0, cell[0], cell[1]], image, retain_graph=True)
            seen = (moved[0] != 0).any(0)
            (top, bottom), (left, right) = (window(config, layer, i) for i in cell)
            expected = torch.zeros_like(seen)
            expected[max(0, top) : bottom + 1, max(0, left) : right + 1] = True
            assert torch.equal(seen, expected)


def test_fields_grow_from_layer_to_layer():
    config = Config(**SIZES | GRID | dict(width=6, layers=0) | NETWORKS["as trained"])
    assert receptive_fields(config) == [(3, 2), (7, 4), (15, 4)]
    assert window(config, 2, 0) == (-7, 7) and window(config, 0, 5) == (9, 11)


LEADING = Config(
    **SIZES | VIT | dict(image=8, context=17, classes=0, ending="nothing")
)  # 4 × 4 patches of 2 pixels
NONE = Config(**SIZES | GRID | dict(image=8, context=16))


@pytest.mark.parametrize("config", [LEADING, NONE], ids=["patches", "cells"])
def test_heads_look_as_far_as_their_weights_say(config):
    first, places = config.leading, torch.cartesian_prod(torch.arange(4), torch.arange(4))
    count = 16 + first
    itself, even, right = torch.eye(count), torch.full((count, count), 1 / count), torch.zeros(count, count)
    for t, (row, column) in enumerate(places.tolist()):
        right[first + t, first + 4 * row + min(column + 1, 3)] = 1
    right[:, 0] += 1e-9 * first
    found = attention_distance(torch.stack([itself, even, right]), config)
    mean = 2 * torch.cdist(places.float(), places.float()).mean()
    assert found.tolist() == pytest.approx([0, float(mean), 2 * 12 / 16], abs=1e-5)


def test_what_goes_to_the_vector_before_them_is_shared_by_the_others():
    pattern = torch.eye(17) / 4
    pattern[:, 0] += 0.75
    pattern[1, 1], pattern[1, 2] = 0, 0.25  # the first patch looks at its neighbour, as far as it looks at any
    assert attention_distance(pattern[None], LEADING).item() == pytest.approx(2 / 16)
