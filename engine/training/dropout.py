"""Dropout while a Transformer learns: numbers are set to 0 by chance, the others grow (Srivastava et al. 2014).

It is on the sum of embeddings and positions and on what each sublayer adds (Vaswani et al. 2017, section 5.4).
The model knows nothing of it: hooks do it, where gradients are wanted, and are taken away with the last step.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.hooks import RemovableHandle

from engine.model.embed import Embed
from engine.model.sublayer import Sublayer


def drop(model: nn.Module, share: float) -> list[RemovableHandle]:
    """Have this share of the numbers dropped while `model` learns, until the handles are removed."""

    def hook(_part, _given, out: torch.Tensor) -> torch.Tensor:
        return F.dropout(out, share) if torch.is_grad_enabled() else out

    parts = [part for part in model.modules() if isinstance(part, Embed | Sublayer)] if share else []
    return [part.register_forward_hook(hook) for part in parts]
