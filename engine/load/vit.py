"""The Hugging Face layout of ViT: an image in patches, a first vector, classes."""

from dataclasses import replace

from torch import Tensor

from engine.config import Config
from engine.load.layout import renamed
from engine.load.settings import Settings

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
    "pooler.dense.{w}": None,  # of checkpoints without a classifier; nothing here reads it
}
PREFIX = "vit."


USUAL = dict(image_size=224, patch_size=16, num_channels=3, hidden_act="gelu", layer_norm_eps=1e-12)
SAME: dict[str, str] = {}
HARMLESS = {"hidden_dropout_prob", "attention_probs_dropout_prob"}
HARMLESS |= {"encoder_stride", "pooler_output_size", "pooler_act"}  # of parts that are not read here


def config_of(s: Settings) -> Config:
    """The shapes and choices of a ViT config.json; a ValueError names a setting that cannot be had."""
    image, patch = s.side("image_size"), s.side("patch_size")
    if image % patch:
        raise ValueError(
            f"{s.source}: an image of image_size {image} cannot be cut into patches of patch_size {patch}: "
            f"{image} is not divisible by {patch}"
        )
    names = ("num_channels", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    channels, width, layers, heads, mlp_width = s.sizes(*names)
    s.only("qkv_bias", True)
    return Config(
        vocabulary=0,
        context=(image // patch) ** 2 + 1,
        width=width,
        layers=layers,
        heads=heads,
        mlp_width=mlp_width,
        image=image,
        patch=patch,
        channels=channels,
        ending="nothing",
        causal=False,
        activation=s.activation("hidden_act"),
        norm_eps=s.number("layer_norm_eps"),
        tied=False,
    )


def weights_of(config: Config, theirs: dict[str, Tensor]) -> tuple[Config, dict[str, Tensor]]:
    """Their tensors under our names, and the config with the classes that they tell apart."""
    weights = {name: _in_line(name, w) for name, w in renamed(theirs, NAMES, PREFIX).items()}
    if classes := weights["classes.bias"].numel() if "classes.bias" in weights else 0:
        config = replace(config, ending="classes", classes=classes)
    return config, weights


def _in_line(name: str, w: Tensor) -> Tensor:
    """Their convolution over a patch as a matrix, their tables without a batch."""
    if name == "embed.patch.weight" and w.dim() > 1:
        return w.flatten(1)
    if name == "embed.first":
        return w.flatten()
    return w[0] if name == "embed.position.weight" and w.dim() == 3 else w
