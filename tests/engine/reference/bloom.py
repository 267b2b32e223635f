"""BLOOM: tiny checkpoints of the reference, and its intermediates under our names."""

import torch
from torch import Tensor
from transformers import BloomConfig, BloomForCausalLM
from transformers.models.bloom.modeling_bloom import build_alibi_tensor

from tests.engine.reference.watch import causal, masked, watch
from tests.engine.tiny import SIZES

THEIR_SIZES = dict(
    vocab_size=SIZES["vocabulary"],
    seq_length=SIZES["context"],
    hidden_size=SIZES["width"],
    n_layer=SIZES["layers"],
    n_head=SIZES["heads"],
)


def make(**choices) -> BloomForCausalLM:
    ends = dict(bos_token_id=None, eos_token_id=None)
    return BloomForCausalLM(BloomConfig(**THEIR_SIZES | choices, attn_implementation="eager", **ends))


def points(model: BloomForCausalLM, ids: Tensor, padding: Tensor | None) -> dict[str, Tensor]:
    inputs, outputs = watch(model, ids, padding, use_cache=False)
    config, mask = model.config, causal(ids, padding)
    bias, found = _bias(ids, padding, config), {"embed.token": outputs["word_embeddings"]}
    found["embed.sum"], found["embed.out"] = outputs["word_embeddings"], inputs["h.0"]
    found |= _norm("embed.norm", "word_embeddings_layernorm", inputs, outputs, config)
    for i in range(config.n_layer):
        theirs, ours = f"h.{i}", f"blocks.{i}"
        after = f"h.{i + 1}" if i + 1 < config.n_layer else "ln_f"
        attention = _attention(outputs, inputs, f"{theirs}.self_attention", config.n_head)
        attention |= masked(attention["dots"], model.transformer.h[i].self_attention.inv_norm_factor, mask)
        attention |= dict(bias=bias, masked=(attention["scores"] + bias).where(mask, -torch.inf))
        found |= {f"{ours}.attn.{name}": x for name, x in attention.items()}
        found |= _norm(f"{ours}.attn.norm", f"{theirs}.input_layernorm", inputs, outputs, config)
        found |= _norm(f"{ours}.mlp.norm", f"{theirs}.post_attention_layernorm", inputs, outputs, config)
        found |= {
            f"{ours}.resid_pre": inputs[theirs],
            f"{ours}.resid_mid": inputs[f"{theirs}.post_attention_layernorm"],
            f"{ours}.resid_post": inputs[after],
            f"{ours}.mlp.pre": outputs[f"{theirs}.mlp.dense_h_to_4h"],
            f"{ours}.mlp.act": outputs[f"{theirs}.mlp.gelu_impl"],
            f"{ours}.mlp.out": outputs[f"{theirs}.mlp.dense_4h_to_h"],
        }
    found |= _norm("final_norm", "ln_f", inputs, outputs, config)
    return found | {"logits": outputs["logits"]}


def _bias(ids: Tensor, padding: Tensor | None, config: BloomConfig) -> Tensor:
    """[B, H, T, T]. They add slope · s, we add −slope · |t − s|: less by slope · t where a token may look, the
    same for a whole row, so that the softmax does not see it."""
    real = torch.ones_like(ids) if padding is None else padding.long()
    theirs = build_alibi_tensor(real, config.n_head, torch.float64).unflatten(0, (len(ids), -1))  # [B, H, 1, T]
    return -(theirs - theirs.mT).abs()


def _attention(outputs: dict, inputs: dict, part: str, heads: int) -> dict[str, Tensor]:
    fused = outputs[f"{part}.query_key_value"]  # [B, T, H · 3 · E]
    q, k, v = fused.unflatten(-1, (heads, 3, -1)).permute(3, 0, 2, 1, 4)
    z, out = inputs[f"{part}.dense"].unflatten(-1, (heads, -1)).transpose(1, 2), outputs[f"{part}.dense"]
    return dict(q=q, k=k, v=v, dots=q @ k.mT, pattern=outputs[part][1], z=z, out=out)


def _norm(name: str, theirs: str, inputs: dict, outputs: dict, config: BloomConfig) -> dict[str, Tensor]:
    x = inputs[theirs]
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
    scaled = (x - mean) / (var + config.layer_norm_epsilon) ** 0.5
    return {f"{name}.mean": mean, f"{name}.var": var, f"{name}.scaled": scaled, f"{name}.out": outputs[theirs]}
