"""The Hugging Face layout of BERT: segments, norms after the additions, heads for [MASK] and next sentence."""

from pathlib import Path

from engine.config import Config
from engine.load.folder import build, read_weights
from engine.load.layout import activation, renamed, sizes
from engine.model.transformer import Transformer

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
    "cls.predictions.bias": "logits.bias",
    "cls.predictions.decoder.weight": "logits.weight",
    "cls.predictions.decoder.bias": None,
}
PREFIX = "bert."
OLD = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}  # files of 2018


def read(folder: Path, config: dict) -> Transformer:
    """A BERT checkpoint folder -> the encoder; a ValueError names a setting or weight that it cannot have."""
    theirs = {_today(name): w for name, w in read_weights(folder).items()}
    tied = config.get("tie_word_embeddings", True)
    weights = renamed(theirs, NAMES, PREFIX, tied)
    masked, both = "head.pre.weight" in weights, "follows.scores.weight" in weights
    if not both:  # a pooler without its scores says nothing
        weights = {name: w for name, w in weights.items() if not name.startswith("follows.")}
    return build(_config(folder, config, masked, both), weights, str(folder))


def _today(name: str) -> str:
    for old, new in OLD.items():
        name = name.replace(old, new)
    return name


def _config(folder: Path, c: dict, masked: bool, both: bool) -> Config:
    names = ("vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers")
    vocabulary, context, width, layers = sizes(folder, c, *names)
    heads, mlp_width, segments = sizes(
        folder, {"type_vocab_size": 2} | c, "num_attention_heads", "intermediate_size", "type_vocab_size"
    )
    kind = c.get("position_embedding_type", "absolute")
    if kind != "absolute":
        raise ValueError(f"{folder}/config.json asks for {kind!r} positions; only 'absolute' is read here")
    if c.get("is_decoder"):
        raise ValueError(f"{folder}/config.json asks for BERT as a decoder, which is not read here")
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
        ending="masked" if masked else "nothing",
        next_sentence=both,
        activation=activation(folder, c, "hidden_act", "gelu"),
        norm_eps=c.get("layer_norm_eps", 1e-12),
        tied=c.get("tie_word_embeddings", True),
    )
