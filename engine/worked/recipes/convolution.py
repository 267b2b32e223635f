"""From an image to the cells of a feature map: each number a sum over a square of all channels.

And the state that a recurrent decoder starts from, which is made of the cells.
"""

import numpy as np

from engine.worked.recipes.kinds import recipe
from engine.worked.recipes.linear import mapped
from engine.worked.recipes.step_inputs import StepInputs
from engine.worked.recipes.terms import average_cell, number, ones, plain, product_cell, simple_cell


def pixels(s: StepInputs):
    """[B, K, I, J], the image as it is read."""
    value = s.image
    return value, np.abs(value) + (0 if s.pixels is None else 1)  # what is subtracted from a pixel is below 1


def _pixels_cell(s: StepInputs, b, k, i, j):
    value, pixel = float(s.image[b, k, i, j]), rf"\mathrm{{pixel}}[{k}, {i}, {j}]"
    if s.pixels is None or s.pixels.shape[-2:] != s.image.shape[-2:]:
        return simple_cell(r"x_{k,i,j}", pixel, value, "the image")
    prepare, shown = s.trace.model.prepare, number(float(s.pixels[b, k, i, j]))
    numbers = rf"{pixel} = \frac{{{shown} / 255 - {number(prepare.mean[k])}}}{{{number(prepare.std[k])}}}"
    return simple_cell(r"x_{k,i,j} = \frac{p / 255 - \mu}{\sigma}", numbers, value, "the image")


recipe("pixels", whole=pixels, cell=_pixels_cell)


def _stride(s: StepInputs) -> int:
    return s.config.strides[int(s.point.part.rpartition(".")[2])]


def convolution(s: StepInputs):
    """[B, K, I, J], for each place (u, v) of a filter the shifted map times that weight, all summed."""
    (x,), weight, stride = s.sources, s.weight, _stride(s)
    side, edge = weight.shape[-1], weight.shape[-1] // 2
    padded = np.pad(x, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
    rows, columns = (-(-n // stride) for n in x.shape[-2:])
    value = np.zeros((len(x), len(weight), rows, columns)) + s.bias[:, None, None]
    size = np.abs(value)
    for u in range(side):
        for v in range(side):
            below = padded[:, :, u : u + rows * stride : stride, v : v + columns * stride : stride]
            below = below[:, :, :rows, :columns]
            value = value + np.einsum("bcij,kc->bkij", below, weight[:, :, u, v])
            size = size + np.einsum("bcij,kc->bkij", np.abs(below), np.abs(weight[:, :, u, v]))
    return value, size


def _convolution_cell(s: StepInputs, b, k, i, j):
    (x,), weight, stride = s.sources, s.weight, _stride(s)
    edge, (rows, columns) = weight.shape[-1] // 2, x.shape[-2:]
    labels, below, filter = [], [], []
    for c, u, v in np.ndindex(weight.shape[1:]):
        row, column = stride * i + u - edge, stride * j + v - edge
        if 0 <= row < rows and 0 <= column < columns:  # beyond the edge are zeros
            labels.append(f"channel {c}, row {row}, column {column}")
            below.append(x[b, c, row, column])
            filter.append(weight[k, c, u, v])
    step = "" if stride == 1 else f"{stride}"
    place = rf"{step}i+u-{edge},\,{step}j+v-{edge}"
    return product_cell(
        rf"y_{{k,i,j}} = \sum_c\sum_{{u,v}} x_{{c,\,{place}}}\,W_{{k,c,u,v}} + b_k",
        (s.source_cells(0, ":", f"around {stride * i}", f"around {stride * j}"), f"filter {k}"),
        labels,
        below,
        filter,
        s.bias[k],
    )


recipe("convolution", whole=convolution, cell=_convolution_cell)


def relu(s: StepInputs):
    """Each number, or 0 where it is below 0."""
    return plain(np.maximum(s.sources[0], 0))


def _relu_cell(s: StepInputs, *at):
    x = float(s.sources[0][at])
    return simple_cell(r"\max(x, 0)", rf"\max({number(x)}, 0)", max(x, 0.0), *s.point.sources)


recipe("relu", whole=relu, cell=_relu_cell)


def cells(s: StepInputs):
    """[B, T, D], the cells of a feature map, row by row, each as the vector of its channels."""
    (x,) = s.sources
    return plain(np.stack([x[:, :, i, j] for i, j in np.ndindex(x.shape[-2:])], axis=1))


def _cells_cell(s: StepInputs, b, t, d):
    (x,) = s.sources
    i, j = divmod(t, x.shape[-1])
    return simple_cell(r"z_{t,d} = x_{d,i,j}", "x", float(x[b, d, i, j]), s.source_cells(0, d, i, j))


recipe("cells", whole=cells, cell=_cells_cell)


def position_mean(s: StepInputs):
    """[B, D], the mean over all positions."""
    (x,) = s.sources
    return x.mean(1), np.abs(x).mean(1)


def _position_mean_cell(s: StepInputs, b, d):
    column = s.sources[0][b, :, d]
    terms = ones([f"cell {t}" for t in range(len(column))], column)
    symbols = r"\bar z_d = \frac{1}{N}\sum_t z_{t,d}"
    return average_cell(symbols, (s.source_cells(0, ":", d),), terms, float(column.sum()))


recipe("position_mean", whole=position_mean, cell=_position_mean_cell)


def joined_linear(s: StepInputs):
    """[B, D], the vectors of all N positions side by side, over √N, x W + b."""
    return mapped(_joined(s), s.weight, s.bias)


def _joined(s: StepInputs) -> np.ndarray:
    (x,) = s.sources
    return x.reshape(len(x), -1) / np.sqrt(x.shape[1])


def _joined_linear_cell(s: StepInputs, b, d):
    (x,) = s.sources
    return product_cell(
        r"\sum_t\sum_j \frac{z_{t,j}}{\sqrt{N}}\,W_{tj,d} + b_d",
        (s.source_cells(0, ":", ":"), f"weights, column {d}"),
        [f"cell {t}, dimension {j}" for t, j in np.ndindex(x.shape[1:])],
        _joined(s)[b],
        s.weight[d],
        s.bias[d],
    )


recipe("joined_linear", whole=joined_linear, cell=_joined_linear_cell)
