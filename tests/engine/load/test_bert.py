"""The Hugging Face layout of BERT: with which heads it is read, and what is refused with its reason."""

import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.masked import fill, follows
from tests.engine.load.damage import configure, load, refused
from tests.engine.tiny import assert_close, prompt

LAYOUT = "bert"
IDS = torch.tensor([prompt(9)])


@pytest.mark.parametrize(
    ("ending", "has"), [("both", ("masked", True)), ("masked", ("masked", False)), ("none", ("nothing", False))]
)
def test_a_checkpoint_is_read_with_the_heads_it_has(checkpoint, ending, has):
    model = load(checkpoint(layout="bert", ending=ending).folder)
    assert (model.config.ending, model.config.next_sentence) == has
    assert model(IDS).shape[-1] == (model.config.width if ending == "none" else 97)


def test_names_of_2018_are_read_too(folder, checkpoint):
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    tensors = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        for new, before in old.items():
            name = name.replace(new, before)
        tensors[name] = tensor
    save_file(tensors, folder / "model.safetensors")
    expected = checkpoint(layout="bert").reference(IDS).prediction_logits
    assert_close(load(folder).double()(IDS), expected)


def test_its_vocabulary_comes_with_it(folder, wordpiece_json):
    shutil.copy(wordpiece_json, folder / "tokenizer.json")
    assert load(folder).tokenizer.encode("[MASK]")[1] == load(folder).tokenizer.mask


def test_without_a_vocabulary_it_fills_no_text(folder):
    model = load(folder)
    with pytest.raises(ValueError, match=r"came without a tokenizer.json: give token ids, not text"):
        fill(model, "a [MASK]")
    with pytest.raises(ValueError, match=r"came without a tokenizer.json"):
        follows(model, "a", "b")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(intermediate_size=...), "no whole number for intermediate_size"),
        (dict(num_attention_heads=4), "width 15 cannot be divided among 4 heads"),
        (
            dict(position_embedding_type="relative_key"),
            "position_embedding_type 'relative_key'; only 'absolute' is read",
        ),
        (dict(is_decoder=True), "asks for is_decoder True, which is not read here"),
        (dict(type_vocab_size=3), "misshapen: embed.segment.weight is (2, 15)"),
        (dict(hidden_act="tanh"), "hidden_act 'tanh' is unknown"),
        (dict(num_hidden_layers=2), "unexpected: blocks.2"),
        (dict(tie_word_embeddings=False), "missing: logits.weight"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(folder, entries, message):
    configure(folder, **entries)
    refused(folder, re.escape(message))
