"""ViT: tiny checkpoints of the reference, and its intermediates under our names."""

import torch
from torch import Tensor
from transformers import ViTConfig, ViTForImageClassification, ViTModel

from tests.engine.reference.watch import masked, split, watch
from tests.engine.tiny import SIZES, VIT

THEIR_SIZES = dict(
    image_size=VIT["image"],
    patch_size=VIT["patch"],
    num_channels=VIT["channels"],
    hidden_size=SIZES["width"],
    num_hidden_layers=SIZES["layers"],
    num_attention_heads=SIZES["heads"],
    intermediate_size=SIZES["mlp_width"],
    num_labels=VIT["classes"],
)


def make(classes: bool = True, **choices) -> ViTForImageClassification | ViTModel:
    """`classes`: with its classifier, or the vectors alone."""
    config = ViTConfig(**THEIR_SIZES | choices, attn_implementation="eager")
    return ViTForImageClassification(config) if classes else ViTModel(config, add_pooling_layer=False)


def points(model: ViTForImageClassification | ViTModel, images: Tensor, padding: None) -> dict[str, Tensor]:
    inputs, outputs = watch(model, images, None)
    config, inner, side = model.config, model.base_model, model.config.patch_size
    first = inner.embeddings.cls_token.expand(len(images), -1, -1)
    patch = outputs["embeddings.patch_embeddings"]
    found = {
        "embed.pixels": torch.nn.functional.unfold(images, side, stride=side).mT,
        "embed.patch": patch,
        "embed.token": torch.cat([first, patch], 1),
        "embed.position": inner.embeddings.position_embeddings.expand(len(images), -1, -1),
        "embed.out": outputs["embeddings"],
    }
    for i in range(config.num_hidden_layers):
        theirs, ours = f"layers.{i}", f"blocks.{i}"
        before, between = f"{theirs}.layernorm_before", f"{theirs}.layernorm_after"
        after = f"layers.{i + 1}.layernorm_before" if i + 1 < config.num_hidden_layers else "layernorm"
        width = config.hidden_size // config.num_attention_heads
        q, k, v = (split(outputs[f"{theirs}.attention.{letter}_proj"], width) for letter in "qkv")
        z, out = inputs[f"{theirs}.attention.o_proj"], outputs[f"{theirs}.attention.o_proj"]
        pattern = outputs[f"{theirs}.attention"][1]
        heads = dict(q=q, k=k, v=v, pattern=pattern, z=split(z, width), out=out)
        heads |= masked(q @ k.mT, width**-0.5, torch.ones_like(pattern, dtype=torch.bool))
        found |= {f"{ours}.attn.{name}": x for name, x in heads.items()}
        found |= {
            f"{ours}.resid_pre": inputs[before],
            f"{ours}.resid_mid": inputs[between],
            f"{ours}.resid_post": inputs[after],
            f"{ours}.mlp.pre": outputs[f"{theirs}.mlp.fc1"],
            f"{ours}.mlp.act": inputs[f"{theirs}.mlp.fc2"],
            f"{ours}.mlp.out": outputs[f"{theirs}.mlp.fc2"],
        }
        found |= _norm(f"{ours}.attn.norm", inputs[before], outputs[before], config)
        found |= _norm(f"{ours}.mlp.norm", inputs[between], outputs[between], config)
    found |= _norm("final_norm", inputs["layernorm"], outputs["layernorm"], config)
    if "classifier" in outputs:
        found["first"], found["classes"] = outputs["layernorm"][:, 0], outputs["classifier"]
    return found


def _norm(name: str, x: Tensor, out: Tensor, config: ViTConfig) -> dict[str, Tensor]:
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
    scaled = (x - mean) / (var + config.layer_norm_eps) ** 0.5
    return {f"{name}.mean": mean, f"{name}.var": var, f"{name}.scaled": scaled, f"{name}.out": out}
