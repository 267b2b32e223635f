"""Every point equals the reference library's, through the real loader, in float64."""

import pytest
import torch

import engine
from engine.points import points_of
from tests.engine import reference
from tests.engine.tiny import assert_close, assert_same_points, at_positions, full, images, prompt

CHECKPOINTS = {
    "plain": {},
    "untied": dict(tie_word_embeddings=False),
    "unscaled": dict(scale_attn_weights=False),
    "scaled by layer": dict(scale_attn_by_inverse_layer_idx=True),
    "neither": dict(scale_attn_weights=False, scale_attn_by_inverse_layer_idx=True),
    "large epsilon": dict(layer_norm_epsilon=0.3),
    "default MLP width": dict(n_inner=None),
    "one block, one head": dict(n_layer=1, n_head=1),
    "sharded": dict(max_shard_size="5KB"),
    "sharded, untied": dict(max_shard_size="5KB", tie_word_embeddings=False),
    "float16": dict(dtype=torch.float16),
    "bfloat16": dict(dtype=torch.bfloat16),
    "without a head": dict(headless=True),
}
ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "swish")
CHECKPOINTS |= {name: dict(activation_function=name) for name in ACTIVATIONS}
LLAMA = {
    "LLaMA": {},
    "tied": dict(tie_word_embeddings=True),
    "keys of its own for each head": dict(num_key_value_heads=4),
    "one key for all heads": dict(num_key_value_heads=1),
    "biases in attention": dict(attention_bias=True),
    "biases in the MLP": dict(mlp_bias=True),
    "heads wider than their share": dict(head_dim=10),
    "another base": dict(rope_theta=50.0),
    "RMSNorm's epsilon": dict(rms_norm_eps=0.3),
    "gated by gelu": dict(hidden_act="gelu"),
    "LLaMA in shards": dict(max_shard_size="5KB"),
    "LLaMA in bfloat16": dict(dtype=torch.bfloat16),
    "LLaMA without a head, tied": dict(headless=True, tie_word_embeddings=True),
}
BERT = {
    "BERT": {},
    "BERT for [MASK] alone": dict(ending="masked"),
    "BERT without heads": dict(ending="none"),
    "BERT in shards": dict(max_shard_size="5KB"),
    "BERT with other choices": dict(hidden_act="relu", layer_norm_eps=0.3, type_vocab_size=3),
    "BERT in float16": dict(dtype=torch.float16),
}
CHECKPOINTS |= {name: dict(layout="llama", **choices) for name, choices in LLAMA.items()}
MIXTRAL = {
    "Mixtral": {},
    "experts: one of two": dict(num_local_experts=2, num_experts_per_tok=1),
    "experts: all": dict(num_local_experts=3, num_experts_per_tok=3),
    "experts: more than ten": dict(num_local_experts=12, num_experts_per_tok=3),
    "experts: with other choices": dict(hidden_act="gelu", rms_norm_eps=0.3, rope_theta=50.0, head_dim=10),
    "experts: tied": dict(tie_word_embeddings=True),
    "Mixtral in shards": dict(max_shard_size="5KB"),
    "Mixtral in bfloat16": dict(dtype=torch.bfloat16),
}
CHECKPOINTS |= {name: dict(layout="mixtral", **choices) for name, choices in MIXTRAL.items()}
CHECKPOINTS |= {name: dict(layout="bert", **choices) for name, choices in BERT.items()}
QWEN = {
    "Qwen3": {},
    "Qwen3, tied": dict(tie_word_embeddings=True),
    "Qwen3, a key for each head": dict(num_key_value_heads=4),
    "Qwen3 with biases in attention": dict(attention_bias=True),
    "Qwen3's heads as wide as their share": dict(head_dim=6),
    "Qwen3, another base": dict(rope_theta=50.0),
    "Qwen3's epsilon": dict(rms_norm_eps=0.3),
    "Qwen3 in shards": dict(max_shard_size="5KB"),
    "Qwen3 in bfloat16": dict(dtype=torch.bfloat16),
}
CHECKPOINTS |= {name: dict(layout="qwen3", **choices) for name, choices in QWEN.items()}
BLOOM = {
    "BLOOM": {},
    "BLOOM of 4 heads": dict(n_head=4, hidden_size=16),
    "BLOOM, untied": dict(tie_word_embeddings=False),
    "BLOOM's epsilon": dict(layer_norm_epsilon=0.3),
    "BLOOM in shards": dict(max_shard_size="5KB"),
    "BLOOM in bfloat16": dict(dtype=torch.bfloat16),
    "BLOOM without a head": dict(headless=True),
}
CHECKPOINTS |= {name: dict(layout="bloom", **choices) for name, choices in BLOOM.items()}
VIT = {
    "ViT": {},
    "ViT without classes": dict(classes=False),
    "ViT in shards": dict(max_shard_size="5KB"),
    "ViT with other choices": dict(hidden_act="relu", layer_norm_eps=0.3, patch_size=3, num_channels=1),
    "ViT in float16": dict(dtype=torch.float16),
}
NOISE = {
    "gpt2": 1e-9,
    "bert": 1e-9,
    "llama": 1e-4,  # its RMSNorm and its turns are in float32 always
    "mixtral": 1e-4,  # so are its shares
    "qwen3": 1e-4,  # as LLaMA's
    "bloom": 1e-5,  # its softmax is
}


@pytest.fixture(params=CHECKPOINTS)
def pair(request, checkpoint):
    """Our model and the reference's, from one checkpoint."""
    saved = checkpoint(**CHECKPOINTS[request.param])
    return engine.load(saved.folder, device="cpu").double(), saved.reference


def test_every_point_equals_the_reference(pair):
    model, theirs = pair
    ids = torch.tensor([prompt(17, seed=1), prompt(17, seed=2)])
    segments = torch.tensor([[0] * 9 + [1] * 8, [0] * 17]) if model.config.segments else None
    expected = reference.points(theirs, ids, None, *([] if segments is None else [segments]))
    trace = full(model, ids, segments=segments)
    assert set(expected) == set(trace.points())
    assert_same_points(trace, expected, noise=NOISE[theirs.config.model_type])


SIDES = [
    ("right", "gpt2"),
    ("left", "gpt2"),
    ("right", "llama"),
    ("right", "mixtral"),
    ("right", "bert"),
    ("right", "bloom"),
    ("right", "qwen3"),
]


# Rows that are all padding are NaN in float64 in the reference's LLaMA, BLOOM and Qwen3, and NaN spreads:
# right side alone.
@pytest.mark.parametrize("choices", VIT.values(), ids=VIT)
def test_every_point_of_an_image_equals_the_reference(choices, checkpoint):
    saved = checkpoint(layout="vit", **choices)
    model = engine.load(saved.folder, device="cpu").double()
    pictures = images().double()[:, : model.config.channels]
    expected, trace = reference.points(saved.reference, pictures), full(model, pictures)
    assert set(expected) == set(trace.points())
    assert_same_points(trace, expected, noise=1e-5)  # the reference's softmax is in float32 always


@pytest.mark.parametrize(("side", "layout"), SIDES)
def test_padding_changes_no_real_position(side, layout, checkpoint):
    saved = checkpoint(layout=layout)
    model, lengths = engine.load(saved.folder, device="cpu").double(), (17, 9, 1)
    ids = torch.tensor([prompt(17, seed=seed) for seed in range(3)])
    place = torch.arange(17)
    if side == "left":
        place = place.flip(0)
    padding = place < torch.tensor(lengths)[:, None]
    none = [None] if layout == "bert" else []  # segments
    with reference.placed(saved.reference, padding):
        expected = reference.points(saved.reference, ids, padding, *none)
    trace = full(model, ids, padding=padding)
    for name, point in points_of(model.config).items():
        for row, real in enumerate(padding):
            got, wanted = (at_positions(x[name][row], point.axes[1:], real) for x in (trace, expected))
            where = f"first differing point: {name}, prompt {row}"
            assert_close(got, wanted, where, NOISE[layout])


def test_a_full_context_equals_the_reference(checkpoint):
    saved = checkpoint()
    model, ids = engine.load(saved.folder, device="cpu").double(), torch.tensor([prompt(23)])
    assert_close(model(ids), saved.reference(ids).logits)
