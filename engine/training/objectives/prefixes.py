"""One forward pass gives the loss of every position at once; one pass for each prefix gives the same."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.training.objectives.losses import losses


@dataclass(frozen=True, eq=False)
class Both:
    """The losses of a text's tokens after the first [T − 1].

    logits    [T − 1, V], of the one pass
    together  from one pass over the whole text; apart: from T − 1 passes, each over what stands before
    """

    logits: Tensor
    together: Tensor
    apart: Tensor


def both(model, ids: list[int]) -> Both:
    """The losses of a causal model both ways; ids [T], two at least."""
    read, wanted = torch.tensor([ids], device=model.device), torch.tensor(ids[1:])
    with torch.inference_mode():
        logits = model(read)[0, :-1].cpu()
        last = [_last(model, read[:, :t]) for t in range(1, len(ids))]
    return Both(logits, losses(logits, wanted), losses(torch.stack(last), wanted))


def _last(model, prefix: Tensor) -> Tensor:
    """The scores [V] after all of a text [1, t]."""
    return model(prefix, model.context(prefix, last=True))[0, -1].cpu()
