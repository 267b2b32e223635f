"""What torch really keeps while a small model learns: bytes of weights, gradients, optimizer and activations.

The model itself is not touched: a twin with the same numbers learns one step.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from engine.model.build import model_of

OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, 0.01),
    "momentum": lambda weights: torch.optim.SGD(weights, 0.01, momentum=0.9),
    "adam": lambda weights: torch.optim.AdamW(weights, 0.001),
}


@dataclass(frozen=True)
class Measured:
    """Bytes. steps: of the optimizer's count of steps, a number for each tensor, which is not in `optimizer`;
    ids: the token ids that activations hold beside what the formula counts."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    steps: int
    ids: int


class Kept:
    """Counts the bytes that autograd keeps for the way back, each storage once; `most` at a time."""

    def __init__(self, weights: list[Tensor]):
        self.known = {w.untyped_storage()._cdata for w in weights}
        self.uses: dict[int, int] = {}
        self.ids: dict[int, Tensor] = {}  # held, so that no other storage comes to have their place
        self.now = self.most = 0

    def __enter__(self):
        self.hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, lambda held: held.tensor)
        self.hooks.__enter__()
        return self

    def __exit__(self, *error):
        self.hooks.__exit__(*error)

    def _pack(self, tensor: Tensor) -> "_Held":
        return _Held(tensor.detach() if tensor.is_leaf else tensor, self)

    def take(self, tensor: Tensor) -> int | None:
        """Count a tensor, and give what it is counted under; None: it is a weight, or ids, which are not."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if tensor.dtype == torch.long:
            self.ids[key] = tensor
        if key in self.known or key in self.ids:
            return None
        self.uses[key] = self.uses.get(key, 0) + 1
        if self.uses[key] == 1:
            self.now += storage.nbytes()
            self.most = max(self.most, self.now)
        return key

    def drop(self, key: int, size: int) -> None:
        """What was counted under this is no longer kept once."""
        self.uses[key] -= 1
        if not self.uses[key]:
            self.now -= size


class _Held:
    """A tensor that autograd keeps, until it lets go of it."""

    def __init__(self, tensor: Tensor, kept: Kept):
        self.tensor, self.kept, self.key = tensor, kept, kept.take(tensor)

    def __del__(self):
        if self.key is not None:
            self.kept.drop(self.key, self.tensor.untyped_storage().nbytes())


def twin(model: nn.Module) -> nn.Module:
    """A model with the same numbers of its own, which may learn."""
    with torch.device("meta"):
        other = model_of(model.config)
    other.load_state_dict({n: p.detach().clone() for n, p in model.state_dict().items()}, assign=True)
    other.tie()
    return other.requires_grad_().train()


def loss_of(model: nn.Module, ids: Tensor, checkpoints: bool = False) -> Tensor:
    """Mean loss in nats of the next tokens of ids [B, T + 1]; checkpoints: a block keeps its input alone."""
    read, asked = ids[:, :-1], ids[:, 1:].flatten()
    context = model.context(read)
    x = model.begin(read)
    for block in model.blocks:
        x = checkpoint(block, x, context, use_reentrant=True) if checkpoints else block(x, context)
    return F.cross_entropy(model.finish(x).flatten(0, 1), asked)


def measure(
    model: nn.Module, ids: Tensor, optimizer: str = "adam", checkpoints: bool = False
) -> tuple[Measured, float]:
    """One step of a decoder on ids [B, T + 1]: what was kept, and the loss before it in nats."""
    learns = twin(model)
    weights = list(learns.parameters())
    with Kept(weights) as kept:
        loss = loss_of(learns, ids, checkpoints)
        loss.backward()
    steps = OPTIMIZERS[optimizer](weights)
    steps.step()
    state = [x for memory in steps.state.values() for x in memory.values() if isinstance(x, Tensor)]
    counts = sum(_bytes(x) for x in state if not x.dim())
    return Measured(
        sum(map(_bytes, weights)),
        sum(_bytes(w.grad) for w in weights),
        sum(_bytes(x) for x in state if x.dim()),
        kept.most,
        counts,
        sum(ids.untyped_storage().nbytes() for ids in kept.ids.values()),
    ), loss.item()


def _bytes(tensor: Tensor) -> int:
    return tensor.nbytes
