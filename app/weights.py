"""Attention weights as pictures of many heads show them: told otherwise on request, pooled, packed small."""

import numpy as np
import torch

from engine.analysis import value_weighted, without
from engine.trace import Trace
from engine.worked import Check
from engine.worked.derived import check_value_weighted, check_without

MASKED, TINY, FIRST = 0, 1, 2  # codes: no weight is there; one under 0.0001; from here on one of three digits
EACH = 900  # numbers of three digits for each power of ten
LEAST = -4  # the smallest power
CODED = 2.0  # weights below this have a code; shares are, however they were rounded
UNTOLD = 0.00009995  # from here on three digits are 0.0001 or more


def weights_of(
    trace: Trace, point: str, hidden: tuple[int, ...] = (), weighted: bool = False
) -> tuple[torch.Tensor, list[Check]]:
    """The weights of a block [H, T, S] for the first prompt, and the checks of what was done to them.

    weighted  times the size of each value; hidden  without these keys, each row summing to 1 again"""
    pattern, checks = trace[point][0], []
    if weighted:
        v, before = trace[point.rpartition(".")[0] + ".v"][0], pattern
        pattern = value_weighted(before, v)
        checks.append(check_value_weighted(before, v, pattern))
    if hidden:
        before, pattern = pattern, without(pattern, list(hidden))
        checks.append(check_without(before, list(hidden), pattern))
    return pattern, checks


def hatched(trace: Trace, point: str, pattern: torch.Tensor) -> np.ndarray:
    """The weights as pictures draw them: −∞ where a cell is masked."""
    scores = trace[trace.table[point].sources[0]][0]
    return pattern.masked_fill(torch.isneginf(scores), -torch.inf).cpu().numpy().astype(np.float32)


def coded(values: np.ndarray) -> np.ndarray:
    """Weights as whole numbers below 4096 that tell three digits of each, rounded as any number shown."""
    x = values.astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.clip(np.floor(np.log10(x)), LEAST, 0)
        digits = np.round(x / 10.0 ** (power - 2))
        over, under = digits >= 1000, digits < 100  # the logarithm was rounded, too
        power = power + over - (under & (power > LEAST))
        digits = np.round(x / 10.0 ** (power - 2))
    codes = FIRST + (power - LEAST) * EACH + digits - 100
    codes = np.where(x < UNTOLD, TINY, codes)
    return np.where(np.isneginf(x), MASKED, codes).astype(np.uint16)


def packed(codes: np.ndarray) -> np.ndarray:
    """Codes [N] as bytes, two in three."""
    a, b = np.pad(codes, (0, len(codes) % 2)).astype(np.uint16).reshape(-1, 2).T
    return np.stack([a >> 4, (a & 15) << 4 | b >> 8, b & 255], -1).astype(np.uint8).reshape(-1)


def thumbnails(values: np.ndarray) -> tuple[np.ndarray, bool]:
    """Heads [N, T, S] as bytes, three digits of each weight, or as they are where a what-if has made weights
    that are no shares; and whether only the cells up to the diagonal are sent, all others being masked."""
    rows, columns = values.shape[1:]
    above = np.triu(np.ones((rows, columns), bool), 1)
    half = rows == columns and bool(np.isneginf(values[:, above]).all())
    told = (values[:, ~above] if half else values).reshape(-1)
    shares = np.isneginf(told) | ((told >= 0) & (told < CODED))
    return packed(coded(told)) if shares.all() else told.astype(np.float32), half
