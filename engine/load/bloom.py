"""The Hugging Face layout of BLOOM: ALiBi, first vectors normed, queries, keys and values in one matrix."""

from torch import Tensor

from engine.config import Config
from engine.load.layout import renamed, tied
from engine.load.settings import Settings

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
USUAL = dict(seq_length=2048, layer_norm_epsilon=1e-5, tie_word_embeddings=True)
SAME = {"n_embed": "hidden_size", "num_hidden_layers": "n_layer", "num_attention_heads": "n_head"}
HARMLESS = {"hidden_dropout", "attention_dropout", "pretraining_tp"}  # the last: how many pieces a product had
HARMLESS |= {"attention_softmax_in_fp32", "bias_dropout_fusion", "masked_softmax_fusion", "offset_alibi"}
HARMLESS |= {"skip_bias_add", "skip_bias_add_qkv"}  # of the program that trained it


def config_of(s: Settings) -> Config:
    """The shapes and choices of a BLOOM config.json; a ValueError names a setting that cannot be had."""
    names = ("vocab_size", "seq_length", "hidden_size", "n_layer", "n_head")
    vocabulary, context, width, layers, heads = s.sizes(*names)
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
        norm_eps=s.number("layer_norm_epsilon"),
        tied=s.flag("tie_word_embeddings"),
    )


def weights_of(config: Config, theirs: dict[str, Tensor]) -> tuple[Config, dict[str, Tensor]]:
    """Their tensors under our names, and the config with what they decide."""
    return tied(config, _cut(renamed(theirs, NAMES, PREFIX), config.heads))


def _cut(weights: dict[str, Tensor], heads: int) -> dict[str, Tensor]:
    """Queries, keys and values apart; theirs stand head by head, the three of a head one after the other.

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
