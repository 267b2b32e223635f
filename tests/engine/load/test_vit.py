"""The Hugging Face layout of ViT: what is read, and what is refused with its reason."""

import re

import pytest
import torch
from safetensors.torch import load_file, save_file

import engine
from engine.model.embed import patchify
from tests.engine.load.damage import configure, load, refused
from tests.engine.tiny import images

LAYOUT = "vit"


def test_an_image_is_cut_row_by_row():
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert patchify(image, 2)[0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


def test_every_patch_looks_at_every_other(folder):
    trace = engine.run(load(folder), images(1))
    assert trace["blocks.0.attn.mask"].all()
    assert trace["classes"].shape == (1, 5)


def test_a_pooler_is_left_out(folder):
    tensors = load_file(folder / "model.safetensors")
    more = {"vit.pooler.dense.weight": torch.ones(15, 15), "vit.pooler.dense.bias": torch.ones(15)}
    save_file(tensors | more, folder / "model.safetensors")
    assert load(folder)(images()).shape == (2, 5)


@pytest.mark.parametrize("shape", [(3, 6, 5), (1, 6, 6), (2, 3, 7, 7), (6, 6)])
def test_an_image_of_another_size_is_an_error(folder, shape):
    with pytest.raises(ValueError, match=r"reads images \[3, 6, 6\], not"):
        engine.run(load(folder), torch.zeros(shape))


def test_an_image_without_finite_numbers_is_an_error(folder):
    with pytest.raises(ValueError, match="not finite"):
        engine.run(load(folder), images() * torch.inf)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(hidden_size=...), "no whole number for hidden_size"),
        (dict(image_size=7), "7 is not divisible by 2"),
        (dict(image_size=8), "misshapen: embed.position.weight is (10, 15), config.json asks for (17, 15)"),
        (dict(patch_size=3), "misshapen: embed.patch.weight"),
        (dict(patch_size=0), "patch_size is 0; it must be a whole number of 1 or more"),
        (dict(qkv_bias=False), "asks for qkv_bias False; only True is read here"),
        (dict(hidden_act="tanh"), "hidden_act 'tanh' is unknown"),
        (dict(num_hidden_layers=2), "unexpected: blocks.2"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(folder, entries, message):
    configure(folder, **entries)
    refused(folder, re.escape(message))
