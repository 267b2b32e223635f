"""LLaMA: tiny checkpoints of the reference, and its intermediates (and Qwen3's) under our names."""

from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedConfig, PreTrainedModel
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from tests.engine.reference.watch import causal, masked, split, watch
from tests.engine.tiny import SHARED, SIZES

THEIR_SIZES = dict(
    vocab_size=SIZES["vocabulary"],
    max_position_embeddings=SIZES["context"],
    hidden_size=SHARED["width"],
    num_hidden_layers=SIZES["layers"],
    num_attention_heads=SHARED["heads"],
    num_key_value_heads=SHARED["key_heads"],
    intermediate_size=SIZES["mlp_width"],
)


def make(**choices) -> LlamaForCausalLM:
    ends = dict(bos_token_id=None, eos_token_id=None, pad_token_id=None)
    return LlamaForCausalLM(LlamaConfig(**THEIR_SIZES | choices, attn_implementation="eager", **ends))


def points(model: PreTrainedModel, ids: Tensor, padding: Tensor | None, mlp=None) -> dict[str, Tensor]:
    """Of LLaMA, or of a model that differs in its MLP alone: then `mlp` gives that part's own points."""
    inputs, outputs = watch(model, ids, padding, use_cache=False)
    config, found = model.config, {}
    found["embed.token"] = found["embed.out"] = outputs["embed_tokens"]
    for i in range(config.num_hidden_layers):
        theirs, ours = f"layers.{i}", f"blocks.{i}"
        before, between = f"{theirs}.input_layernorm", f"{theirs}.post_attention_layernorm"
        after = f"layers.{i + 1}.input_layernorm" if i + 1 < config.num_hidden_layers else "norm"
        own = model.model.layers[i].self_attn
        attention = _attention(inputs, outputs, f"{theirs}.self_attn", own.head_dim, config)
        attention |= masked(attention["dots"], own.scaling, causal(ids, padding))
        found |= {f"{ours}.attn.{name}": x for name, x in attention.items()}
        found |= _norm(f"{ours}.attn.norm", inputs[before], outputs[before], config)
        found |= _norm(f"{ours}.mlp.norm", inputs[between], outputs[between], config)
        found |= {
            f"{ours}.resid_pre": inputs[before],
            f"{ours}.resid_mid": inputs[between],
            f"{ours}.resid_post": inputs[after],
        }
        part = (mlp or _mlp)(model, inputs, outputs, f"{theirs}.mlp")
        found |= {f"{ours}.mlp.{name}": x for name, x in part.items()}
    found |= _norm("final_norm", inputs["norm"], outputs["norm"], config)
    return found | {"logits": outputs["logits"]}


def _attention(
    inputs: dict, outputs: dict, part: str, width: int, config: PreTrainedConfig
) -> dict[str, Tensor]:
    q, k, v = (split(outputs[f"{part}.{letter}_proj"], width) for letter in "qkv")
    found = dict(q=q, k=k, v=v)
    if f"{part}.q_norm" in outputs:  # of Qwen3
        for name in ("q_norm", "k_norm"):
            x, normed = (given[f"{part}.{name}"].transpose(1, 2) for given in (inputs, outputs))
            found |= _norm(name, x, normed, config)
        q, k = found["q_norm.out"], found["k_norm.out"]
    q_rot, k_rot = apply_rotary_pos_emb(q, k, *outputs["rotary_emb"])
    dots = q_rot @ k_rot.repeat_interleave(q.shape[1] // k.shape[1], 1).mT
    z, out = split(inputs[f"{part}.o_proj"], width), outputs[f"{part}.o_proj"]
    return found | dict(q_rot=q_rot, k_rot=k_rot, dots=dots, pattern=outputs[part][1], z=z, out=out)


def _mlp(model: LlamaForCausalLM, inputs: dict, outputs: dict, part: str) -> dict[str, Tensor]:
    return dict(
        pre=outputs[f"{part}.gate_proj"],
        gate=outputs[f"{part}.act_fn"],
        up=outputs[f"{part}.up_proj"],
        act=inputs[f"{part}.down_proj"],
        out=outputs[f"{part}.down_proj"],
    )


def _norm(name: str, x: Tensor, out: Tensor, config: PreTrainedConfig) -> dict[str, Tensor]:
    square = x.square().mean(-1, keepdim=True)
    scaled = x / (square + config.rms_norm_eps) ** 0.5
    return {f"{name}.square": square, f"{name}.scaled": scaled, f"{name}.out": out}
