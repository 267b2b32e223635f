"""The Hugging Face layout of Mixtral: LLaMA, with experts and a router in the place of each MLP."""

import re
from dataclasses import replace

from torch import Tensor

from engine.config import Config
from engine.load import llama
from engine.load.layout import renamed, tied
from engine.load.settings import Settings

ROUTER = {"layers.{i}.block_sparse_moe.gate.weight": "blocks.{i}.mlp.router.weight"}
EXPERT = {"w1": "pre", "w2": "out", "w3": "up"}  # theirs -> ours
USUAL = llama.USUAL | dict(num_key_value_heads=8, rms_norm_eps=1e-5)
USUAL |= dict(num_local_experts=8, num_experts_per_tok=2)
SAME = {"num_experts": "num_local_experts"}
HARMLESS = {"attention_dropout", "output_router_logits", "router_aux_loss_coef"}


def config_of(s: Settings) -> Config:
    """The shapes and choices of a Mixtral config.json; a ValueError names a setting that cannot be had."""
    s.only("sliding_window", None)
    s.only("router_jitter_noise", 0)
    s.only("attention_bias", False)  # entries that Mixtral does not know
    s.only("mlp_bias", False)
    experts, used = s.sizes("num_local_experts", "num_experts_per_tok")
    return replace(llama.config_of(s, base=1e6), experts=experts, experts_used=used)


def weights_of(config: Config, theirs: dict[str, Tensor]) -> tuple[Config, dict[str, Tensor]]:
    """Their tensors under our names, and the config with what they decide."""
    names = llama.NAMES | ROUTER | _names_of_experts(theirs)
    return tied(config, renamed(theirs, names, llama.PREFIX))


def _names_of_experts(weights: dict) -> dict[str, str]:
    """Theirs -> ours, for the experts that there are; {i} is the block's number."""
    names = {}
    for x in {found[1] for name in weights if (found := re.search(r"\.experts\.(\d+)\.", name))}:
        theirs, ours = f"layers.{{i}}.block_sparse_moe.experts.{x}", f"blocks.{{i}}.mlp.experts.{x}"
        names |= {f"{theirs}.{a}.weight": f"{ours}.{b}.weight" for a, b in EXPERT.items()}
    return names
