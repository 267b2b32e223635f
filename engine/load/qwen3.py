"""The Hugging Face layout of Qwen3: LLaMA's, with a norm of every head's queries and keys."""

from dataclasses import replace
from pathlib import Path

from engine.load.folder import build, read_weights
from engine.load.layout import renamed
from engine.load.llama import NAMES as LLAMA
from engine.load.llama import PREFIX, config_of
from engine.model.transformer import Transformer

# Theirs -> ours. {i} is the block's number.
NAMES = LLAMA | {
    "layers.{i}.self_attn.q_norm.weight": "blocks.{i}.attn.q_norm.weight",
    "layers.{i}.self_attn.k_norm.weight": "blocks.{i}.attn.k_norm.weight",
}


def read(folder: Path, config: dict) -> Transformer:
    """A Qwen3 checkpoint folder -> the decoder; a ValueError names a setting or weight that it cannot have."""
    _refuse_windows(folder, config)
    shapes = replace(config_of(folder, {"head_dim": 128} | config), qk_norm=True)
    return build(shapes, renamed(read_weights(folder), NAMES, PREFIX, shapes.tied), str(folder))


def _refuse_windows(folder: Path, c: dict) -> None:
    """A ValueError if some blocks use a sliding window."""
    kinds = c.get("layer_types")
    others = isinstance(kinds, list) and any(kind != "full_attention" for kind in kinds)
    if others or c.get("use_sliding_window"):
        name = "layer_types" if others else "use_sliding_window"
        raise ValueError(f"{folder}/config.json asks for a sliding window ({name}), which is not read here")
