"""The Transformer of 2017 built from torch's own layers, and its intermediates under our names.

torch has no embedding of 2017 and computes queries, keys and values inside: those are made here by their
definition, from torch's own parameters. What attention gives, its weights, norms and MLP are torch's.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import Config
from engine.model.encoder_decoder import EncoderDecoder
from tests.engine.reference.watch import causal, masked, split

LAYERS = {"encoder": nn.TransformerEncoderLayer, "decoder": nn.TransformerDecoderLayer}
ATTENTIONS = {"attn": "self_attn", "cross": "multihead_attn"}  # ours -> theirs


def points(
    model: EncoderDecoder, ids: Tensor, padding: Tensor | None, target: Tensor, target_padding: Tensor | None
) -> dict[str, Tensor]:
    """Every point of two stacks of torch's layers that hold the parameters of `model`."""
    real, written = (_real(*given) for given in ((ids, padding), (target, target_padding)))
    looking, before = real[:, None, None, :], causal(target, target_padding)
    found = _stack(model.encoder, "encoder", ids, dict(attn=looking), dict(src_key_padding_mask=~real))
    found["decoder.memory"] = memory = _last(model.encoder, "encoder", found)
    blind = ~torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).tril()
    hidden = dict(tgt_mask=blind, tgt_key_padding_mask=~written, memory_key_padding_mask=~real)
    masks = dict(attn=before, cross=looking)
    found |= _stack(model.decoder, "decoder", target, masks, dict(memory=memory) | hidden)
    logits = _last(model.decoder, "decoder", found) @ model.decoder.logits.weight.T
    return found | {"decoder.logits": logits}


def _real(ids: Tensor, padding: Tensor | None) -> Tensor:
    return torch.ones_like(ids, dtype=torch.bool) if padding is None else padding


def _last(ours, stack: str, found: dict[str, Tensor]) -> Tensor:
    """The last vectors of a stack."""
    end = "final_norm.out" if ours.final_norm is not None else f"blocks.{len(ours.blocks) - 1}.resid_post"
    return found[f"{stack}.{end}"]


def _stack(ours, stack: str, ids: Tensor, masks: dict[str, Tensor], given: dict) -> dict[str, Tensor]:
    """One stack; `given` is what each of torch's layers gets."""
    c, found = ours.config, _embed(ours, ids)
    x = found["embed.out"]
    for i, block in enumerate(ours.blocks):
        choices = dict(dropout=0.0, layer_norm_eps=c.norm_eps, batch_first=True, norm_first=not c.post_norm)
        layer = LAYERS[stack](c.width, c.heads, c.mlp_width, **choices, dtype=torch.float64)
        layer.load_state_dict(_numbers(block))
        found |= {f"blocks.{i}.{name}": part for name, part in _layer(layer, x, given, masks, c).items()}
        x = found[f"blocks.{i}.resid_post"]
    if not c.post_norm:
        norm = ours.final_norm
        out = F.layer_norm(x, [c.width], norm.weight, norm.bias, c.norm_eps)
        found |= _norm("final_norm", x, out, c)
    return {f"{stack}.{name}": part for name, part in found.items()}


def _embed(ours, ids: Tensor) -> dict[str, Tensor]:
    token, D = ours.embed.token.weight[ids], ours.config.width
    waves = [[t / 10_000 ** (2 * (d // 2) / D) for d in range(D)] for t in range(ids.shape[1])]
    places = [[(math.sin, math.cos)[d % 2](angle) for d, angle in enumerate(row)] for row in waves]
    position = torch.tensor(places, dtype=torch.float64).expand_as(token)
    parts = dict(token=token, scaled=token * math.sqrt(D), position=position)
    parts["out"] = parts["scaled"] + position
    return {f"embed.{name}": part for name, part in parts.items()}


def _numbers(block) -> dict[str, Tensor]:
    """Our block's parameters under the names of torch's layer."""
    parts, norms = {"linear1": block.mlp.pre, "linear2": block.mlp.out}, []
    state = {}
    for ours, theirs in ATTENTIONS.items():
        part = getattr(block, ours)
        if part is not None:
            norms.append(part.norm)
            parts[f"{theirs}.out_proj"] = part.out
            for kind in ("weight", "bias"):
                thirds = [getattr(each, kind) for each in (part.q, part.k, part.v)]
                state[f"{theirs}.in_proj_{kind}"] = torch.cat(thirds)
    parts |= {f"norm{i}": norm for i, norm in enumerate([*norms, block.mlp.norm], 1)}
    for name, part in parts.items():
        state |= {f"{name}.weight": part.weight, f"{name}.bias": part.bias}
    return state


def _layer(layer: nn.Module, x: Tensor, given: dict, masks: dict, c: Config) -> dict[str, Tensor]:
    """Everything inside one of torch's layers; it is in training mode, without which torch makes it in one
    piece, and has no dropout."""
    inputs, outputs = {}, {}

    def ctx(name):
        def hook(part, given, result):
            inputs[name], outputs[name] = given, result

        return hook

    for name, part in layer.named_children():
        part.register_forward_hook(ctx(name))
        if isinstance(part, nn.MultiheadAttention):
            part.register_forward_pre_hook(_ask_for_weights, with_kwargs=True)
    result = layer(x, **given)
    found, norms = {"resid_pre": x}, iter(["norm1", "norm2", "norm3"])
    streams = [(part, {"attn": "resid_mid", "cross": "resid_cross"}[part]) for part in masks]
    for part, stream in streams:
        theirs, norm = ATTENTIONS[part], next(norms)
        inside = _attention(getattr(layer, theirs), inputs[theirs], outputs[theirs], masks[part])
        found |= {f"{part}.{name}": value for name, value in inside.items()}
        found |= _norm(f"{part}.norm", inputs[norm][0], outputs[norm], c)
        after = {"norm1": "norm2", "norm2": "norm3"}[norm]
        found[stream] = outputs[norm] if c.post_norm else inputs[after][0]
        if c.post_norm:
            found[f"{part}.sum"] = inputs[norm][0]
    norm = next(norms)
    found |= {"mlp.pre": outputs["linear1"], "mlp.act": inputs["linear2"][0], "mlp.out": outputs["linear2"]}
    found |= _norm("mlp.norm", inputs[norm][0], outputs[norm], c)
    found |= {"mlp.sum": inputs[norm][0]} if c.post_norm else {}
    return found | {"resid_post": result}


def _ask_for_weights(part, given: tuple, choices: dict) -> tuple[tuple, dict]:
    return given, choices | dict(need_weights=True, average_attn_weights=False)


def _attention(part: nn.MultiheadAttention, given: tuple, result: tuple, mask: Tensor) -> dict[str, Tensor]:
    weights, biases = part.in_proj_weight.chunk(3), part.in_proj_bias.chunk(3)
    made = [F.linear(x, w, b) for x, w, b in zip(given, weights, biases, strict=True)]
    q, k, v = (split(x, part.head_dim) for x in made)
    out, pattern = result
    return dict(q=q, k=k, v=v, pattern=pattern, z=pattern @ v, out=out) | masked(
        q @ k.mT, part.head_dim**-0.5, mask
    )


def _norm(name: str, x: Tensor, out: Tensor, c: Config) -> dict[str, Tensor]:
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
    scaled = (x - mean) / (var + c.norm_eps) ** 0.5
    return {f"{name}.mean": mean, f"{name}.var": var, f"{name}.scaled": scaled, f"{name}.out": out}
