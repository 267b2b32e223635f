"""The Hugging Face layout of GPT-2: a table from its names to ours."""

import re
from pathlib import Path

from torch import Tensor

from engine.config import Config
from engine.load.folder import build, read_weights
from engine.models import Decoder
from engine.tokenize import JsonTokenizer

# Theirs -> ours; None = left out on purpose (mask buffers). {i} is the block's number.
NAMES = {
    "wte.weight": "embed.token.weight",
    "wpe.weight": "embed.position.weight",
    "h.{i}.ln_1.{w}": "blocks.{i}.attn.norm.{w}",
    "h.{i}.attn.c_attn.{w}": "blocks.{i}.attn.qkv.{w}",  # cut into q, k, v below
    "h.{i}.attn.c_proj.{w}": "blocks.{i}.attn.out.{w}",
    "h.{i}.attn.bias": None,
    "h.{i}.attn.masked_bias": None,
    "h.{i}.ln_2.{w}": "blocks.{i}.mlp.norm.{w}",
    "h.{i}.mlp.c_fc.{w}": "blocks.{i}.mlp.pre.{w}",
    "h.{i}.mlp.c_proj.{w}": "blocks.{i}.mlp.out.{w}",
    "ln_f.{w}": "final_norm.{w}",
    "lm_head.weight": "logits.weight",
}
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
TRANSPOSED = ("c_attn", "c_proj", "c_fc")  # their Conv1D keeps [in, out]; a Linear keeps [out, in]


def read(folder: Path, config: dict) -> Decoder:
    shapes = _config(folder, config)
    weights = _rename(read_weights(folder), shapes.tied)
    model = build(shapes, weights, str(folder))
    if (folder / "tokenizer.json").exists():
        model.tokenizer = JsonTokenizer(folder / "tokenizer.json")
    return model


def _config(folder: Path, c: dict) -> Config:
    if c.get("model_type") != "gpt2":
        raise ValueError(
            f"{folder}/config.json says model_type {c.get('model_type')!r}; only 'gpt2' can be read"
        )
    sizes = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head")
    missing = [name for name in sizes if type(c.get(name)) is not int]
    if missing:
        raise ValueError(f"{folder}/config.json has no whole number for {', '.join(missing)}")
    activation = c.get("activation_function", "gelu_new")
    if activation not in tuple(ACTIVATIONS):
        raise ValueError(
            f"{folder}/config.json: activation_function {activation!r} is unknown; "
            f"known are {', '.join(ACTIVATIONS)}"
        )
    if c.get("add_cross_attention"):
        raise ValueError(f"{folder}/config.json asks for cross-attention, which is not read here")
    return Config(
        vocabulary=c["vocab_size"],
        context=c["n_positions"],
        width=c["n_embd"],
        layers=c["n_layer"],
        heads=c["n_head"],
        mlp_width=c.get("n_inner") or 4 * c["n_embd"],
        activation=ACTIVATIONS[activation],
        norm_eps=c.get("layer_norm_epsilon", 1e-5),
        tied=c.get("tie_word_embeddings", True),
        scale_scores=c.get("scale_attn_weights", True),
        scale_by_layer=c.get("scale_attn_by_inverse_layer_idx", False),
    )


def _rename(weights: dict[str, Tensor], tied: bool) -> dict[str, Tensor]:
    """Their tensors under our names; names that the table does not know stay as they are."""
    ours: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        new = our_name(name)
        if new is None or (new == "logits.weight" and tied):
            continue
        if new.endswith("weight") and any(part in name for part in TRANSPOSED) and tensor.dim() == 2:
            tensor = tensor.T.contiguous()
        if ".qkv." in new and tensor.dim() and len(tensor) % 3 == 0:
            for part, third in zip("qkv", tensor.chunk(3), strict=True):
                ours[new.replace("qkv", part)] = third.contiguous()
        else:
            ours[new] = tensor
    return ours


def our_name(name: str) -> str | None:
    """Our name for one of theirs, or None where it is left out on purpose."""
    bare = name.removeprefix("transformer.")
    template = re.sub(r"^h\.\d+\.", "h.{i}.", bare)
    template = template if template in NAMES else re.sub(r"\.(weight|bias)$", ".{w}", template)
    if template not in NAMES:
        return name
    number = re.match(r"^h\.(\d+)\.", bare)
    ours = NAMES[template]
    return ours and ours.format(i=number and number[1], w=bare.rpartition(".")[2])
