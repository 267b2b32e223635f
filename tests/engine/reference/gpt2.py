"""GPT-2: tiny checkpoints of the reference, and its intermediates under our names."""

from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from tests.engine.reference.watch import causal, masked, split, watch
from tests.engine.tiny import SIZES

THEIR_SIZES = dict(
    vocab_size=SIZES["vocabulary"],
    n_positions=SIZES["context"],
    n_embd=SIZES["width"],
    n_layer=SIZES["layers"],
    n_head=SIZES["heads"],
    n_inner=SIZES["mlp_width"],
)


def make(**choices) -> GPT2LMHeadModel:
    ends = dict(bos_token_id=None, eos_token_id=None)
    return GPT2LMHeadModel(GPT2Config(**THEIR_SIZES | choices, attn_implementation="eager", **ends))


def points(model: GPT2LMHeadModel, ids: Tensor, padding: Tensor | None) -> dict[str, Tensor]:
    inputs, outputs = watch(model, ids, padding, use_cache=False)
    config, found = model.config, {}
    found["embed.token"] = outputs["wte"]
    found["embed.position"] = outputs["wpe"].expand_as(outputs["wte"])
    found["embed.out"] = inputs["h.0.ln_1"]
    for i in range(config.n_layer):
        theirs, ours = f"h.{i}", f"blocks.{i}"
        after = f"h.{i + 1}.ln_1" if i + 1 < config.n_layer else "ln_f"
        attention = _attention(inputs, outputs, theirs, config.n_embd // config.n_head)
        scale = model.transformer.h[i].attn.scaling
        attention |= masked(attention["dots"], scale, causal(ids, padding))
        found |= {f"{ours}.attn.{name}": x for name, x in attention.items()}
        found |= _norm(f"{ours}.attn.norm", inputs[f"{theirs}.ln_1"], outputs[f"{theirs}.ln_1"], config)
        found |= _norm(f"{ours}.mlp.norm", inputs[f"{theirs}.ln_2"], outputs[f"{theirs}.ln_2"], config)
        found |= {
            f"{ours}.resid_pre": inputs[f"{theirs}.ln_1"],
            f"{ours}.resid_mid": inputs[f"{theirs}.ln_2"],
            f"{ours}.resid_post": inputs[after],
            f"{ours}.mlp.pre": outputs[f"{theirs}.mlp.c_fc"],
            f"{ours}.mlp.act": inputs[f"{theirs}.mlp.c_proj"],
            f"{ours}.mlp.out": outputs[f"{theirs}.mlp.c_proj"],
        }
    found |= _norm("final_norm", inputs["ln_f"], outputs["ln_f"], config)
    return found | {"logits": outputs["logits"]}


def _attention(inputs: dict, outputs: dict, block: str, width: int) -> dict[str, Tensor]:
    q, k, v = (split(x, width) for x in outputs[f"{block}.attn.c_attn"].chunk(3, dim=-1))
    z, out = inputs[f"{block}.attn.c_proj"], outputs[f"{block}.attn.c_proj"]
    return dict(q=q, k=k, v=v, dots=q @ k.mT, pattern=outputs[f"{block}.attn"][1], z=split(z, width), out=out)


def _norm(name: str, x: Tensor, out: Tensor, config: GPT2Config) -> dict[str, Tensor]:
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
    scaled = (x - mean) / (var + config.layer_norm_epsilon) ** 0.5
    return {f"{name}.mean": mean, f"{name}.var": var, f"{name}.scaled": scaled, f"{name}.out": out}
