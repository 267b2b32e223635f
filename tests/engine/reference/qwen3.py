"""Qwen3: tiny checkpoints of the reference; its intermediates are LLaMA's and those of two norms more."""

from transformers import Qwen3Config, Qwen3ForCausalLM

from tests.engine.reference.llama import THEIR_SIZES, points

__all__ = ["make", "points"]


def make(**choices) -> Qwen3ForCausalLM:
    ends = dict(bos_token_id=None, eos_token_id=None, pad_token_id=None)
    sizes = THEIR_SIZES | dict(head_dim=10)
    return Qwen3ForCausalLM(Qwen3Config(**sizes | choices, attn_implementation="eager", **ends))
