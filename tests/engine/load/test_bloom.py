"""The Hugging Face layout of BLOOM: old and new names of its sizes, and what is refused with its reason."""

import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.decode import Decoding, generate
from tests.engine.load.damage import configure, load, refused
from tests.engine.tiny import assert_close, prompt

LAYOUT = "bloom"
IDS = torch.tensor([prompt(9)])


def test_a_head_has_its_query_key_and_value_one_after_the_other(folder, checkpoint):
    fused = checkpoint(layout="bloom").reference.transformer.h[1].self_attention.query_key_value.weight
    model = load(folder).double()
    for h in range(3):
        for i, part in enumerate("qkv"):
            ours = model.get_submodule(f"blocks.1.attn.{part}").weight[5 * h : 5 * h + 5]
            assert torch.equal(ours, fused[15 * h + 5 * i : 15 * h + 5 * i + 5])


def test_old_files_have_other_names_for_sizes(folder, checkpoint):
    new = dict(hidden_size=..., n_layer=..., n_head=...)
    configure(folder, **new, n_embed=15, num_hidden_layers=3, num_attention_heads=3, seq_length=...)
    model = load(folder)
    assert model.config.context == 2048
    assert_close(model.double()(IDS), checkpoint(layout="bloom").reference(IDS).logits, noise=1e-5)


def test_it_writes_what_the_reference_writes(folder, checkpoint):
    theirs = checkpoint(layout="bloom").reference.generate(IDS, max_new_tokens=8, do_sample=False)
    ours = [step.id for step in generate(load(folder), IDS[0].tolist(), Decoding(max_tokens=8))]
    assert ours == theirs[0, 9:].tolist()


@pytest.mark.parametrize("shape", [(), (0,), (3,), (15, 45, 1)])
def test_a_query_key_value_matrix_of_another_shape_is_an_error(folder, shape):
    tensors = load_file(folder / "model.safetensors")
    tensors["transformer.h.0.self_attention.query_key_value.weight"] = torch.zeros(shape)
    save_file(tensors, folder / "model.safetensors")
    refused(folder, r"blocks.0.attn")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(n_head=...), "no whole number for n_head"),
        (dict(n_head=4), "width 15 cannot be shared among 4 heads"),
        (dict(n_layer=2), "unexpected: blocks.2"),
        (dict(apply_residual_connection_post_layernorm=True), "apply_residual_connection_post_layernorm"),
        (dict(slow_but_exact=True), "asks for slow_but_exact"),
        (dict(layer_norm_epsilon="small"), "layer_norm_epsilon is 'small'"),
        (dict(tie_word_embeddings=False), "missing: logits.weight"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(folder, entries, message):
    configure(folder, **entries)
    refused(folder, re.escape(message))
