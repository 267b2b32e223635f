"""T5: tiny checkpoints of the reference, and its intermediates under our names."""

import torch
from torch import Tensor, nn
from transformers import T5Config, T5ForConditionalGeneration

from tests.engine.reference.watch import causal, split, watch
from tests.engine.tiny import SIZES

THEIR_SIZES = dict(
    vocab_size=SIZES["vocabulary"],
    d_model=SIZES["width"],
    d_kv=4,
    d_ff=SIZES["mlp_width"],
    num_layers=2,
    num_heads=SIZES["heads"],
    relative_attention_num_buckets=8,
    relative_attention_max_distance=6,
    decoder_start_token_id=0,
)


def make(own_logits: bool = False, **choices) -> T5ForConditionalGeneration:
    """`own_logits`: the table of the logits is not that of the tokens, as in version 1.1."""
    model = T5ForConditionalGeneration(T5Config(**THEIR_SIZES | choices, attn_implementation="eager"))
    if own_logits:
        model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    return model


def points(
    model, ids: Tensor, padding: Tensor | None, target: Tensor, target_padding: Tensor | None
) -> dict[str, Tensor]:
    more = {} if target_padding is None else dict(decoder_attention_mask=target_padding.long())
    inputs, outputs = watch(model, ids, padding, decoder_input_ids=target, use_cache=False, **more)
    real = torch.ones_like(ids, dtype=torch.bool) if padding is None else padding
    looking, config = real[:, None, None, :], model.config
    found = _stack("encoder", {"SelfAttention": ("attn", looking)}, inputs, outputs, config)
    found["decoder.memory"] = outputs["encoder.final_layer_norm"]
    parts = {
        "SelfAttention": ("attn", causal(target, target_padding)),
        "EncDecAttention": ("cross", looking),
    }
    found |= _stack("decoder", parts, inputs, outputs, config)
    if config.scale_decoder_outputs:
        found["decoder.scaled"] = inputs["lm_head"]
    return found | {"decoder.logits": outputs["lm_head"]}


def _stack(stack: str, parts: dict, inputs: dict, outputs: dict, config: T5Config) -> dict[str, Tensor]:
    """One stack; `parts` has the attentions of a block, each with its name here and its mask."""
    first = outputs[f"{stack}.embed_tokens"]
    found = {f"{stack}.embed.token": first, f"{stack}.embed.out": first}
    depth = sum(name.startswith(f"{stack}.block.") and name.count(".") == 2 for name in outputs)
    for i in range(depth):
        theirs, ours = f"{stack}.block.{i}", f"{stack}.blocks.{i}"
        found[f"{ours}.resid_pre"] = inputs[f"{theirs}.layer.0.layer_norm"]
        for number, (name, (part, mask)) in enumerate(parts.items()):
            layer = f"{theirs}.layer.{number}"
            after = {"attn": "resid_mid", "cross": "resid_cross"}[part]
            found[f"{ours}.{after}"] = outputs[layer][0]
            found |= _norm(f"{ours}.{part}.norm", f"{layer}.layer_norm", inputs, outputs, config)
            inside = _attention(f"{layer}.{name}", mask, inputs, outputs, config)
            if part == "cross":  # between two texts there are no distances
                assert not inside.pop("bias").any()
            found |= {f"{ours}.{part}.{point}": x for point, x in inside.items()}
        layer = f"{theirs}.layer.{len(parts)}"
        found |= _norm(f"{ours}.mlp.norm", f"{layer}.layer_norm", inputs, outputs, config)
        found |= _mlp(f"{ours}.mlp", f"{layer}.DenseReluDense", inputs, outputs)
        found[f"{ours}.resid_post"] = outputs[layer]
    return found | _norm(f"{stack}.final_norm", f"{stack}.final_layer_norm", inputs, outputs, config)


def _attention(part: str, mask: Tensor, inputs: dict, outputs: dict, config: T5Config) -> dict[str, Tensor]:
    q, k, v = (split(outputs[f"{part}.{letter}"], config.d_kv) for letter in "qkv")
    out, bias, pattern = outputs[part]
    dots = q @ k.mT
    bias, mask = bias.expand_as(dots), mask.expand_as(dots)
    masked = (dots + bias).where(mask, -torch.inf)
    z = split(inputs[f"{part}.o"], config.d_kv)
    scores = dict(dots=dots, scores=dots, bias=bias, mask=mask, masked=masked, pattern=pattern)
    return dict(q=q, k=k, v=v, z=z, out=out) | scores


def _mlp(name: str, theirs: str, inputs: dict, outputs: dict) -> dict[str, Tensor]:
    found = {f"{name}.act": inputs[f"{theirs}.wo"], f"{name}.out": outputs[f"{theirs}.wo"]}
    if f"{theirs}.wi" in outputs:
        return found | {f"{name}.pre": outputs[f"{theirs}.wi"]}
    found |= {f"{name}.pre": outputs[f"{theirs}.wi_0"], f"{name}.up": outputs[f"{theirs}.wi_1"]}
    return found | {f"{name}.gate": outputs[f"{theirs}.act"]}


def _norm(name: str, theirs: str, inputs: dict, outputs: dict, config: T5Config) -> dict[str, Tensor]:
    x = inputs[theirs]
    square = x.square().mean(-1, keepdim=True)
    scaled = x / (square + config.layer_norm_epsilon) ** 0.5
    return {f"{name}.square": square, f"{name}.scaled": scaled, f"{name}.out": outputs[theirs]}
