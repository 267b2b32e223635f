"""Low-rank adaptation: W stays, and what is learned is added to it as a product of two thin matrices.

h = W x + (α / r) B A x        A [r, in], B [out, r]        Hu et al. 2021, equation 3
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.model.transformer import Transformer
from engine.worked import Check

TARGETS = {  # which matrices of every block get one
    "queries and values": ("attn.q", "attn.v"),
    "attention": ("attn.q", "attn.k", "attn.v", "attn.out"),
    "all": ("",),
}
ALPHA = 16.0  # the scale of what is added is α / r
NOISE = 2.0**-24  # half a unit in the last place of a number in float32


class LoRA(nn.Module):
    """A linear layer that stays as it is, and a product of two thin matrices beside it."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float = ALPHA):
        super().__init__()
        out, into = linear.weight.shape
        if not 1 <= rank <= min(out, into):
            raise ValueError(
                f"the rank is {rank}; of a matrix of {out} × {into} it is from 1 to {min(out, into)}"
            )
        self.linear, self.scale = linear, alpha / rank
        options = dict(device=linear.weight.device, dtype=linear.weight.dtype)
        self.A = nn.Parameter(torch.empty(rank, into, **options))
        self.B = nn.Parameter(
            torch.zeros(out, rank, **options)
        )  # so that nothing changes before the first step
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))

    @property
    def weight(self) -> Tensor:
        """The layer's own weights, as they were."""
        return self.linear.weight

    @property
    def out_features(self) -> int:
        """How many numbers it gives, as a linear layer says it."""
        return self.linear.out_features

    def delta(self) -> Tensor:
        """What is added to the weights, ΔW [out, in]."""
        return self.scale * (self.B @ self.A)

    def forward(self, x: Tensor) -> Tensor:
        """x [..., in] -> [..., out]."""
        return self.linear(x) + self.scale * F.linear(F.linear(x, self.A), self.B)

    def merged(self) -> nn.Linear:
        """One linear layer that does the same."""
        out, into = self.weight.shape
        bias = self.linear.bias
        layer = nn.Linear(into, out, bias is not None, device=self.weight.device, dtype=self.weight.dtype)
        layer.weight.data = self.weight.data + self.delta().data
        if bias is not None:
            layer.bias.data = bias.data.clone()
        return layer


def inject(model: Transformer, rank: int, targets: str = "queries and values") -> list[str]:
    """Freeze all weights of a model and put LoRA at its matrices; returns their names."""
    if targets not in TARGETS:
        raise ValueError(f"there are no matrices {targets!r}; known are {', '.join(TARGETS)}")
    for p in model.parameters():
        p.requires_grad_(False)
    names = [
        name
        for name, module in model.blocks.named_modules(prefix="blocks")
        if isinstance(module, nn.Linear) and any(part in name for part in TARGETS[targets])
    ]
    for name in names:
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, LoRA(model.get_submodule(name), rank))
    return names


def layers_of(model: nn.Module) -> dict[str, LoRA]:
    """All LoRA layers of a model by name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, LoRA)}


def merge(model: nn.Module) -> nn.Module:
    """Put W + ΔW in the place of every LoRA layer of a model; returns the model."""
    for name, layer in layers_of(model).items():
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, layer.merged())
    return model


@dataclass(frozen=True, eq=False)
class Change:
    """What LoRA learned at one matrix: A [r, in], B [out, r], ΔW [out, in] and its singular values."""

    name: str
    A: np.ndarray
    B: np.ndarray
    delta: np.ndarray
    singular: np.ndarray
    size: float  # ‖ΔW‖ over ‖W‖ (Frobenius)


@torch.no_grad()
def change_of(name: str, layer: LoRA) -> Change:
    """The same of a layer, the singular values in float64; those after the rank are 0 but for rounding."""
    delta, weight = layer.delta().cpu().double(), layer.weight.cpu().double()
    singular = torch.linalg.svdvals(delta)
    numbers = (x.detach().cpu().float().numpy() for x in (layer.A, layer.B, delta))
    return Change(name, *numbers, singular.numpy(), float(delta.norm() / weight.norm()))


@torch.no_grad()
def check_layer(layer: LoRA, x: Tensor) -> Check:
    """Is what a layer says of vectors [N, in] what W + (α/r) B A says, merged anew in float64?"""
    w, a, b = (p.cpu().double() for p in (layer.weight, layer.A, layer.B))
    bias = 0.0 if layer.linear.bias is None else layer.linear.bias.cpu().double()
    exact = x.cpu().double()
    whole = w + ALPHA / a.shape[0] * (b @ a)
    sizes = exact.abs() @ (w.abs() + ALPHA / a.shape[0] * (b.abs() @ a.abs())).T
    return _within(layer(x).cpu().double(), exact @ whole.T + bias, sizes + abs(bias), x.shape[-1] + a.shape[0])


@torch.no_grad()
def check_merged(merged: nn.Linear, layer: LoRA) -> Check:
    """Are merged weights W + (α/r) B A, computed anew in float64?"""
    w, a, b = (p.cpu().double() for p in (layer.weight, layer.A, layer.B))
    scale = ALPHA / a.shape[0]
    return _within(
        merged.weight.cpu().double(), w + scale * (b @ a), w.abs() + scale * (b.abs() @ a.abs()), len(a)
    )


def _within(shown: Tensor, exact: Tensor, sizes: Tensor, terms: int) -> Check:
    """Rounding of a sum of so many terms in float32 explains about √terms half units of their sizes, and never
    more than all of them."""
    allowed = (8 + 4 * math.sqrt(terms)) * NOISE * sizes + 1e-30
    apart = (shown - exact).abs()
    worst = int((apart / allowed).nan_to_num(torch.inf).argmax())
    far, room = float(apart.flatten()[worst]), float(allowed.flatten()[worst])
    return Check(far, room, far <= room)
