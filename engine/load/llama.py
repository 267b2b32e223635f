"""The Hugging Face layout of LLaMA: RMSNorm, rotary positions, shared keys and values, a gated MLP."""

from pathlib import Path

from engine.config import Config
from engine.load.folder import build, read_weights
from engine.load.layout import activation, renamed, sizes
from engine.model.transformer import Transformer

# Theirs -> ours; None = left out on purpose (recomputed from the config). {i} is the block's number.
NAMES = {
    "embed_tokens.weight": "embed.token.weight",
    "layers.{i}.input_layernorm.weight": "blocks.{i}.attn.norm.weight",
    "layers.{i}.self_attn.q_proj.{w}": "blocks.{i}.attn.q.{w}",
    "layers.{i}.self_attn.k_proj.{w}": "blocks.{i}.attn.k.{w}",
    "layers.{i}.self_attn.v_proj.{w}": "blocks.{i}.attn.v.{w}",
    "layers.{i}.self_attn.o_proj.{w}": "blocks.{i}.attn.out.{w}",
    "layers.{i}.self_attn.rotary_emb.inv_freq": None,
    "layers.{i}.post_attention_layernorm.weight": "blocks.{i}.mlp.norm.weight",
    "layers.{i}.mlp.gate_proj.{w}": "blocks.{i}.mlp.pre.{w}",
    "layers.{i}.mlp.up_proj.{w}": "blocks.{i}.mlp.up.{w}",
    "layers.{i}.mlp.down_proj.{w}": "blocks.{i}.mlp.out.{w}",
    "norm.weight": "final_norm.weight",
    "lm_head.weight": "logits.weight",
}
PREFIX = "model."


def read(folder: Path, config: dict) -> Transformer:
    """A LLaMA checkpoint folder -> the decoder; a ValueError names a setting or weight that it cannot have."""
    shapes = config_of(folder, config)
    return build(shapes, renamed(read_weights(folder), NAMES, PREFIX, shapes.tied), str(folder))


def config_of(folder: Path, c: dict) -> Config:
    """The shapes and choices of a LLaMA config.json; a ValueError names a setting that is not supported."""
    names = ("vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers")
    vocabulary, context, width, layers = sizes(folder, c, *names)
    heads, mlp_width = sizes(folder, c, "num_attention_heads", "intermediate_size")
    return Config(
        vocabulary=vocabulary,
        context=context,
        width=width,
        layers=layers,
        heads=heads,
        mlp_width=mlp_width,
        key_heads=c.get("num_key_value_heads"),
        head_width=c.get("head_dim"),
        gated=True,
        attention_bias=c.get("attention_bias", False),
        mlp_bias=c.get("mlp_bias", False),
        norm="rms",
        activation=activation(folder, c, "hidden_act", "silu"),
        positions="rotary",
        rotary_base=_rotary_base(folder, c),
        norm_eps=c.get("rms_norm_eps", 1e-6),
        tied=c.get("tie_word_embeddings", False),
    )


def _rotary_base(folder: Path, c: dict) -> float:
    """The base of the rotary frequencies; newer files keep it in a separate entry."""
    rotary = c.get("rope_parameters") or c.get("rope_scaling") or {}
    if not isinstance(rotary, dict):
        raise ValueError(f"{folder}/config.json: the rotary entry is {rotary!r}, not an object {{…}}")
    kind = rotary.get("rope_type", rotary.get("type", "default"))
    if kind != "default":
        raise ValueError(
            f"{folder}/config.json asks for {kind!r} rotary positions; only 'default' is read here"
        )
    return rotary.get("rope_theta", c.get("rope_theta", 10_000.0))
