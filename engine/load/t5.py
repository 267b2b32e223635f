"""The Hugging Face layout of T5: two stacks, RMSNorm, no biases, relative positions."""

from pathlib import Path

import torch

from engine.config import Config, PairConfig
from engine.load.folder import build, read_weights
from engine.load.layout import activation, renamed, sizes
from engine.model.encoder_decoder import EncoderDecoder

# Theirs -> ours, for a block's parts and for a stack. T5 calls the parts of a block its layers: self-attention,
# in the decoder cross-attention, the MLP.
ATTENTION = {"q": "q", "k": "k", "v": "v", "o": "out", "relative_attention_bias": "bias"}
MLP = {"wi": "pre", "wi_0": "pre", "wi_1": "up", "wo": "out"}
LAYERS = {
    "encoder": {"attn": ("SelfAttention", ATTENTION), "mlp": ("DenseReluDense", MLP)},
    "decoder": {
        "attn": ("SelfAttention", ATTENTION),
        "cross": ("EncDecAttention", ATTENTION),
        "mlp": ("DenseReluDense", MLP),
    },
}
TABLES = ("shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight")  # copies of one table
UNREAD = "decoder.blocks.0.cross.bias.weight"  # of old files: a distance between two texts means nothing


def _names() -> dict[str, str | None]:
    """Theirs -> ours; {i} is the block's number."""
    names: dict[str, str | None] = dict.fromkeys(TABLES, "encoder.embed.token.weight")
    names["lm_head.weight"] = "decoder.logits.weight"
    for stack, layers in LAYERS.items():
        names[f"{stack}.final_layer_norm.weight"] = f"{stack}.final_norm.weight"
        for number, (part, (inside, table)) in enumerate(layers.items()):
            theirs, ours = f"{stack}.block.{{i}}.layer.{number}", f"{stack}.blocks.{{i}}.{part}"
            names[f"{theirs}.layer_norm.weight"] = f"{ours}.norm.weight"
            names |= {f"{theirs}.{inside}.{a}.weight": f"{ours}.{b}.weight" for a, b in table.items()}
    return names


NAMES = _names()


def read(folder: Path, config: dict) -> EncoderDecoder:
    """A T5 checkpoint folder -> both stacks; a ValueError names a setting or weight that they cannot have."""
    weights = renamed(read_weights(folder), NAMES, prefix="", tied=False)
    weights.pop(UNREAD, None)
    table, logits = (weights.get(name) for name in ("encoder.embed.token.weight", "decoder.logits.weight"))
    if table is not None and logits is not None and torch.equal(table, logits):
        weights.pop("decoder.logits.weight")
    return build(_config(folder, config, tied="decoder.logits.weight" not in weights), weights, str(folder))


def _config(folder: Path, c: dict, tied: bool) -> PairConfig:
    """Version 1.0 has one table for everything and scales the last vectors; 1.1 has logits of its own."""
    names = ("vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_heads")
    vocabulary, width, head_width, mlp_width, layers, heads = sizes(folder, c, *names)
    usual = dict(n_positions=512, relative_attention_num_buckets=32, relative_attention_max_distance=128)
    context, buckets, max_distance = sizes(folder, usual | c, *usual)
    gate, _, unit = str(c.get("feed_forward_proj", "relu")).rpartition("-")
    if gate not in ("", "gated"):
        raise ValueError(f"{folder}/config.json: feed_forward_proj {c['feed_forward_proj']!r} is unknown")
    unit = "gelu_new" if (gate, unit) == ("gated", "gelu") else unit
    stack = dict(
        vocabulary=vocabulary,
        context=context,
        width=width,
        heads=heads,
        head_width=head_width,
        mlp_width=mlp_width,
        gated=gate == "gated",
        attention_bias=False,
        mlp_bias=False,
        norm="rms",
        activation=activation(folder, {"feed_forward_proj": unit}, "feed_forward_proj", "relu"),
        positions="relative",
        buckets=buckets,
        max_distance=max_distance,
        norm_eps=c.get("layer_norm_epsilon", 1e-6),
        scale_scores=False,
    )
    deep, start = c.get("num_decoder_layers"), c.get("decoder_start_token_id")
    return PairConfig(
        encoder=Config(**stack, layers=layers, causal=False, ending="nothing"),
        decoder=Config(
            **stack,
            layers=layers if deep is None else deep,
            memory=width,
            scale_logits=c.get("scale_decoder_outputs", c.get("tie_word_embeddings", True) is not False),
            tied=tied,
        ),
        start=c.get("pad_token_id", 0) if start is None else start,
        end=c.get("eos_token_id", 1),
        shared=True,
    )
