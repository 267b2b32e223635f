"""The Hugging Face layout of LLaMA: RMSNorm, rotary positions, shared keys and values, a gated MLP."""

from torch import Tensor

from engine.config import Config
from engine.load.layout import renamed, tied
from engine.load.settings import Settings, shown

# Theirs -> ours; None = left out on purpose (made anew from the config). {i} is the block's number.
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


USUAL = dict(
    hidden_act="silu", rms_norm_eps=1e-6, tie_word_embeddings=False, attention_bias=False, mlp_bias=False
)
SAME: dict[str, str] = {}
HARMLESS = {"attention_dropout", "pretraining_tp"}  # the latter: in how many pieces the same products are taken


def config_of(s: Settings, base: float = 10_000.0) -> Config:
    """The shapes and choices of a LLaMA config.json; a ValueError names a setting that cannot be had.

    base: of rotary positions, where the file does not say
    """
    names = ("vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers")
    vocabulary, context, width, layers = s.sizes(*names)
    heads, mlp_width = s.sizes("num_attention_heads", "intermediate_size")
    return Config(
        vocabulary=vocabulary,
        context=context,
        width=width,
        layers=layers,
        heads=heads,
        mlp_width=mlp_width,
        key_heads=s.size("num_key_value_heads", usual=heads),
        head_width=s.size("head_dim", usual=None),
        gated=True,
        attention_bias=s.flag("attention_bias"),
        mlp_bias=s.flag("mlp_bias"),
        norm="rms",
        activation=s.activation("hidden_act"),
        positions="rotary",
        rotary_base=_rotary_base(s, base),
        norm_eps=s.number("rms_norm_eps"),
        tied=s.flag("tie_word_embeddings"),
    )


def _rotary_base(s: Settings, usual: float) -> float:
    """How slowly the slowest pair turns; old files say it beside the rest, new ones in an entry of its own."""
    told = {}
    for name in (None, "rope_parameters", "rope_scaling"):
        part = s.inside(name, same={"type": "rope_type"}) if name else s
        part.only("rope_type", "default")
        part.only("partial_rotary_factor", 1)
        if part.get("rope_theta") is not None:
            told[f"{name}.rope_theta" if name else "rope_theta"] = part.number("rope_theta")
        if name:
            part.close()
    if len(set(told.values())) > 1:
        both = " and ".join(f"{name} = {shown(base)}" for name, base in told.items())
        raise ValueError(f"{s.source} says {both}, which are two names of one setting: take one out")
    return next(iter(told.values()), usual)


def weights_of(config: Config, theirs: dict[str, Tensor]) -> tuple[Config, dict[str, Tensor]]:
    """Their tensors under our names, and the config with what they decide."""
    return tied(config, renamed(theirs, NAMES, PREFIX))
