"""The Hugging Face layout of ViT: an image in patches, a first vector, classes."""

from pathlib import Path

from torch import Tensor

from engine.config import Config
from engine.load.folder import build, read_weights
from engine.load.layout import activation, renamed, sizes
from engine.model.transformer import Transformer

# Theirs -> ours; None = left out on purpose. {i} is the block's number.
NAMES = {
    "embeddings.cls_token": "embed.first",
    "embeddings.position_embeddings": "embed.position.weight",
    "embeddings.patch_embeddings.projection.{w}": "embed.patch.{w}",
    "encoder.layer.{i}.layernorm_before.{w}": "blocks.{i}.attn.norm.{w}",
    "encoder.layer.{i}.attention.attention.query.{w}": "blocks.{i}.attn.q.{w}",
    "encoder.layer.{i}.attention.attention.key.{w}": "blocks.{i}.attn.k.{w}",
    "encoder.layer.{i}.attention.attention.value.{w}": "blocks.{i}.attn.v.{w}",
    "encoder.layer.{i}.attention.output.dense.{w}": "blocks.{i}.attn.out.{w}",
    "encoder.layer.{i}.layernorm_after.{w}": "blocks.{i}.mlp.norm.{w}",
    "encoder.layer.{i}.intermediate.dense.{w}": "blocks.{i}.mlp.pre.{w}",
    "encoder.layer.{i}.output.dense.{w}": "blocks.{i}.mlp.out.{w}",
    "layernorm.{w}": "final_norm.{w}",
    "classifier.{w}": "classes.{w}",
    "pooler.dense.{w}": None,  # of checkpoints without a classifier; not used here
}
PREFIX = "vit."


def read(folder: Path, config: dict) -> Transformer:
    """A ViT checkpoint folder -> the classifier; a ValueError names a setting or weight that it cannot have."""
    weights = renamed(read_weights(folder), NAMES, PREFIX, tied=False)
    weights = {name: _in_line(name, w) for name, w in weights.items()}
    classes = weights.get("classes.bias")
    return build(_config(folder, config, 0 if classes is None else classes.numel()), weights, str(folder))


def _in_line(name: str, w: Tensor) -> Tensor:
    """Their convolution over a patch as a matrix, their tables without a batch."""
    if name == "embed.patch.weight":
        return w.flatten(1)
    if name == "embed.first":
        return w.flatten()
    return w[0] if name == "embed.position.weight" and w.dim() == 3 else w


def _config(folder: Path, c: dict, classes: int) -> Config:
    usual = {"image_size": 224, "patch_size": 16, "num_channels": 3}
    image, patch, channels = sizes(folder, usual | c, *usual)
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    width, layers, heads, mlp_width = sizes(folder, c, *names)
    if c.get("qkv_bias", True) is not True:
        raise ValueError(f"{folder}/config.json asks for queries without biases, which are not read here")
    return Config(
        vocabulary=0,
        context=(image // patch) ** 2 + 1 if patch > 0 else 1,
        width=width,
        layers=layers,
        heads=heads,
        mlp_width=mlp_width,
        image=image,
        patch=patch,
        channels=channels,
        classes=classes,
        ending="classes" if classes else "nothing",
        causal=False,
        activation=activation(folder, c, "hidden_act", "gelu"),
        norm_eps=c.get("layer_norm_eps", 1e-12),
        tied=False,
    )
