"""The Hugging Face layout of Mixtral: LLaMA, with a router and experts instead of each MLP."""

import re
from dataclasses import replace
from pathlib import Path

from engine.config import Config
from engine.load import llama
from engine.load.folder import build, read_weights
from engine.load.layout import renamed, sizes
from engine.model.transformer import Transformer

ROUTER = {"layers.{i}.block_sparse_moe.gate.weight": "blocks.{i}.mlp.router.weight"}
EXPERT = {"w1": "pre", "w2": "out", "w3": "up"}  # theirs -> ours
# Defaults of entries that config.json may leave out.
USUAL = dict(num_key_value_heads=8, rms_norm_eps=1e-5, rope_theta=1e6)
USUAL |= dict(num_local_experts=8, num_experts_per_tok=2)
ONLY = dict(sliding_window=None, router_jitter_noise=0)  # the only values supported for these entries


def read(folder: Path, config: dict) -> Transformer:
    """A Mixtral checkpoint folder -> the decoder; a ValueError names what it cannot have."""
    shapes, weights = _config(folder, config), read_weights(folder)
    names = llama.NAMES | ROUTER | _names_of_experts(weights)
    return build(shapes, renamed(weights, names, llama.PREFIX, shapes.tied), str(folder))


def _names_of_experts(weights: dict) -> dict[str, str]:
    """Theirs -> ours, for the experts that there are; {i} is the block's number."""
    names = {}
    for x in {found[1] for name in weights if (found := re.search(r"\.experts\.(\d+)\.", name))}:
        theirs, ours = f"layers.{{i}}.block_sparse_moe.experts.{x}", f"blocks.{{i}}.mlp.experts.{x}"
        names |= {f"{theirs}.{a}.weight": f"{ours}.{b}.weight" for a, b in EXPERT.items()}
    return names


def _config(folder: Path, c: dict) -> Config:
    for name, only in ONLY.items():
        if c.get(name, only) != only:
            raise ValueError(f"{folder}/config.json asks for {name} {c[name]!r}; only {only} is read here")
    c = USUAL | c | dict(attention_bias=False, mlp_bias=False)  # entries that Mixtral does not have
    experts, used = sizes(folder, c, "num_local_experts", "num_experts_per_tok")
    if experts < 1:
        raise ValueError(f"{folder}/config.json: num_local_experts is {experts}; it must be 1 or more")
    return replace(llama.config_of(folder, c), experts=experts, experts_used=used)
