"""The Hugging Face layout of GPT-2: a table from its names to ours."""

from pathlib import Path

from torch import Tensor

from engine.config import Config
from engine.load.folder import build, read_weights
from engine.load.layout import activation, renamed, sizes
from engine.model.transformer import Transformer

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
PREFIX = "transformer."
TURNED = ("qkv.weight", "attn.out.weight", "mlp.pre.weight", "mlp.out.weight")  # theirs are [in, out]


def read(folder: Path, config: dict) -> Transformer:
    """A GPT-2 checkpoint folder -> the decoder; a ValueError names a setting or weight that it cannot have."""
    shapes = _config(folder, config)
    weights = renamed(read_weights(folder), NAMES, PREFIX, shapes.tied)
    return build(shapes, _cut({name: _turned(name, w) for name, w in weights.items()}), str(folder))


def _config(folder: Path, c: dict) -> Config:
    if c.get("add_cross_attention"):
        raise ValueError(f"{folder}/config.json asks for cross-attention, which is not read here")
    names = ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head")
    vocabulary, context, width, layers, heads = sizes(folder, c, *names)
    return Config(
        vocabulary=vocabulary,
        context=context,
        width=width,
        layers=layers,
        heads=heads,
        mlp_width=c.get("n_inner") or 4 * width,
        activation=activation(folder, c, "activation_function", "gelu_new"),
        norm_eps=c.get("layer_norm_epsilon", 1e-5),
        tied=c.get("tie_word_embeddings", True),
        scale_scores=c.get("scale_attn_weights", True),
        scale_by_layer=c.get("scale_attn_by_inverse_layer_idx", False),
    )


def _turned(name: str, w: Tensor) -> Tensor:
    """Their Conv1D keeps [in, out]; a Linear keeps [out, in]."""
    return w.T.contiguous() if name.endswith(TURNED) and w.dim() == 2 else w


def _cut(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Split queries, keys and values; a tensor that cannot be split stays, and is reported later."""
    ours: dict[str, Tensor] = {}
    for name, w in weights.items():
        if ".qkv." in name and w.dim() and len(w) % 3 == 0:
            thirds = zip("qkv", w.chunk(3), strict=True)
            ours |= {name.replace("qkv", part): third.contiguous() for part, third in thirds}
        else:
            ours[name] = w
    return ours
