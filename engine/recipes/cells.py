"""Each step for a single cell: its terms, its formula in LaTeX, and its value in float64."""

import math

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
    value, pixel = float(s.image[b, channel, y, x]), rf"\mathrm{{pixel}}[{channel}, {y}, {x}]"
    if s.pixels is None or s.pixels.shape[-2:] != s.image.shape[-2:]:
        return simple_cell(r"x_{n,i}", pixel, value, "the image")
    prepare, shown = s.trace.model.prepare, number(float(s.pixels[b, channel, y, x]))
    mean, std = number(prepare.mean[channel]), number(prepare.std[channel])
    numbers = rf"{pixel} = \frac{{{shown} / 255 - {mean}}}{{{std}}}"
    return simple_cell(r"x_{n,i} = \frac{p / 255 - \mu}{\sigma}", numbers, value, "the image")


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
    symbols = " + ".join(f"{letter}_{{t,d}}" for letter in "abc"[: len(values)])
    return Worked("", (), symbols, numbers, terms, total, total, 0.0, s.point.sources)


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
    symbols = r"g_{t,f} \cdot u_{t,f}" if "F" in s.point.axes else r"o_d \cdot \tanh(c_{t,d})"  # MLP, LSTM
    return simple_cell(symbols, rf"{factor(a)} \cdot {factor(b)}", a * b, *s.point.sources)
