"""Mixtral: tiny checkpoints of the reference, and its intermediates under our names."""

import torch
from torch import Tensor
from transformers import MixtralConfig, MixtralForCausalLM

from tests.engine.reference import llama

EXPERTS = dict(num_local_experts=5, num_experts_per_tok=2)


def make(**choices) -> MixtralForCausalLM:
    ends = dict(bos_token_id=None, eos_token_id=None, pad_token_id=None)
    plainly = dict(attn_implementation="eager", experts_implementation="eager")
    return MixtralForCausalLM(MixtralConfig(**llama.THEIR_SIZES | EXPERTS | choices, **plainly, **ends))


def points(model: MixtralForCausalLM, ids: Tensor, padding: Tensor | None) -> dict[str, Tensor]:
    """Attention and norms as LLaMA's; of the experts the reference keeps nothing but their sum."""
    return llama.points(model, ids, padding, mlp=_mlp)


def _mlp(model: MixtralForCausalLM, inputs: dict, outputs: dict, theirs: str) -> dict[str, Tensor]:
    part, x = model.get_submodule(f"model.{theirs}"), inputs[theirs]  # [B, T, D]
    scores, top, chosen = (each.unflatten(0, x.shape[:2]) for each in outputs[f"{theirs}.gate"])
    shares = torch.zeros_like(scores).scatter(-1, chosen, top.to(scores.dtype))
    found = dict(router=scores, chosen=shares > 0, shares=shares, out=outputs[theirs])
    for i in range(scores.shape[-1]):
        read = x * (chosen == i).any(-1, keepdim=True)
        pre, up = (read @ part.experts.gate_up_proj[i].T).chunk(2, -1)
        gate = part.experts.act_fn(pre)
        one = dict(read=read, pre=pre, gate=gate, up=up, act=gate * up)
        one["out"] = one["act"] @ part.experts.down_proj[i].T
        found |= {f"experts.{i}.{name}": each for name, each in one.items()}
    return found
