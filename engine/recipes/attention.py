"""Attention, for a single cell: heads, turning, scores, mask, softmax, and the mix of values."""

import math
from dataclasses import replace

import numpy as np

from engine.recipes.cells import linear
from engine.recipes.scene import Scene
from engine.recipes.terms import Term, Worked, factor, number, product_cell, simple_cell


def heads(s: Scene, b, h, t, e):
    column = h * s.config.head_width + e
    letter = s.point.name[-1]
    worked = linear(s, b, t, column)
    symbols = rf"{letter}_{{t,e}} = \sum_j x_{{t,j}}\,W^{letter.upper()}_{{j,e}}"
    return replace(worked, symbols=symbols + (" + b_e" if s.has_bias else ""))


def turn(s: Scene, b, h, t, e):
    (x,), half = s.sources, s.config.head_width // 2
    angle = t / s.config.rotary_base ** (e % half / half)
    partner, sign = (e + half, -1) if e < half else (e - half, 1)
    letter, base = s.point.name[-5], f"{s.config.rotary_base:g}"
    turned = rf"{letter}_{{t,{e}}}\,\cos\,\theta {'-+'[sign > 0]} {letter}_{{t,{partner}}}\,\sin\,\theta"
    theta = rf"\theta &= {t} / {base}^{{{e % half}/{half}}} = {number(angle)}"
    return product_cell(
        rf"\begin{{split}} \tilde {letter}_{{t,{e}}} &= {turned} \\ {theta} \end{{split}}",
        (f"{s.point.sources[0]}[{h}, {t}, :]",),
        [f"number {e} · cos θ", f"number {partner} · {'−' if sign < 0 else ''}sin θ"],
        (x[b, h, t, e], x[b, h, t, partner]),
        (math.cos(angle), sign * math.sin(angle)),
    )


def concat(s: Scene, b, t, d):
    (z,) = s.sources
    labels = [f"head {h}, number {e}" for h in range(z.shape[1]) for e in range(z.shape[3])]
    sources = (f"{s.point.sources[0]}[all heads, {t}, :]", f"W_O, column {d}")
    symbols = r"o_{t,d} = \sum_h\sum_e z^h_{t,e}\,W^O_{he,d}" + (" + b_d" if s.has_bias else "")
    bias = s.bias[d] if s.has_bias else None
    return product_cell(symbols, sources, labels, z[b, :, t].ravel(), s.weight[d], bias)


def dot(s: Scene, b, h, t, k):
    q, keys = s.sources
    labels = [f"number {e}" for e in range(q.shape[-1])]
    group = h // s.shared_by
    sources = (f"{s.point.sources[0]}[{h}, {t}, :]", f"{s.point.sources[1]}[{group}, {k}, :]")
    query, key = _letters(s)
    symbols = rf"{query}_t\cdot {key}_s = \sum_e {query}_{{t,e}}\,{key}_{{s,e}}"
    return product_cell(symbols, sources, labels, q[b, h, t], keys[b, group, k])


def _letters(s: Scene) -> tuple[str, str]:
    """The letters of the query and key that are multiplied: with a tilde where they were rotated."""
    return (r"\tilde q", r"\tilde k") if s.config.positions == "rotary" and not s.crosses else ("q", "k")


def scale(s: Scene, *at):
    dot, scale = float(s.sources[0][at]), s.scale
    product = r"{}_t\cdot {}_s".format(*_letters(s))
    if s.config.scale_scores and not s.config.scale_by_layer:
        numbers = rf"\frac{{{number(dot)}}}{{\sqrt{{{s.config.head_width}}}}}"
        return simple_cell(rf"\frac{{{product}}}{{\sqrt{{d_k}}}}", numbers, dot * scale, *s.point.sources)
    numbers = rf"{factor(dot)} \cdot {number(scale)}"
    return simple_cell(rf"{product} \cdot \mathrm{{scale}}", numbers, dot * scale, *s.point.sources)


def rule(s: Scene, b, h, t, k):
    allowed = bool(s.mask[b, 0, t, k])
    if s.crosses or not s.config.causal:
        numbers = r"\text{a token}" if allowed else r"\text{padding}"
        symbols = r"\text{every token looks at every token" + (r" of the source}" if s.crosses else "}")
        return Worked("", (), symbols, rf"{numbers} \Rightarrow {int(allowed)}", (), allowed, allowed, 0.0)
    numbers = rf"{k} \le {t}" if k <= t else rf"{k} > {t}"
    if k < t and not allowed:
        numbers += r",\ \text{padding}"
    return Worked("", (), r"s \le t", rf"{numbers} \Rightarrow {int(allowed)}", (), allowed, allowed, 0.0)


def mask(s: Scene, *at):
    *parts, allowed = (x[at] for x in s.sources)  # the score and, of relative positions, what is added to it
    added = " + b_{t,s}" if len(parts) > 1 else ""
    symbols = rf"m_{{t,s}} = s_{{t,s}}{added}\text{{ where allowed, else }}{{-\infty}}"
    numbers = r"\text{may look}" if allowed else r"\text{may not look}"
    if allowed and added:
        numbers += rf": {number(float(parts[0]))} + {factor(float(parts[1]))}"
    return simple_cell(symbols, numbers, float(sum(parts)) if allowed else -math.inf, *s.point.sources)


def softmax(s: Scene, *at):
    *place, k = at
    row = s.sources[0][tuple(place)]
    top = row.max()
    exps = np.exp(row - top)
    seen = [i for i in range(len(row)) if row[i] != -np.inf]
    terms = [Term(f"position {i}", (float(row[i]),), float(exps[i])) for i in seen]
    terms.sort(key=lambda term: -term.value)
    total = math.fsum(exps)
    numbers = rf"\frac{{e^{{{number(row[k])} - {factor(top)}}}}}{{{number(total)}}} = "
    numbers += rf"\frac{{{number(exps[k])}}}{{{number(total)}}} = {number(exps[k] / total)}"
    j = "s" if "H" in s.point.axes else "j"  # a recurrent model's s is the decoder's state
    weight = rf"a_{{t,{j}}} = \frac{{e^{{m_{{t,{j}}} - m^*}}}}{{\sum_{{{j}'}} e^{{m_{{t,{j}'}} - m^*}}}}"
    symbols = rf"{weight},\quad m^* = \max_{{{j}'}} m_{{t,{j}'}}"
    sources = (f"{s.point.sources[0]}[{', '.join(map(str, [*place[1:], ':']))}]",)
    return Worked("", (), symbols, numbers, tuple(terms), total, float(exps[k] / total), 0.0, sources)


def mix(s: Scene, b, h, t, e):
    pattern, v = s.sources
    labels = [f"position {i}" for i in range(v.shape[2])]
    group = h // s.shared_by
    sources = (f"{s.point.sources[0]}[{h}, {t}, :]", f"{s.point.sources[1]}[{group}, :, {e}]")
    symbols = r"z_{t,e} = \sum_s a_{t,s}\,v_{s,e}"
    return product_cell(symbols, sources, labels, pattern[b, h, t], v[b, group, :, e])
