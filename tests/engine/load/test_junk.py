"""Whatever stands in a config.json, a checkpoint is refused with a reason or runs."""

import shutil

import pytest
import torch

import engine
from tests.engine.load.damage import configure
from tests.engine.tiny import images, prompt

JUNK = [None, "x", "12", [], {}, -1, 0, 1.5, True, 10**12, 10**30, float("nan")]
ENTRIES = {
    "gpt2": [
        "vocab_size",
        "n_positions",
        "n_embd",
        "n_layer",
        "n_head",
        "n_inner",
        "activation_function",
        "layer_norm_epsilon",
        "tie_word_embeddings",
        "scale_attn_weights",
        "scale_attn_by_inverse_layer_idx",
        "add_cross_attention",
        "model_type",
    ],
    "llama": [
        "vocab_size",
        "max_position_embeddings",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "intermediate_size",
        "head_dim",
        "hidden_act",
        "rms_norm_eps",
        "tie_word_embeddings",
        "attention_bias",
        "mlp_bias",
        "rope_theta",
        "rope_scaling",
        "rope_parameters",
    ],
    "bert": [
        "vocab_size",
        "max_position_embeddings",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "type_vocab_size",
        "hidden_act",
        "layer_norm_eps",
        "tie_word_embeddings",
        "position_embedding_type",
        "is_decoder",
    ],
    "vit": [
        "image_size",
        "patch_size",
        "num_channels",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "hidden_act",
        "layer_norm_eps",
        "qkv_bias",
    ],
}
ENTRIES["mixtral"] = [
    "num_key_value_heads",
    "rms_norm_eps",
    "rope_theta",
    "attention_bias",
    "num_local_experts",
    "num_experts_per_tok",
    "sliding_window",
    "router_jitter_noise",
]
ENTRIES["t5"] = [
    "vocab_size",
    "d_model",
    "d_kv",
    "d_ff",
    "num_layers",
    "num_decoder_layers",
    "num_heads",
    "n_positions",
    "relative_attention_num_buckets",
    "relative_attention_max_distance",
    "layer_norm_epsilon",
    "feed_forward_proj",
    "tie_word_embeddings",
    "scale_decoder_outputs",
    "decoder_start_token_id",
    "pad_token_id",
    "eos_token_id",
]
ENTRIES["bloom"] = [
    "vocab_size",
    "seq_length",
    "hidden_size",
    "n_embed",
    "n_layer",
    "n_head",
    "layer_norm_epsilon",
    "tie_word_embeddings",
    "apply_residual_connection_post_layernorm",
    "slow_but_exact",
]
ENTRIES["qwen3"] = [*ENTRIES["llama"], "use_sliding_window", "sliding_window", "layer_types"]
CASES = [(layout, entry) for layout, entries in ENTRIES.items() for entry in entries]


@pytest.mark.parametrize(("layout", "entry"), CASES)
@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_junk_in_a_config_is_refused_or_harmless(checkpoint, tmp_path, layout, entry, junk):
    folder = shutil.copytree(checkpoint(layout=layout).folder, tmp_path / "damaged")
    configure(folder, **{entry: junk})
    ids = torch.tensor([prompt(9)])
    given, shape = ((images(),), (2, 5)) if layout == "vit" else ((ids,), (1, 9, 97))
    given = (ids[:, :4], ids) if layout == "t5" else given
    try:
        model = engine.load(folder, device="cpu")
    except ValueError as error:
        assert str(error)
    else:
        assert model(*given).shape == shape
