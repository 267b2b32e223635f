"""Attention: heads, scores, the mask, and the weighted sum of values.

The same steps without heads are the attention of recurrent models, whose points have no axis H.
"""

import math
from dataclasses import replace

import numpy as np

from engine.worked.recipes.kinds import recipe
from engine.worked.recipes.linear import linear, linear_cell, mapped
from engine.worked.recipes.step_inputs import StepInputs
from engine.worked.recipes.terms import Worked, factor, number, plain, product_cell, simple_cell


def heads(s: StepInputs):
    """[B, H, T, E], x W + b cut into heads."""

    def split(y):
        return np.stack(np.split(y, y.shape[-1] // s.config.head_width, axis=-1), axis=1)

    return tuple(map(split, linear(s)))


def _heads_cell(s: StepInputs, b, h, t, e):
    column = h * s.config.head_width + e
    letter = s.point.short
    symbols = rf"{letter}_{{t,e}} = \sum_j x_{{t,j}}\,W^{letter.upper()}_{{j,e}}"
    worked = linear_cell(s, b, t, column)
    return replace(worked, symbols=symbols + (" + b_e" if s.has_bias else ""))


recipe("heads", whole=heads, cell=_heads_cell)


def dot_product(s: StepInputs):
    """[B, H, T, S], each query times each key; without heads [B, T, S] (Luong et al. 2015, equation 8)."""
    q, k = s.sources[0], _for_each_head(s, s.sources[1])
    terms = "...te,...se->...ts"
    return np.einsum(terms, q, k), np.einsum(terms, np.abs(q), np.abs(k))


def _for_each_head(s: StepInputs, x: np.ndarray) -> np.ndarray:
    """Keys or values [B, G, S, E] repeated for the heads that share them; without heads, as they are."""
    return np.repeat(x, s.shared_by, axis=1) if x.ndim == 4 else x


def _dot_product_cell(s: StepInputs, b, *at):
    (*head, t, k), (queries, keys) = at, s.sources
    group = [h // s.shared_by for h in head]
    return product_cell(
        rf"{_dot(s)} = {_dot_terms(s)}" if head else r"e_{t,j} = \sum_d s_{t,d}\,h_{j,d}",
        (s.source_cells(0, *head, t, ":"), s.source_cells(1, *group, k, ":")),
        [f"dimension {e}" for e in range(queries.shape[-1])],
        queries[b, *head, t],
        keys[b, *group, k],
    )


def _letters(s: StepInputs) -> tuple[str, str]:
    """The letters of the query and key that are multiplied: with a tilde where they were rotated."""
    return (r"\tilde q", r"\tilde k") if s.config.positions == "rotary" and not s.crosses else ("q", "k")


def _dot(s: StepInputs) -> str:
    return r"{}_t\cdot {}_s".format(*_letters(s))


def _dot_terms(s: StepInputs) -> str:
    query, key = _letters(s)
    return rf"\sum_e {query}_{{t,e}}\,{key}_{{s,e}}"


recipe("dot_product", whole=dot_product, cell=_dot_product_cell)


def additive_score(s: StepInputs):
    """[B, T, S], v · tanh(query + key) (Bahdanau et al. 2014, section A.1.2)."""
    query, keys = s.sources[0][:, :, None], s.sources[1][:, None]
    fit = np.tanh(query + keys)
    inside = (np.abs(query) + np.abs(keys)) * (1 - fit**2)  # the sum's rounding, damped by the slope of tanh
    return fit @ s.weight[0], (np.abs(fit) + inside) @ np.abs(s.weight[0])


def _additive_score_cell(s: StepInputs, b, t, k):
    query, keys = s.sources
    return product_cell(
        r"e_{t,j} = \sum_d v_d\,\tanh(q_{t,d} + k_{j,d})",
        (s.source_cells(0, t, ":"), s.source_cells(1, k, ":"), "weights v"),
        [f"dimension {d}: v · tanh(q + k)" for d in range(query.shape[-1])],
        s.weight[0],
        np.tanh(query[b, t] + keys[b, k]),
    )


recipe("additive_score", whole=additive_score, cell=_additive_score_cell)


def scale_scores(s: StepInputs):
    """[B, H, T, S], the dot products over √E, where the config scales them."""
    return plain(s.sources[0] * _scale(s))


def _scale(s: StepInputs) -> float:
    """1/√E if scores are scaled; also 1/(l + 1) if they are scaled by block l."""
    scale = 1 / np.sqrt(s.config.head_width) if s.config.scale_scores else 1.0
    return float(scale / (s.point.layer + 1 if s.config.scale_by_layer else 1))


def _scale_scores_cell(s: StepInputs, *at):
    dot, scale = float(s.sources[0][at]), _scale(s)
    if s.config.scale_scores and not s.config.scale_by_layer:
        numbers = rf"\frac{{{number(dot)}}}{{\sqrt{{{s.config.head_width}}}}}"
        return simple_cell(rf"\frac{{{_dot(s)}}}{{\sqrt{{d_k}}}}", numbers, dot * scale, *s.point.sources)
    numbers = rf"{factor(dot)} \cdot {number(scale)}"
    return simple_cell(rf"{_dot(s)} \cdot \mathrm{{scale}}", numbers, dot * scale, *s.point.sources)


recipe("scale_scores", whole=scale_scores, cell=_scale_scores_cell)


def attention_mask(s: StepInputs):
    """[B, H, T, S], True where a token may look, the same for all heads; without heads [B, T, S]."""
    if "H" not in s.point.axes:
        return s.mask[:, 0], np.ones(s.mask[:, 0].shape)
    shape = (s.B, s.config.heads, *s.mask.shape[-2:])
    return np.broadcast_to(s.mask, shape), np.ones(shape)


def _attention_mask_cell(s: StepInputs, b, *at):
    *_, t, k = at
    allowed = bool(s.mask[b, 0, t, k])
    if s.crosses or not s.config.causal:
        symbols = r"\text{every token looks at every token" + (r" of the source}" if s.crosses else "}")
        numbers = r"\text{a token}" if allowed else r"\text{padding}"
    else:
        symbols, numbers = r"s \le t", rf"{k} \le {t}" if k <= t else rf"{k} > {t}"
        if k < t and not allowed:
            numbers += r",\ \text{padding}"
    return Worked("", (), symbols, rf"{numbers} \Rightarrow {int(allowed)}", (), allowed, allowed, 0.0)


recipe("attention_mask", whole=attention_mask, cell=_attention_mask_cell)


def apply_mask(s: StepInputs):
    """[B, H, T, S], the scores, plus the relative bias if there is one; −∞ where the mask is False."""
    *parts, mask = s.sources
    return np.where(mask, sum(parts), -np.inf), sum(np.abs(part) for part in parts)


def _apply_mask_cell(s: StepInputs, *at):
    *parts, allowed = (x[at] for x in s.sources)
    added = " + b_{t,s}" if len(parts) > 1 else ""
    symbols = rf"m_{{t,s}} = s_{{t,s}}{added}\text{{ where allowed, else }}{{-\infty}}"
    numbers = r"\text{may look}" if allowed else r"\text{may not look}"
    if allowed and added:
        numbers += rf": {number(float(parts[0]))} + {factor(float(parts[1]))}"
    return simple_cell(symbols, numbers, float(sum(parts)) if allowed else -math.inf, *s.point.sources)


recipe("apply_mask", whole=apply_mask, cell=_apply_mask_cell)


def weighted_sum(s: StepInputs):
    """[B, H, T, E], the values summed with the attention weights; without heads [B, T, D]."""
    weights, v = s.sources[0], _for_each_head(s, s.sources[1])
    return weights @ v, np.abs(weights) @ np.abs(v)


def _weighted_sum_cell(s: StepInputs, b, *at):
    (*head, t, e), (weights, v) = at, s.sources
    group = [h // s.shared_by for h in head]
    return product_cell(
        r"z_{t,e} = \sum_s a_{t,s}\,v_{s,e}" if head else r"z_{t,d} = \sum_j a_{t,j}\,h_{j,d}",
        (s.source_cells(0, *head, t, ":"), s.source_cells(1, *group, ":", e)),
        [f"position {i}" for i in range(weights.shape[-1])],
        weights[b, *head, t],
        v[b, *group, :, e],
    )


recipe("weighted_sum", whole=weighted_sum, cell=_weighted_sum_cell)


def merge_heads(s: StepInputs):
    """[B, T, D], the heads side by side, times W_O."""
    (z,) = s.sources
    return mapped(np.concatenate([z[:, h] for h in range(z.shape[1])], axis=-1), s.weight, s.bias)


def _merge_heads_cell(s: StepInputs, b, t, d):
    (z,) = s.sources
    labels = [f"head {h}, dimension {e}" for h in range(z.shape[1]) for e in range(z.shape[3])]
    sources = (s.source_cells(0, "all heads", t, ":"), f"W_O, column {d}")
    symbols = r"o_{t,d} = \sum_h\sum_e z^h_{t,e}\,W^O_{he,d}" + (" + b_d" if s.has_bias else "")
    bias = s.bias[d] if s.has_bias else None
    return product_cell(symbols, sources, labels, z[b, :, t].ravel(), s.weight[d], bias)


recipe("merge_heads", whole=merge_heads, cell=_merge_heads_cell)
