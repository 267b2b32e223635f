"""What goes into and comes out of each of the reference's parts, and what every decoder shares."""

import torch
from torch import Tensor
from transformers import PreTrainedModel


def watch(model: PreTrainedModel, ids: Tensor, padding: Tensor | None, **more):
    """What went into and came out of each of the reference's parts, by the part's name (as in a checkpoint
    without heads); `more` is given to the model as it is."""
    inputs, outputs = {}, {}

    def ctx(name):
        def hook(part, given, result):
            inputs[name], outputs[name] = given[0] if given else None, result

        return hook

    inner = f"{model.base_model_prefix}."
    hooks = [part.register_forward_hook(ctx(n.removeprefix(inner))) for n, part in model.named_modules()]
    if padding is not None:
        more["attention_mask"] = padding.long()
    result = model(ids, output_attentions=True, **more)
    outputs["logits"] = getattr(result, "logits", None)
    for hook in hooks:
        hook.remove()
    return inputs, outputs


def split(x: Tensor, width: int) -> Tensor:
    """[B, T, heads · width] -> [B, heads, T, width]."""
    return x.unflatten(-1, (-1, width)).transpose(1, 2)


def causal(ids: Tensor, padding: Tensor | None) -> Tensor:
    """[B, 1, T, T], true where a token may look."""
    square = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool)
    real = torch.ones_like(ids, dtype=torch.bool) if padding is None else padding
    return (square.tril() & real[:, None, None, :]) | square.diag().diag()


def masked(dots: Tensor, scale: float, mask: Tensor) -> dict[str, Tensor]:
    scores, mask = dots * scale, mask.expand_as(dots)
    return dict(dots=dots, scores=scores, mask=mask, masked=scores.where(mask, -torch.inf))
