"""The Hugging Face layout of BLOOM: ALiBi, normalised embeddings, queries, keys and values in one matrix."""

from pathlib import Path

from torch import Tensor

from engine.config import Config
from engine.load.folder import build, read_weights
from engine.load.layout import renamed, sizes
from engine.model.transformer import Transformer

# Theirs -> ours. {i} is the block's number.
NAMES = {
    "word_embeddings.weight": "embed.token.weight",
    "word_embeddings_layernorm.{w}": "embed.norm.{w}",
    "h.{i}.input_layernorm.{w}": "blocks.{i}.attn.norm.{w}",
    "h.{i}.self_attention.query_key_value.{w}": "blocks.{i}.attn.qkv.{w}",  # cut into q, k, v below
    "h.{i}.self_attention.dense.{w}": "blocks.{i}.attn.out.{w}",
    "h.{i}.post_attention_layernorm.{w}": "blocks.{i}.mlp.norm.{w}",
    "h.{i}.mlp.dense_h_to_4h.{w}": "blocks.{i}.mlp.pre.{w}",
    "h.{i}.mlp.dense_4h_to_h.{w}": "blocks.{i}.mlp.out.{w}",
    "ln_f.{w}": "final_norm.{w}",
    "lm_head.weight": "logits.weight",
}
PREFIX = "transformer."
OLD = {"n_embed": "hidden_size", "num_hidden_layers": "n_layer", "num_attention_heads": "n_head"}
UNREAD = ("apply_residual_connection_post_layernorm", "slow_but_exact")


def read(folder: Path, config: dict) -> Transformer:
    """A BLOOM checkpoint folder -> the decoder; a ValueError names a setting or weight that it cannot have."""
    shapes = _config(folder, config)
    weights = renamed(read_weights(folder), NAMES, PREFIX, shapes.tied)
    return build(shapes, _cut(weights, shapes.heads), str(folder))


def _config(folder: Path, c: dict) -> Config:
    for name in UNREAD:
        if c.get(name):
            raise ValueError(f"{folder}/config.json asks for {name}, which is not read here")
    c = {"seq_length": 2048} | {today: c[old] for old, today in OLD.items() if old in c} | c
    names = ("vocab_size", "seq_length", "hidden_size", "n_layer", "n_head")
    vocabulary, context, width, layers, heads = sizes(folder, c, *names)
    return Config(
        vocabulary=vocabulary,
        context=context,
        width=width,
        layers=layers,
        heads=heads,
        mlp_width=4 * width,
        embed_norm=True,
        activation="gelu_tanh",
        positions="alibi",
        norm_eps=c.get("layer_norm_epsilon", 1e-5),
        tied=c.get("tie_word_embeddings", True),
    )


def _cut(weights: dict[str, Tensor], heads: int) -> dict[str, Tensor]:
    """Split queries, keys and values; theirs are interleaved head by head.

    A tensor that cannot be cut so stays, to be complained about.
    """
    ours: dict[str, Tensor] = {}
    for name, w in weights.items():
        if ".qkv." in name and w.dim() and len(w) % (3 * heads) == 0:
            parts = w.reshape(heads, 3, len(w) // (3 * heads), *w.shape[1:])
            ours |= {name.replace("qkv", part): parts[:, i].flatten(0, 1) for i, part in enumerate("qkv")}
        else:
            ours[name] = w
    return ours
