"""Surprise: how many bits each token of a text tells that what stands before it did not (Shannon 1948)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.decode.growing import check_writes


@dataclass(frozen=True, eq=False)
class Surprise:
    """Of every token after the first [N], which nothing stands before, and the most probable ones there.

    ids            the tokens [N]
    bits           −log2 of the probability of each [N], float64
    total          their sum: −log2 of the probability of the whole text after its first token
    perplexity     2 to the power of their mean: among how many equally probable tokens one would be as
                   surprising as these are on average; 1 where there are none
    alternatives   the `best` most probable entries in the place of each, the first first [N, best]
    probabilities  theirs [N, best]
    """

    ids: Tensor
    bits: Tensor
    total: float
    perplexity: float
    alternatives: Tensor
    probabilities: Tensor


def surprise(logits: Tensor, ids: Tensor | list[int], best: int = 10) -> Surprise:
    """The surprise of a text's tokens `ids` [T], from a model's logits [T, V] at every one of them: those at a
    token are for the one after it."""
    ids = torch.as_tensor(ids).cpu()
    if logits.dim() != 2 or len(logits) != len(ids) or not len(ids):
        raise ValueError(f"logits are {list(logits.shape)} for {len(ids)} tokens: one row for each is needed")
    logs = logits[:-1].cpu().double().log_softmax(-1)  # [N, V]
    told = logs.gather(-1, ids[1:, None].long())[:, 0]
    bits = -told / math.log(2)
    order = logs.sort(dim=-1, descending=True, stable=True)
    return _summed(ids[1:], bits, order.indices[:, :best], order.values[:, :best].exp())


def _summed(ids: Tensor, bits: Tensor, alternatives: Tensor, probabilities: Tensor) -> Surprise:
    total = bits.sum().item()
    return Surprise(ids, bits, total, 2 ** (total / max(1, len(bits))), alternatives, probabilities)


def joined(parts: Sequence[Surprise]) -> Surprise:
    """The surprise of a text from that of its parts, one after the other."""
    told = [(part.ids, part.bits, part.alternatives, part.probabilities) for part in parts]
    return _summed(*map(torch.cat, zip(*told, strict=True)))


def surprise_of(trace, row: int = 0, best: int = 10) -> Surprise:
    """The same of one text of a trace: what was read, or beside an encoder what the decoder read. Padding is
    no token. A ValueError of a model that does not say at a token what comes after it."""
    check_writes(trace.model)
    side = "decoder." if trace.target is not None else ""
    ids, real = (trace.target, trace.target_padding) if side else (trace.ids, trace.padding)
    logits, ids = trace[f"{side}logits"][row], ids[row]
    return surprise(logits, ids, best) if real is None else surprise(logits[real[row]], ids[real[row]], best)
