"""The Hugging Face layout of T5: both versions, its vocabulary, and what is refused with its reason."""

import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import engine
from engine.decode import generate
from tests.engine.load.damage import configure, load, refused
from tests.engine.tiny import assert_close, prompt

LAYOUT = "t5"
IDS, TARGET = torch.tensor([prompt(9)]), torch.tensor([[0, *prompt(5)]])


def expected(checkpoint) -> torch.Tensor:
    return checkpoint(layout="t5").reference(input_ids=IDS, decoder_input_ids=TARGET).logits


def test_a_text_starts_with_padding_and_ends_with_its_end(folder):
    model = load(folder)
    assert (model.start, model.end) == (0, 1)
    configure(folder, decoder_start_token_id=7, eos_token_id=9)
    model = load(folder)
    assert (model.start, model.end) == (7, 9)


def test_copies_of_the_one_table_are_left_out(folder, checkpoint):
    tensors = load_file(folder / "model.safetensors")
    table = tensors["shared.weight"]
    names = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")
    save_file(tensors | {name: table.clone() for name in names}, folder / "model.safetensors")
    model = load(folder)
    assert model.decoder.logits.weight is model.encoder.embed.token.weight
    assert_close(model.double()(IDS, TARGET), expected(checkpoint), noise=1e-4)


def test_a_table_of_distances_between_two_texts_is_left_out(folder, checkpoint):
    tensors = load_file(folder / "model.safetensors")
    name = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
    save_file(tensors | {name: torch.ones(8, 3)}, folder / "model.safetensors")
    assert_close(load(folder).double()(IDS, TARGET), expected(checkpoint), noise=1e-4)


@pytest.mark.parametrize(
    ("entries", "scaled"),
    [
        (dict(tie_word_embeddings=..., scale_decoder_outputs=...), True),
        (dict(tie_word_embeddings=False, scale_decoder_outputs=...), False),
        (dict(scale_decoder_outputs=False), False),
    ],
)
def test_old_and_new_files_say_in_their_own_way_whether_the_last_vectors_are_scaled(folder, entries, scaled):
    configure(folder, **entries)
    assert load(folder).config.decoder.scale_logits is scaled


def test_its_vocabulary_comes_with_it(folder, unigram_json):
    assert not engine.survey(folder).model.fills_spans
    shutil.copy(unigram_json, folder / "tokenizer.json")
    model = load(folder)
    assert model.fills_spans and engine.survey(folder).model.fills_spans
    trace = engine.run(model, "The cat sat", target="the mat")
    assert b"".join(trace.tokens()) == b" The cat sat</s>"
    assert trace.target_tokens()[0] == b"<pad>"
    assert b"".join(trace.target_tokens()[1:]) == b" the mat"
    configure(folder, eos_token_id=96)  # no entry of the vocabulary: the text never ends
    assert all(step.id < 97 for step, _ in zip(generate(load(folder), [3, 4]), range(1), strict=False))


def test_a_vocabulary_of_another_kind_is_refused(folder, tokenizer_json):
    shutil.copy(tokenizer_json, folder / "tokenizer.json")
    with pytest.raises(ValueError, match=r"BPE cut by ByteLevel.*: give token ids, not text"):
        engine.run(load(folder), "The cat sat")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (dict(d_model=...), "no whole number for d_model"),
        (dict(d_kv=5), "misshapen: decoder.blocks.0.attn.k.weight is (12, 15)"),
        (dict(num_layers=1, num_decoder_layers=2), "unexpected: encoder.blocks.1"),
        (dict(num_decoder_layers=3), "missing: decoder.blocks.2"),
        (dict(relative_attention_num_buckets=9), "misshapen: decoder.blocks.0.attn.bias.weight is (8, 3)"),
        (dict(relative_attention_max_distance=4), "max_distance is 4; with 8 buckets"),
        (dict(feed_forward_proj="swiglu"), "feed_forward_proj 'swiglu' is unknown"),
        (dict(feed_forward_proj="doubly-gelu"), "feed_forward_proj 'doubly-gelu' is unknown"),
        (dict(feed_forward_proj="gated-relu"), "says feed_forward_proj 'gated-relu' but is_gated_act False"),
        (dict(feed_forward_proj="gated-relu", is_gated_act=True), "missing: decoder.blocks.0.mlp.up.weight"),
        (dict(eos_token_id=97), "end is 97; it must be a token from 0 to 96"),
        (dict(scale_decoder_outputs=1), "scale_decoder_outputs is 1"),
        (dict(layer_norm_epsilon=-1.0), "layer_norm_epsilon is -1.0"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(folder, entries, message):
    configure(folder, **entries)
    refused(folder, re.escape(message))
