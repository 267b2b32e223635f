"""The Hugging Face layout of Mixtral: what is read beside LLaMA's, and what is refused with its reason."""

import re
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.load import glassbox
from engine.model.build import model_of
from tests.engine.load.damage import configure, load, refused
from tests.engine.tiny import assert_close, prompt

LAYOUT = "mixtral"
IDS = torch.tensor([prompt(9)])


def change(folder, change_of) -> None:
    tensors = load_file(folder / "model.safetensors")
    change_of(tensors)
    save_file(tensors, folder / "model.safetensors")


def test_the_silent_pass_equals_the_reference(folder, checkpoint):
    assert_close(load(folder).double()(IDS), checkpoint(layout="mixtral").reference(IDS).logits, noise=1e-4)


def test_entries_that_are_left_out_are_mixtrals_own(folder):
    entries = ("num_experts_per_tok", "rms_norm_eps", "rope_parameters")
    configure(folder, **dict.fromkeys(entries, ...), sliding_window=..., router_jitter_noise=...)
    config = load(folder).config
    assert (config.experts, config.experts_used) == (5, 2)
    assert (config.norm_eps, config.rotary_base) == (1e-5, 1e6)
    configure(folder, num_local_experts=...)
    refused(folder, re.escape("missing: blocks.0.mlp.experts.5.out.weight"))


def test_a_folder_of_our_own_keeps_its_experts(folder, tmp_path, rank_tokenizer):
    model = load(folder)
    other = model_of(replace(model.config, vocabulary=len(rank_tokenizer)))
    other.tokenizer = rank_tokenizer
    glassbox.write(other.half().float(), tmp_path / "own")
    again = load(tmp_path / "own")
    assert again.config == other.config
    assert_close(again(IDS), other(IDS).detach(), noise=1e-5)
    configure(tmp_path / "own", experts=10**9)
    refused(tmp_path / "own", "experts = 1000000000")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(sliding_window=4096), "asks for sliding_window 4096; only None is read here"),
        (dict(router_jitter_noise=0.1), "asks for router_jitter_noise 0.1; only 0 is read here"),
        (dict(rope_parameters={"rope_type": "yarn"}), "rope_type 'yarn'; only 'default'"),
        (
            dict(rope_parameters=..., rope_scaling={"type": "linear", "factor": 2}),
            "rope_type 'linear'; only 'default'",
        ),
        (dict(num_local_experts="five"), "no whole number for num_local_experts"),
        (dict(num_local_experts=0), "num_local_experts is 0; it must be a whole number of 1 or more"),
        (dict(num_local_experts=10**9), "experts = 1000000000"),
        (dict(num_local_experts=4), "unexpected: blocks.0.mlp.experts.4.out.weight"),
        (dict(num_local_experts=6), "missing: blocks.0.mlp.experts.5.out.weight"),
        (dict(num_experts_per_tok=6), "a token cannot go to 6 experts_used of 5 experts"),
        (dict(num_experts_per_tok=0), "num_experts_per_tok is 0"),
        (dict(hidden_act="tanh"), "hidden_act 'tanh' is unknown"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(folder, entries, message):
    configure(folder, **entries)
    refused(folder, re.escape(message))


@pytest.mark.parametrize(
    ("change_of", "message"),
    [
        (lambda t: t.pop("model.layers.1.block_sparse_moe.gate.weight"), "missing: blocks.1.mlp.router.weight"),
        (
            lambda t: t.pop("model.layers.2.block_sparse_moe.experts.3.w3.weight"),
            "missing: blocks.2.mlp.experts.3.up.weight",
        ),
        (
            lambda t: t.update({"model.layers.0.mlp.up_proj.weight": torch.ones(31, 24)}),
            "unexpected: blocks.0.mlp.up.weight",
        ),
        (
            lambda t: t.update({"model.layers.0.block_sparse_moe.experts.0.w1.bias": torch.ones(31)}),
            "unexpected: model.layers.0.block_sparse_moe.experts.0.w1.bias",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(folder, change_of, message):
    change(folder, change_of)
    refused(folder, re.escape(message))
