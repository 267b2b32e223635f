"""Losses by the second route: −ln p of what was wanted, from the scores, in numpy and float64."""

import math

import numpy as np

from engine.worked.recipes.step_inputs import float64
from engine.worked.recipes.terms import Term, Worked, factor, number
from engine.worked.steps import Check, compare

LISTED = 6  # entries whose exponentials are shown one by one


def check_losses(logits, wanted, shown) -> Check:
    """The losses [N] of the entries `wanted` [N], from logits [N, V]; negative where none is, of loss 0."""
    return compare(np.asarray(shown), *_losses(float64(logits), wanted))


def check_batch_losses(logits, ids, real, special, causal: bool, shown, mean: float) -> Check:
    """The losses [B, T] of a batch's tokens and their mean: which tokens count, and where each one's scores
    stand, is worked out anew.

    logits  [B, T, V], a causal model's for the token after, an encoder's for the token itself
    special the entries that an encoder is not asked for
    """
    logits, ids, real = float64(logits), np.asarray(ids), np.asarray(real, bool)
    wanted = np.full(ids.shape, -1)
    for b, t in np.ndindex(ids.shape):
        if real[b, t] and (t > 0 and real[b, t - 1] if causal else ids[b, t] not in special):
            wanted[b, t] = ids[b, t]
    rows = np.roll(logits, 1, 1) if causal else logits
    value, size = _losses(rows.reshape(-1, logits.shape[-1]), wanted.ravel())
    counts = wanted.ravel() >= 0
    both = [np.append(x, x[counts].mean() if counts.any() else 0.0) for x in (value, size)]
    return compare(np.append(np.asarray(shown), mean), *both)


def check_mean(logits, wanted, shown: float) -> Check:
    """The mean loss over the positions where something is wanted."""
    counts = np.asarray(wanted) >= 0
    value, size = (x[counts].mean() if counts.any() else 0.0 for x in _losses(float64(logits), wanted))
    return compare(np.array([shown]), np.array([value]), np.array([size]))


def check_again(logits, wanted, again) -> Check:
    """The losses of one pass beside those of others that read the same otherwise: without padding, or only what
    stands before. Both are sums in float32 over all blocks, in another order."""
    value, size = _losses(float64(logits), wanted)
    return compare(np.asarray(again), value, PASSES * size)


PASSES = 8  # times as far as one step may two whole passes be apart


def _losses(scores: np.ndarray, wanted) -> tuple[np.ndarray, np.ndarray]:
    """−ln p of each wanted entry: the log of the sum of all exponentials, less its own exponent."""
    wanted = np.asarray(wanted)
    rows, counts = np.arange(len(wanted)), wanted >= 0
    most = scores.max(-1)
    own = scores[rows, np.where(counts, wanted, 0)]
    value = np.log(np.exp(scores - most[:, None]).sum(-1)) + most - own
    return np.where(counts, value, 0), np.where(counts, most - own + np.abs(most) + 1, 0)


def work_loss(scores, entry: int, shown: float, source: str) -> Worked:
    """The arithmetic of one loss from a row of scores [V]; source: the row's name."""
    row = float64(scores)
    most = float(row.max())
    exp = np.exp(row - most)
    total, own = math.fsum(exp), float(row[entry])
    best = np.argsort(-exp, kind="stable")[:LISTED]
    terms = [Term(f"entry {i}", (float(row[i]),), float(exp[i])) for i in best]
    if len(row) > LISTED:
        terms.append(Term(f"{len(row) - LISTED:,} more", (), total - math.fsum(exp[best])))
    value = math.log(total) - (own - most)
    symbols = r"-\ln p_i = \ln \sum_j e^{s_j - m} - (s_i - m),\quad m = \max_j s_j = " + number(most)
    numbers = rf"\ln {number(total, 6)} - ({number(own, 6)} - {factor(most, 6)}) = {number(value)}"
    return Worked("loss", (0, entry), symbols, numbers, tuple(terms), total, value, shown, (source,))
