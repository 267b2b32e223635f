"""The Hugging Face layout of BERT: segments, norms after the additions, heads for [MASK] and next sentence."""

from dataclasses import replace

from torch import Tensor

from engine.config import Config
from engine.load.layout import renamed, tied
from engine.load.settings import Settings

# Theirs -> ours; None = left out on purpose (made anew, or a second copy). {i} is the block's number.
NAMES = {
    "embeddings.word_embeddings.weight": "embed.token.weight",
    "embeddings.position_embeddings.weight": "embed.position.weight",
    "embeddings.token_type_embeddings.weight": "embed.segment.weight",
    "embeddings.LayerNorm.{w}": "embed.norm.{w}",
    "embeddings.position_ids": None,
    "encoder.layer.{i}.attention.self.query.{w}": "blocks.{i}.attn.q.{w}",
    "encoder.layer.{i}.attention.self.key.{w}": "blocks.{i}.attn.k.{w}",
    "encoder.layer.{i}.attention.self.value.{w}": "blocks.{i}.attn.v.{w}",
    "encoder.layer.{i}.attention.output.dense.{w}": "blocks.{i}.attn.out.{w}",
    "encoder.layer.{i}.attention.output.LayerNorm.{w}": "blocks.{i}.attn.norm.{w}",
    "encoder.layer.{i}.intermediate.dense.{w}": "blocks.{i}.mlp.pre.{w}",
    "encoder.layer.{i}.output.dense.{w}": "blocks.{i}.mlp.out.{w}",
    "encoder.layer.{i}.output.LayerNorm.{w}": "blocks.{i}.mlp.norm.{w}",
    "pooler.dense.{w}": "follows.pre.{w}",
    "cls.seq_relationship.{w}": "follows.scores.{w}",
    "cls.predictions.transform.dense.{w}": "head.pre.{w}",
    "cls.predictions.transform.LayerNorm.{w}": "head.norm.{w}",
    "cls.predictions.decoder.{w}": "logits.{w}",
}
PREFIX = "bert."
OLD = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}  # files of 2018


TIED_BIAS = "cls.predictions.bias"  # the same as cls.predictions.decoder.bias where the tables are tied
USUAL = dict(type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-12, tie_word_embeddings=True)
SAME: dict[str, str] = {}
HARMLESS = {"hidden_dropout_prob", "attention_probs_dropout_prob", "directionality", "pooler_fc_size"}
HARMLESS |= {"pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type"}


def config_of(s: Settings) -> Config:
    """The shapes and choices of a BERT config.json; a ValueError names a setting that cannot be had."""
    names = ("vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers")
    vocabulary, context, width, layers = s.sizes(*names)
    heads, mlp_width, segments = s.sizes("num_attention_heads", "intermediate_size", "type_vocab_size")
    s.only("position_embedding_type", "absolute")
    return Config(
        vocabulary=vocabulary,
        context=context,
        width=width,
        layers=layers,
        heads=heads,
        mlp_width=mlp_width,
        post_norm=True,
        embed_norm=True,
        causal=False,
        segments=segments,
        ending="nothing",
        activation=s.activation("hidden_act"),
        norm_eps=s.number("layer_norm_eps"),
        tied=s.flag("tie_word_embeddings"),
    )


def weights_of(config: Config, theirs: dict[str, Tensor]) -> tuple[Config, dict[str, Tensor]]:
    """Their tensors under our names, and the config with the heads that they have."""
    weights = renamed(theirs, NAMES, PREFIX, OLD)
    masked, both = "head.pre.weight" in weights, "follows.scores.weight" in weights
    if not both:  # a pooler without its scores says nothing
        weights = {name: w for name, w in weights.items() if not name.startswith("follows.")}
    if masked:
        bias = weights.pop(TIED_BIAS, None)
        if config.tied and bias is not None:
            weights.setdefault("logits.bias", bias)
    config = replace(config, ending="masked" if masked else "nothing", next_sentence=both)
    return tied(config, weights)
