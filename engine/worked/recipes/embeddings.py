"""The first vectors: rows of learned tables and the patches of an image.

And the vector at the first position, which represents a whole text or image.
"""

import numpy as np

from engine.worked.recipes.kinds import recipe
from engine.worked.recipes.step_inputs import StepInputs
from engine.worked.recipes.terms import factor, number, plain, simple_cell


def token_embedding(s: StepInputs):
    """[B, T, D], for each token its row of the token table."""
    return plain(s.weight[s.ids])


def _token_embedding_cell(s: StepInputs, b, t, d):
    id = int(s.ids[b, t])
    symbols, source = r"x_{t,d} = W_E[\mathrm{id}_t, d]", f"token table, row {id}"
    return simple_cell(symbols, f"W_E[{id}, {d}]", float(s.weight[id, d]), source)


recipe("token_embedding", whole=token_embedding, cell=_token_embedding_cell)


def segment_embedding(s: StepInputs):
    """[B, T, D], for each token the row of its sentence in the segment table (Devlin et al. 2019)."""
    return plain(s.weight[s.segments])


def _segment_embedding_cell(s: StepInputs, b, t, d):
    row = int(s.segments[b, t])
    value = float(s.weight[row, d])
    return simple_cell(r"g_{t,d} = W_G[\mathrm{segment}_t, d]", f"W_G[{row}, {d}]", value, "segment table")


recipe("segment_embedding", whole=segment_embedding, cell=_segment_embedding_cell)


def scale_by_width(s: StepInputs):
    """[B, T, D], token embeddings times √D, or the last vectors over √D."""
    return plain(s.sources[0] * s.config.width ** (0.5 if s.point.part == "embed" else -0.5))


def _scale_by_width_cell(s: StepInputs, *at):
    x, width = float(s.sources[0][at]), s.config.width
    if s.point.part == "embed":
        symbols, numbers = r"x_{t,d} \cdot \sqrt{D}", rf"{factor(x)} \cdot \sqrt{{{width}}}"
        return simple_cell(symbols, numbers, x * width**0.5, *s.point.sources)
    symbols, numbers = r"\frac{x_{t,d}}{\sqrt{D}}", rf"\frac{{{number(x)}}}{{\sqrt{{{width}}}}}"
    return simple_cell(symbols, numbers, x * width**-0.5, *s.point.sources)


recipe("scale_by_width", whole=scale_by_width, cell=_scale_by_width_cell)


def patches(s: StepInputs):
    """[B, N, P], the image cut into squares, each as one row of values (Dosovitskiy et al. 2021)."""
    image = s.image
    side, (B, channels, rows, columns) = s.config.patch, image.shape
    grid = image.reshape(B, channels, rows // side, side, columns // side, side)
    value = grid.transpose(0, 2, 4, 1, 3, 5).reshape(B, s.T - 1, -1)
    return value, np.abs(value) + (0 if s.pixels is None else 1)  # what is subtracted from a pixel is below 1


def _patches_cell(s: StepInputs, b, n, i):
    side, across = s.config.patch, s.config.image // s.config.patch
    channel, y, x = i // side**2, i // side % side + n // across * side, i % side + n % across * side
    value, pixel = float(s.image[b, channel, y, x]), rf"\mathrm{{pixel}}[{channel}, {y}, {x}]"
    if s.pixels is None or s.pixels.shape[-2:] != s.image.shape[-2:]:
        return simple_cell(r"x_{n,i}", pixel, value, "the image")
    prepare, shown = s.trace.model.prepare, number(float(s.pixels[b, channel, y, x]))
    mean, std = number(prepare.mean[channel]), number(prepare.std[channel])
    numbers = rf"{pixel} = \frac{{{shown} / 255 - {mean}}}{{{std}}}"
    return simple_cell(r"x_{n,i} = \frac{p / 255 - \mu}{\sigma}", numbers, value, "the image")


recipe("patches", whole=patches, cell=_patches_cell)


def prepend_class_token(s: StepInputs):
    """[B, 1 + N, D], one learned vector before those of the patches."""
    (x,) = s.sources
    return plain(np.concatenate([np.broadcast_to(s.first, (len(x), 1, x.shape[-1])), x], axis=1))


def _prepend_class_token_cell(s: StepInputs, b, t, d):
    if t == 0:
        return simple_cell("c_d", f"c_{{{d}}}", float(s.first[d]), "the learned vector")
    return simple_cell("x_{t-1,d}", "x", float(s.sources[0][b, t - 1, d]), *s.point.sources)


recipe("prepend_class_token", whole=prepend_class_token, cell=_prepend_class_token_cell)


def first_token(s: StepInputs):
    """[B, D], the vector at the first position."""
    return plain(s.sources[0][:, 0])


def _first_token_cell(s: StepInputs, b, d):
    return simple_cell("x_{0,d}", "x", float(s.sources[0][b, 0, d]), *s.point.sources)


recipe("first_token", whole=first_token, cell=_first_token_cell)
