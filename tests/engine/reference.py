"""The reference library: tiny GPT-2 checkpoints of it, and its intermediates under our names."""

from pathlib import Path

import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model

from tests.engine.tiny import SIZES, randomise

THEIR_SIZES = dict(
    vocab_size=SIZES["vocabulary"],
    n_positions=SIZES["context"],
    n_embd=SIZES["width"],
    n_layer=SIZES["layers"],
    n_head=SIZES["heads"],
    n_inner=SIZES["mlp_width"],
)


def save(
    folder: Path,
    headless: bool = False,
    dtype: torch.dtype = torch.float32,
    max_shard_size: str = "1GB",
    **choices,
) -> GPT2LMHeadModel:
    """Write a random checkpoint into `folder`; returns the reference's model, in float64.

    headless  saved as a GPT2Model, whose names have no "transformer." in front
    choices   entries of their config
    """
    config = GPT2Config(
        **THEIR_SIZES | choices, attn_implementation="eager", bos_token_id=None, eos_token_id=None
    )
    model = randomise(GPT2LMHeadModel(config)).requires_grad_(False).eval().to(dtype)
    saved: GPT2LMHeadModel | GPT2Model = model.transformer if headless else model
    saved.save_pretrained(folder, max_shard_size=max_shard_size)
    return model.double()


def points(model: GPT2LMHeadModel, ids: Tensor, padding: Tensor | None = None) -> dict[str, Tensor]:
    """Every point of the vocabulary, from hooks on the reference and, between them, from the definition."""
    inputs, outputs = _watch(model, ids, padding)
    config, found = model.config, {}
    found["embed.token"] = outputs["wte"]
    found["embed.position"] = outputs["wpe"].expand_as(outputs["wte"])
    found["embed.out"] = inputs["h.0.ln_1"]
    for i in range(config.n_layer):
        theirs, ours = f"h.{i}", f"blocks.{i}"
        after = f"h.{i + 1}.ln_1" if i + 1 < config.n_layer else "ln_f"
        attention = _attention(inputs, outputs, theirs, config.n_head)
        attention["scores"] = attention["dots"] * model.transformer.h[i].attn.scaling
        attention["mask"] = _mask(ids, padding).expand_as(attention["dots"])
        attention["masked"] = attention["scores"].where(attention["mask"], -torch.inf)
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


def _watch(model: GPT2LMHeadModel, ids: Tensor, padding: Tensor | None):
    """What went into and came out of each of the reference's parts, by the part's name."""
    inputs, outputs = {}, {}

    def look(name):
        def hook(part, given, result):
            inputs[name], outputs[name] = given[0] if given else None, result

        return hook

    hooks = [part.register_forward_hook(look(name)) for name, part in model.transformer.named_modules()]
    mask = None if padding is None else padding.long()
    outputs["logits"] = model(ids, attention_mask=mask, output_attentions=True, use_cache=False).logits
    for hook in hooks:
        hook.remove()
    return inputs, outputs


def _attention(inputs: dict, outputs: dict, block: str, heads: int) -> dict[str, Tensor]:
    def split(x):
        return x.unflatten(-1, (heads, -1)).transpose(1, 2)

    q, k, v = (split(x) for x in outputs[f"{block}.attn.c_attn"].chunk(3, dim=-1))
    z, out = inputs[f"{block}.attn.c_proj"], outputs[f"{block}.attn.c_proj"]
    pattern = outputs[f"{block}.attn"][1]
    return dict(q=q, k=k, v=v, dots=q @ k.mT, pattern=pattern, z=split(z), out=out)


def _mask(ids: Tensor, padding: Tensor | None) -> Tensor:
    square = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool)
    real = torch.ones_like(ids, dtype=torch.bool) if padding is None else padding
    return (square.tril() & real[:, None, None, :]) | square.diag().diag()


def _norm(name: str, x: Tensor, out: Tensor, config: GPT2Config) -> dict[str, Tensor]:
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
    scaled = (x - mean) / (var + config.layer_norm_epsilon) ** 0.5
    return {f"{name}.mean": mean, f"{name}.var": var, f"{name}.scaled": scaled, f"{name}.out": out}
