"""The Hugging Face layout: what is read, what is left out, and what is refused with its reason."""

import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.load.gpt2 import NAMES, PREFIX
from engine.load.layout import our_name
from tests.engine.load.damage import configure, load, refused
from tests.engine.tiny import assert_close, prompt

IDS = torch.tensor([prompt(9)])


@pytest.fixture
def weights(folder):
    """edit(function): change the tensors of the checkpoint."""

    def edit(change):
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors")

    return edit


def test_a_model_is_ready_to_run(folder):
    model = load(folder)
    assert model.name == "damaged"
    assert not model.training
    assert model.tokenizer is None
    for parameter in model.parameters():
        assert parameter.dtype == torch.float32
        assert not parameter.requires_grad


def test_mask_buffers_of_old_checkpoints_are_left_out(folder, weights, checkpoint):
    mask = torch.ones(1, 1, 23, 23).tril()
    buffers = {f"transformer.h.{i}.attn.bias": mask.clone() for i in range(3)}
    buffers |= {f"transformer.h.{i}.attn.masked_bias": torch.tensor(-1e4) for i in range(3)}
    weights(lambda tensors: tensors.update(buffers))
    assert_close(load(folder).double()(IDS), checkpoint().reference(IDS).logits)


def test_a_second_copy_of_a_tied_table_is_left_out(folder, weights, checkpoint):
    weights(lambda tensors: tensors.update({"lm_head.weight": tensors["transformer.wte.weight"].clone()}))
    assert_close(load(folder).double()(IDS), checkpoint().reference(IDS).logits)


def test_missing_unexpected_misshapen_and_broken_weights_are_one_error(folder, weights):
    def damage(tensors):
        del tensors["transformer.h.1.ln_2.bias"]
        tensors["transformer.h.0.rotary.weight"] = torch.zeros(2)
        tensors["transformer.h.2.mlp.c_fc.weight"] = torch.zeros(15, 30)
        tensors["transformer.h.0.attn.c_attn.bias"] = torch.zeros(44)
        tensors["transformer.wpe.weight"][3, 3] = torch.nan

    weights(damage)
    with pytest.raises(ValueError, match="does not fit its config") as error:
        load(folder)
    for trouble in (
        "missing: blocks.1.mlp.norm.bias",
        "missing: blocks.0.attn.q.bias",
        "unexpected: transformer.h.0.rotary.weight",
        "misshapen: blocks.2.mlp.pre.weight is (30, 15), config.json asks for (31, 15)",
        "broken: embed.position.weight holds numbers that are not finite",
    ):
        assert trouble in str(error.value)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (15, 45, 1)])
def test_a_query_key_value_matrix_of_another_shape_is_an_error(folder, weights, shape):
    weights(lambda tensors: tensors.update({"transformer.h.0.attn.c_attn.weight": torch.zeros(shape)}))
    refused(folder, r"blocks.0.attn")


def test_a_checkpoint_without_a_head_cannot_be_untied(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint(headless=True).folder, tmp_path / "headless")
    configure(folder, tie_word_embeddings=False)
    refused(folder, r"missing: logits.weight")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(model_type="mamba"), "model_type 'mamba'; known are gpt2, llama, bert, vit"),
        (dict(model_type=...), "model_type None"),
        (dict(n_head=..., n_layer=...), "n_layer, n_head"),
        (dict(activation_function="tanh"), "'tanh' is unknown; known are gelu, gelu_new"),
        (dict(add_cross_attention=True), "asks for add_cross_attention True, which is not read here"),
        (dict(n_embd=None, n_inner=None), "no whole number for n_embd"),
        (dict(n_head=4), "width 15 cannot be shared among 4 heads"),
        (dict(n_layer=2), "unexpected: blocks.2"),
        (dict(n_layer=4), "missing: blocks.3"),
        (dict(n_layer=10**9), "1000000000"),
        (dict(vocab_size=10**12), "1000000000000"),
        (dict(n_inner=10**12), "1000000000000"),
        (dict(n_positions=10**30), str(10**30)),
        (dict(n_embd=3 * 10**11, n_inner=None), "300000000000"),
        (dict(layer_norm_epsilon="small"), "layer_norm_epsilon is 'small'"),
        (dict(layer_norm_epsilon=-1.0), "layer_norm_epsilon is -1.0"),
        (dict(tie_word_embeddings="no"), "tie_word_embeddings is 'no'"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(folder, entries, message):
    configure(folder, **entries)
    refused(folder, re.escape(message))


@pytest.mark.parametrize("prefix", ["", "transformer."])
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("wte.weight", "embed.token.weight"),
        ("h.11.ln_1.bias", "blocks.11.attn.norm.bias"),
        ("h.0.mlp.c_proj.weight", "blocks.0.mlp.out.weight"),
        ("h.3.attn.bias", None),
        ("ln_f.weight", "final_norm.weight"),
    ],
)
def test_their_names_become_ours(prefix, theirs, ours):
    assert our_name(prefix + theirs, NAMES, PREFIX) == ours


def test_a_name_that_the_table_does_not_know_stays_as_it_is():
    name = "transformer.h.0.crossattention.q_attn.weight"
    assert our_name(name, NAMES, PREFIX) == name
