"""The Hugging Face layout of Qwen3: LLaMA's, with a norm of every head's queries and keys."""

from dataclasses import replace

from torch import Tensor

from engine.config import Config
from engine.load import llama
from engine.load.layout import renamed, tied
from engine.load.settings import Settings, shown

# Theirs -> ours. {i} is the block's number.
NAMES = llama.NAMES | {
    "layers.{i}.self_attn.q_norm.weight": "blocks.{i}.attn.q_norm.weight",
    "layers.{i}.self_attn.k_norm.weight": "blocks.{i}.attn.k_norm.weight",
}
USUAL = llama.USUAL | dict(head_dim=128, num_key_value_heads=32)
SAME = llama.SAME
HARMLESS = {"attention_dropout", "sliding_window", "max_window_layers"}  # of windows, which are refused below


def config_of(s: Settings) -> Config:
    """The shapes and choices of a Qwen3 config.json; a ValueError names a setting that cannot be had."""
    if s.get("use_sliding_window"):
        raise ValueError(f"{s.source} asks for a sliding window (use_sliding_window), which is not read here")
    kinds, config = s.get("layer_types"), replace(llama.config_of(s), qk_norm=True)
    full = isinstance(kinds, list) and all(kind == "full_attention" for kind in kinds)
    if kinds is not None and (not full or len(kinds) != config.layers):
        raise ValueError(
            f"{s.source}: layer_types is {shown(kinds)}; only 'full_attention' is read here, for each of the "
            f"{config.layers} layers (num_hidden_layers)"
        )
    return config


def weights_of(config: Config, theirs: dict[str, Tensor]) -> tuple[Config, dict[str, Tensor]]:
    """Their tensors under our names, and the config with what they decide."""
    return tied(config, renamed(theirs, NAMES, llama.PREFIX))
