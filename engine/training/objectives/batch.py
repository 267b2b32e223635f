"""Texts of different lengths as one batch: cut to the block size, padded up to it; and what padding changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from engine.model.context import Context
from engine.model.transformer import Transformer
from engine.training.objectives.losses import NONE, losses

EVERY = 5  # an encoder's tokens are hidden one in so many at a time: a fifth, where training hides 15%


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of one length.

    ids   [B, T], padding filled in; real [B, T], true where a token is one of a text
    cut   how many tokens of each text did not fit
    pad   the entry that padding is made of
    """

    ids: Tensor
    real: Tensor
    cut: tuple[int, ...]
    pad: int


def batch(
    rows: Sequence[Sequence[int]], block: int, pad: int, left: bool = False, last: int | None = None
) -> Batch:
    """Texts as token ids, each cut to `block` tokens and padded to it behind its end, or before its start.

    last  the entry that stands last in a text that is cut, too ([SEP]); None: there is none
    """
    end = [] if last is None else [last]
    kept = [list(row) if len(row) <= block else [*row[: block - len(end)], *end] for row in rows]
    rest = [block - len(row) for row in kept]
    ids = [[pad] * n + row if left else row + [pad] * n for row, n in zip(kept, rest, strict=True)]
    real = [[t >= n if left else t < block - n for t in range(block)] for n in rest]
    return Batch(torch.tensor(ids), torch.tensor(real), tuple(max(0, len(row) - block) for row in rows), pad)


class Way(NamedTuple):
    """How a model reads a batch.

    left     padding stands before the texts
    masked   nobody attends to padding
    counted  positions are counted from the first token of each text, not from the start of its row
    """

    left: bool = False
    masked: bool = True
    counted: bool = True


WAYS = {
    "right": Way(masked=False, counted=False),
    "right, masked": Way(counted=False),
    "left": Way(left=True, masked=False, counted=False),
    "left, masked": Way(left=True, counted=False),
    "left, masked, counted": Way(left=True),
}


def context_of(model: Transformer, ids: Tensor, real: Tensor, way: Way) -> Context:
    """The context in which padded rows [B, T] are read one way."""
    plain = model.context(ids)
    if not way.masked:
        return plain
    padded = model.context(ids, real)
    return padded if way.counted else replace(padded, places=None, angles=plain.angles)


def wanted_of(model: Transformer, batch: Batch, padding: bool = False) -> Tensor:
    """The entry that is wanted in each position [B, T]: its own, NONE in padding; of a causal model no first
    token, which nothing stands before; of an encoder no special one. padding: it is wanted, too."""
    counts = batch.real | padding
    if model.config.causal:
        counts = counts & counts.roll(1, -1)
        counts[:, 0] = False
    else:
        counts = counts & ~torch.isin(batch.ids, torch.tensor([*model.tokenizer.special.values()]))
    return batch.ids.masked_fill(~counts, NONE)


def scores_of(model: Transformer, batch: Batch, way: Way) -> Tensor:
    """The scores for what stands in each position [B, T, V], which the model does not see there."""
    logits = logits_of(model, batch, way)
    return moved(logits) if model.config.causal else logits


@torch.inference_mode()
def logits_of(model: Transformer, batch: Batch, way: Way) -> Tensor:
    """The logits in each position [B, T, V]: a causal model's are for the token after it, an encoder's for the
    token itself, hidden by [MASK]."""
    if not model.config.causal:
        return _hidden(model, batch, way)
    ids, real = batch.ids.to(model.device), batch.real.to(model.device)
    return model(ids, context_of(model, ids, real, way)).cpu()


def moved(logits: Tensor) -> Tensor:
    """Logits [B, T, V] of a causal model, each moved to the token that it is for; zeros for the first."""
    return torch.cat([torch.zeros_like(logits[:, :1]), logits[:, :-1]], 1)


def _hidden(model: Transformer, batch: Batch, way: Way) -> Tensor:
    """An encoder's: it reads each text EVERY times, each time with other tokens hidden by [MASK]."""
    turn = torch.arange(batch.ids.shape[1]) % EVERY
    asked = wanted_of(model, batch) != NONE
    hidden = torch.stack([asked & (turn == k) for k in range(EVERY)])  # [EVERY, B, T]
    read = batch.ids.masked_fill(hidden, model.tokenizer.mask).flatten(0, 1).to(model.device)
    real = batch.real.repeat(EVERY, 1).to(model.device)
    x = model.stream(read, context_of(model, read, real, way)).unflatten(0, hidden.shape[:2])
    found = torch.zeros(*batch.ids.shape, model.config.vocabulary, dtype=x.dtype)
    for k in range(EVERY):
        found[hidden[k]] = model.unembed(x[k][hidden[k].to(model.device)]).cpu()
    return found


def losses_of(model: Transformer, batch: Batch, way: Way) -> Tensor:
    """The loss of each token [B, T], 0 where none is wanted."""
    return losses(scores_of(model, batch, way), wanted_of(model, batch))


def alone(model: Transformer, batch: Batch) -> list[Tensor]:
    """The losses of each text read by itself, without any padding, a tensor [its length] each."""
    rows = [ids[real][None] for ids, real in zip(batch.ids, batch.real, strict=True)]
    single = [Batch(row, torch.ones_like(row, dtype=torch.bool), (0,), batch.pad) for row in rows]
    return [losses_of(model, one, WAYS["right"])[0] for one in single]
