"""The Hugging Face layout of LLaMA: what is read, and what is refused with its reason."""

import re

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers

import engine
from tests.engine.load.damage import configure, load, refused
from tests.engine.tiny import assert_close, prompt

LAYOUT = "llama"
IDS = torch.tensor([prompt(9)])


def test_keys_and_values_are_shared_by_neighbouring_heads(folder):
    model = load(folder)
    trace = engine.run(model, IDS)
    q, k = trace["blocks.1.attn.q_rot"], trace["blocks.1.attn.k_rot"]
    assert (q.shape[1], k.shape[1]) == (4, 2)
    for head in range(4):
        dots = q[:, head] @ k[:, head // 2].mT
        assert_close(trace["blocks.1.attn.dots"][:, head], dots, noise=1e-5)


def test_turns_kept_in_old_files_are_left_out(folder, checkpoint):
    tensors = load_file(folder / "model.safetensors")
    save_file(
        tensors | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(3)}, folder / "model.safetensors"
    )
    assert_close(load(folder).double()(IDS), checkpoint(layout="llama").reference(IDS).logits, noise=1e-4)


@pytest.mark.parametrize(
    "entries",
    [
        dict(rope_parameters={"rope_type": "default", "rope_theta": 50.0}),
        dict(rope_parameters=..., rope_theta=50.0),
        dict(rope_parameters=..., rope_theta=50.0, rope_scaling=None),
    ],
)
def test_old_and_new_files_say_the_rotary_base_in_their_own_way(folder, entries):
    configure(folder, **entries)
    assert load(folder).config.rotary_base == 50.0


def test_a_vocabulary_that_cannot_be_shown_leaves_ids(folder, checkpoint):
    pieces = [f"<0x{byte:02X}>" for byte in range(256)] + ["▁", "a", "▁a"]  # as LLaMA 2 has them
    vocabulary = {piece: id for id, piece in enumerate(pieces)}
    inner = Tokenizer(models.BPE(vocabulary, [("▁", "a")], byte_fallback=True))
    inner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    inner.save(str(folder / "tokenizer.json"))
    expected = checkpoint(layout="llama").reference(IDS).logits
    assert_close(load(folder).double()(IDS), expected, noise=1e-4)


@pytest.mark.parametrize("content", ["{", "{}", "[" * 100_000, '{"model": {"type": "WordLevel"}}'])
def test_a_damaged_vocabulary_leaves_ids_and_says_so_when_text_is_given(folder, content):
    (folder / "tokenizer.json").write_text(content)
    model = load(folder)
    assert model(IDS).shape == (1, 9, 97)
    with pytest.raises(ValueError, match=r"cannot be used \(.*tokenizer.json.*\): give token ids"):
        engine.run(model, "a a")


def test_two_entries_say_one_base_or_are_refused(folder, checkpoint):
    configure(folder, rope_theta=10_000, rope_scaling=None)
    assert_close(load(folder).double()(IDS), checkpoint(layout="llama").reference(IDS).logits, noise=1e-4)
    configure(folder, rope_theta=50.0)
    refused(folder, "rope_theta = 50.0 and rope_parameters.rope_theta = 10000.0, which are two names of one")
    configure(folder, rope_theta=..., rope_scaling={"type": "default", "rope_theta": 7.0})
    refused(folder, "rope_parameters.rope_theta = 10000.0 and rope_scaling.rope_theta = 7.0")
    configure(folder, rope_scaling={"type": "linear", "rope_type": "default"})
    refused(folder, "rope_scaling says rope_type = 'default' and type = 'linear'")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(num_attention_heads=...), "no whole number for num_attention_heads"),
        (dict(num_key_value_heads=3), "4 heads cannot share 3 key_heads evenly"),
        (dict(num_key_value_heads=1), "misshapen: blocks.0.attn.k.weight is (12, 24)"),
        (dict(head_dim=8), "misshapen: blocks.0.attn.k.weight is (12, 24)"),
        (
            dict(rope_parameters={"rope_type": "llama3"}),
            "rope_parameters asks for rope_type 'llama3'; only 'default'",
        ),
        (
            dict(rope_parameters=..., rope_scaling={"type": "linear", "factor": 2}),
            "rope_scaling asks for rope_type 'linear'; only 'default'",
        ),
        (dict(rope_parameters=[1]), "rope_parameters is [1]; it must be an object"),
        (dict(rope_parameters={"rope_theta": -1.0}), "rope_parameters: rope_theta is -1.0"),
        (dict(attention_bias=True), "missing: blocks.0.attn.k.bias"),
        (dict(hidden_act="tanh"), "hidden_act 'tanh' is unknown"),
        (dict(rms_norm_eps="small"), "norm_eps is 'small'"),
        (dict(num_hidden_layers=2), "unexpected: blocks.2"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(folder, entries, message):
    configure(folder, **entries)
    refused(folder, re.escape(message))
