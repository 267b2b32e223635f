"""Each step for a single cell: its terms, its formula in LaTeX, and its value in float64."""

import math
from dataclasses import replace

import numpy as np

from engine.recipes.scene import Scene
from engine.recipes.terms import (
    Term,
    Worked,
    average_cell,
    factor,
    number,
    ones,
    product_cell,
    products,
    simple_cell,
)
from engine.recipes.whole import activate


def token_row(s: Scene, b, t, d):
    id = int(s.ids[b, t])
    return simple_cell(
        r"x_{t,d} = W_E[\mathrm{id}_t, d]",
        f"W_E[{id}, {d}]",
        float(s.weight[id, d]),
        f"token table, row {id}",
    )


def position_row(s: Scene, b, t, d):
    return simple_cell(
        r"p_{t,d} = W_P[t, d]", f"W_P[{t}, {d}]", float(s.weight[t, d]), f"position table, row {t}"
    )


def sinusoid(s: Scene, b, t, d):
    i, width = d // 2, s.config.width
    wave, angle = ("cos" if d % 2 else "sin"), t / 10_000 ** (2 * i / width)
    value = math.cos(angle) if d % 2 else math.sin(angle)
    symbols = rf"p_{{t,d}} = \{wave}\left(t / 10000^{{2i/D}}\right),\ i = {i}"
    return simple_cell(symbols, rf"\{wave}\left({t} / 10000^{{{2 * i}/{width}}}\right)", value)


def times(s: Scene, *at):
    x, width = float(s.sources[0][at]), s.config.width
    if s.enters:
        symbols, numbers = r"x_{t,d} \cdot \sqrt{D}", rf"{factor(x)} \cdot \sqrt{{{width}}}"
    else:
        symbols, numbers = r"\frac{x_{t,d}}{\sqrt{D}}", rf"\frac{{{number(x)}}}{{\sqrt{{{width}}}}}"
    return simple_cell(symbols, numbers, x * s.factor, *s.point.sources)


def bias_row(s: Scene, b, h, t, k):
    row = int(s.buckets[t, k])
    symbols = rf"b_{{t,s}} = W_R[\mathrm{{bucket}}(s - t), h],\ \mathrm{{bucket}}({k} - {t}) = {row}"
    value = float(s.weight[row, h])
    return simple_cell(symbols, f"W_R[{row}, {h}]", value, f"table of distances, row {row}")


def segment_row(s: Scene, b, t, d):
    row = int(s.segments[b, t])
    value = float(s.weight[row, d])
    return simple_cell(r"g_{t,d} = W_G[\mathrm{segment}_t, d]", f"W_G[{row}, {d}]", value, "segment table")


def patches(s: Scene, b, n, i):
    side, across = s.config.patch, s.config.image // s.config.patch
    channel, y, x = i // side**2, i // side % side + n // across * side, i % side + n % across * side
    value = float(s.ids[b, channel, y, x])
    return simple_cell(r"x_{n,i}", rf"\mathrm{{pixel}}[{channel}, {y}, {x}]", value, "the image")


def put_before(s: Scene, b, t, d):
    if t == 0:
        return simple_cell("c_d", f"c_{{{d}}}", float(s.first[d]), "the learned vector")
    return simple_cell("x_{t-1,d}", "x", float(s.sources[0][b, t - 1, d]), *s.point.sources)


def first_token(s: Scene, b, d):
    return simple_cell("x_{0,d}", "x", float(s.sources[0][b, 0, d]), *s.point.sources)


def tanh(s: Scene, *at):
    x = float(s.sources[0][at])
    return simple_cell(r"\tanh(x)", rf"\tanh({number(x)})", math.tanh(x), *s.point.sources)


def add(s: Scene, *at):
    values = [float(x[at]) for x in s.sources]
    terms, total = ones(s.point.sources, values), math.fsum(values)
    numbers = f"{' + '.join(map(factor, values))} = {number(total)}"
    return Worked("", (), "a_{t,d} + b_{t,d}", numbers, terms, total, total, 0.0, s.point.sources)


def same(s: Scene, *at):
    return simple_cell("x_{t,d}", "x", float(s.sources[0][at]), *s.point.sources)


def mean(s: Scene, b, t, _):
    (x,) = s.sources
    terms = ones([f"number {d}" for d in range(x.shape[-1])], x[b, t])
    symbols = r"\mu_t = \frac{1}{D}\sum_d x_{t,d}"
    return average_cell(symbols, (f"{s.point.sources[0]}[{t}, :]",), terms, math.fsum(x[b, t]))


def variance(s: Scene, b, t, _):
    x, mean = s.sources
    symbols = r"\sigma_t^2 = \frac{1}{D}\sum_d (x_{t,d} - \mu_t)^2"
    return average_cell(symbols, s.point.sources, *_squares(x[b, t] - mean[b, t]))


def _squares(row: np.ndarray) -> tuple[tuple[Term, ...], float]:
    return products([f"number {d}" for d in range(len(row))], row, row)


def standardise(s: Scene, b, t, d):
    x, mean, var = (float(y) for y in (s.sources[0][b, t, d], s.sources[1][b, t, 0], s.sources[2][b, t, 0]))
    value = (x - mean) / math.sqrt(var + s.eps)
    numbers = rf"\frac{{{number(x)} - {factor(mean)}}}{{\sqrt{{{number(var)} + {number(s.eps)}}}}}"
    symbols = r"\hat x_{t,d} = \frac{x_{t,d} - \mu_t}{\sqrt{\sigma_t^2 + \varepsilon}}"
    return simple_cell(symbols, numbers, value, *s.point.sources)


def mean_square(s: Scene, b, t, _):
    (x,) = s.sources
    symbols = r"\overline{x_t^2} = \frac{1}{D}\sum_d x_{t,d}^2"
    return average_cell(symbols, s.point.sources, *_squares(x[b, t]))


def to_size_1(s: Scene, b, t, d):
    x, square = float(s.sources[0][b, t, d]), float(s.sources[1][b, t, 0])
    numbers = rf"\frac{{{number(x)}}}{{\sqrt{{{number(square)} + {number(s.eps)}}}}}"
    symbols = r"\hat x_{t,d} = \frac{x_{t,d}}{\sqrt{\overline{x_t^2} + \varepsilon}}"
    return simple_cell(symbols, numbers, x / math.sqrt(square + s.eps), *s.point.sources)


def affine(s: Scene, b, t, d):
    x, w, c = float(s.sources[0][b, t, d]), float(s.weight[d]), float(s.bias[d])
    numbers = rf"{factor(w)} \cdot {factor(x)}"
    symbols = r"y_{t,d} = \gamma_d\,\hat x_{t,d}"
    if s.has_bias:
        numbers, symbols = rf"{numbers} + {factor(c)}", rf"{symbols} + \beta_d"
    return simple_cell(symbols, numbers, w * x + c, f"{s.point.sources[0]}[{t}, {d}]")


def linear(s: Scene, *at):
    *row, i = at
    (x,) = s.sources
    return product_cell(
        r"y_{t,i} = \sum_j x_{t,j}\,W_{j,i} + b_i" if s.has_bias else r"y_{t,i} = \sum_j x_{t,j}\,W_{j,i}",
        (f"{s.point.sources[0]}[{', '.join(map(str, [*row[1:], ':']))}]", f"weights, column {i}"),
        [f"number {j}" for j in range(x.shape[-1])],
        x[tuple(row)],
        s.weight[i],
        s.bias[i] if s.has_bias else None,
    )


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
    turned = rf"{letter}_{{t,{e}}}\cos\theta {'-+'[sign > 0]} {letter}_{{t,{partner}}}\sin\theta"
    theta = rf"\theta &= {t} / {base}^{{{e % half}/{half}}} = {number(angle)}"
    return product_cell(
        rf"\begin{{aligned}} {letter}'_{{t,{e}}} &= {turned} \\ {theta} \end{{aligned}}",
        (f"{s.point.sources[0]}[{h}, {t}, :]",),
        [f"number {e} · cos θ", f"number {partner} · {'−' if sign < 0 else ''}sin θ"],
        (x[b, h, t, e], x[b, h, t, partner]),
        (math.cos(angle), sign * math.sin(angle)),
    )


def concat(s: Scene, b, t, d):
    (z,) = s.sources
    labels = [f"head {h}, number {e}" for h in range(z.shape[1]) for e in range(z.shape[3])]
    sources = (f"{s.point.sources[0]}[all heads, {t}, :]", f"W_O, column {d}")
    symbols = r"o_{t,d} = \sum_h\sum_e z_{h,t,e}\,W^O_{he,d}" + (" + b_d" if s.has_bias else "")
    bias = s.bias[d] if s.has_bias else None
    return product_cell(symbols, sources, labels, z[b, :, t].ravel(), s.weight[d], bias)


def dot(s: Scene, b, h, t, k):
    q, keys = s.sources
    labels = [f"number {e}" for e in range(q.shape[-1])]
    group = h // s.config.shared_by
    sources = (f"{s.point.sources[0]}[{h}, {t}, :]", f"{s.point.sources[1]}[{group}, {k}, :]")
    symbols = r"q_t\cdot k_s = \sum_e q_{t,e}\,k_{s,e}"
    return product_cell(symbols, sources, labels, q[b, h, t], keys[b, group, k])


def scale(s: Scene, *at):
    dot, scale = float(s.sources[0][at]), s.config.scale(s.layer)
    if s.config.scale_scores and not s.config.scale_by_layer:
        numbers = rf"\frac{{{number(dot)}}}{{\sqrt{{{s.config.head_width}}}}}"
        return simple_cell(r"\frac{q_t\cdot k_s}{\sqrt{d_k}}", numbers, dot * scale, *s.point.sources)
    numbers = rf"{factor(dot)} \cdot {number(scale)}"
    return simple_cell(r"q_t\cdot k_s \cdot \mathrm{scale}", numbers, dot * scale, *s.point.sources)


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
    symbols = rf"m_{{t,s}} = s_{{t,s}}{added}\text{{ where allowed, else }}-\infty"
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
    symbols = r"a_{t,s} = \frac{e^{m_{t,s}}}{\sum_{s'} e^{m_{t,s'}}}"
    sources = (f"{s.point.sources[0]}[{', '.join(map(str, [*place[1:], ':']))}]",)
    return Worked("", (), symbols, numbers, tuple(terms), total, float(exps[k] / total), 0.0, sources)


def mix(s: Scene, b, h, t, e):
    pattern, v = s.sources
    labels = [f"position {i}" for i in range(v.shape[2])]
    group = h // s.config.shared_by
    sources = (f"{s.point.sources[0]}[{h}, {t}, :]", f"{s.point.sources[1]}[{group}, :, {e}]")
    symbols = r"z_{t,e} = \sum_s a_{t,s}\,v_{s,e}"
    return product_cell(symbols, sources, labels, pattern[b, h, t], v[b, group, :, e])


_CURVES = {
    "gelu": (r"x\,\Phi(x)", "gelu"),
    "gelu_tanh": (
        r"\tfrac{x}{2}\left(1+\tanh\!\left(\sqrt{2/\pi}\,(x+0.044715\,x^3)\right)\right)",
        "gelu",
    ),
    "relu": (r"\max(x, 0)", "relu"),
    "silu": (r"\frac{x}{1+e^{-x}}", "silu"),
}


def activation(s: Scene, *at):
    x = s.sources[0][at]
    symbols, name = _CURVES[s.config.activation]
    value = float(activate(x, s.config.activation))
    return simple_cell(symbols, rf"\mathrm{{{name}}}({number(float(x))})", value, *s.point.sources)


def product(s: Scene, *at):
    a, b = (float(x[at]) for x in s.sources)
    return simple_cell(r"a_{t,f} \cdot b_{t,f}", rf"{factor(a)} \cdot {factor(b)}", a * b, *s.point.sources)
