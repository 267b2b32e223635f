"""Positions: vectors that are added, learned or sinusoidal; rotated queries and keys; biases on the scores."""

import math

import numpy as np

from engine.worked.recipes.kinds import recipe
from engine.worked.recipes.step_inputs import StepInputs
from engine.worked.recipes.terms import number, plain, product_cell, simple_cell


def position_embedding(s: StepInputs):
    """[B, T, D], for each position its row of the position table."""
    return plain(s.weight[s.places])


def _position_embedding_cell(s: StepInputs, b, t, d):
    t = int(s.places[b, t])
    source = f"position table, row {t}"
    return simple_cell(r"p_{t,d} = W_P[t, d]", f"W_P[{t}, {d}]", float(s.weight[t, d]), source)


recipe("position_embedding", whole=position_embedding, cell=_position_embedding_cell)


def sinusoidal_position(s: StepInputs):
    """[B, T, D], sines and cosines at falling frequencies (Vaswani et al. 2017, section 3.5)."""
    frequencies = np.exp(-math.log(10_000) * (np.arange(s.config.width) // 2 * 2 / s.config.width))
    angles = s.places[:, :, None] * frequencies
    value = np.where(np.arange(s.config.width) % 2, np.cos(angles), np.sin(angles))
    return value, np.ones(value.shape)


def _sinusoidal_position_cell(s: StepInputs, b, t, d):
    i, width, t = d // 2, s.config.width, int(s.places[b, t])
    wave, angle = ("cos" if d % 2 else "sin"), t / 10_000 ** (2 * i / width)
    value = math.cos(angle) if d % 2 else math.sin(angle)
    symbols = rf"p_{{t,d}} = \{wave}\left(t / 10000^{{2i/D}}\right),\ i = {i}"
    return simple_cell(symbols, rf"\{wave}\left({t} / 10000^{{{2 * i}/{width}}}\right)", value)


recipe("sinusoidal_position", whole=sinusoidal_position, cell=_sinusoidal_position_cell)


def rotary(s: StepInputs):
    """[B, H, T, E], each pair (i, i + E/2) rotated in proportion to the position (Su et al. 2021)."""
    (x,) = s.sources
    half = s.config.head_width // 2
    angles = s.places[:, None, :, None] / s.config.rotary_base ** (np.arange(half) / half)
    pairs = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angles)  # times e^(iθ): rotated by θ
    size = np.tile(np.abs(pairs) * (1 + angles), 2)  # float32 rounds the angle too
    return np.concatenate([pairs.real, pairs.imag], axis=-1), size


def _rotary_cell(s: StepInputs, b, h, t, e):
    (x,), half = s.sources, s.config.head_width // 2
    place = int(s.places[b, t])
    angle = place / s.config.rotary_base ** (e % half / half)
    partner, sign = (e + half, -1) if e < half else (e - half, 1)
    letter, base = s.point.short[0], f"{s.config.rotary_base:g}"
    turned = rf"{letter}_{{t,{e}}}\,\cos\,\theta {'-+'[sign > 0]} {letter}_{{t,{partner}}}\,\sin\,\theta"
    theta = rf"\theta &= {place} / {base}^{{{e % half}/{half}}} = {number(angle)}"
    return product_cell(
        rf"\begin{{split}} \tilde {letter}_{{t,{e}}} &= {turned} \\ {theta} \end{{split}}",
        (s.source_cells(0, h, t, ":"),),
        [f"number {e} · cos θ", f"number {partner} · {'−' if sign < 0 else ''}sin θ"],
        (x[b, h, t, e], x[b, h, t, partner]),
        (math.cos(angle), sign * math.sin(angle)),
    )


recipe("rotary", whole=rotary, cell=_rotary_cell)


def relative_bias(s: StepInputs):
    """[B, H, T, S], a learned number for each head and bucket of distances (Raffel et al. 2019)."""
    rows = np.moveaxis(s.weight[_buckets(s)], -1, 0)  # [H, T, S]
    return plain(np.broadcast_to(rows, (s.B, *rows.shape)))


def _buckets(s: StepInputs) -> np.ndarray:
    """[T, S], the bucket of each distance s − t: one for each short distance, logarithmic ones beyond that.

    Where later positions are visible, the upper half of the buckets is theirs.
    """
    c, away = s.config, np.arange(s.T)[None, :] - np.arange(s.T)[:, None]
    count = c.buckets if c.causal else c.buckets // 2
    near = count // 2  # distances below this have a bucket of their own
    size = np.maximum(-away, 0) if c.causal else np.abs(away)
    steps = count - near
    borders = [near * (c.max_distance / near) ** (step / steps) for step in range(1, steps)]
    far = near + np.sum([size >= border * (1 - 1e-9) for border in borders], axis=0, dtype=int)
    return np.where(size < near, size, far) + np.where((away > 0) & (not c.causal), count, 0)


def _relative_bias_cell(s: StepInputs, b, h, t, k):
    row = int(_buckets(s)[t, k])
    symbols = rf"b_{{t,s}} = W_R[\mathrm{{bucket}}(s - t), h],\ \mathrm{{bucket}}({k} - {t}) = {row}"
    value = float(s.weight[row, h])
    return simple_cell(symbols, f"W_R[{row}, {h}]", value, f"table of distances, row {row}")


recipe("relative_bias", whole=relative_bias, cell=_relative_bias_cell)


def alibi_bias(s: StepInputs):
    """[B, H, T, S], the distance times the head's slope, subtracted (Press et al. 2022)."""
    away = np.abs(s.places[:, None, None, :] - s.places[:, None, :, None])  # [B, 1, T, S]
    return plain(-np.array([2.0 ** -_halvings(s, h) for h in range(s.config.heads)])[:, None, None] * away)


def _halvings(s: StepInputs, h: int) -> float:
    """How often 1 is halved for the slope of head h.

    In steps of 8/n up to 8, where n is the largest power of two that is not above the number of heads; the
    heads beyond n start half a step lower.
    """
    n = 2 ** math.floor(math.log2(s.config.heads))
    return 8 / n * (h + 1 if h < n else h - n + 0.5)


def _alibi_bias_cell(s: StepInputs, b, h, t, k):
    halvings, (t, k) = _halvings(s, h), s.places[b, [t, k]].tolist()
    slope = 2.0**-halvings
    symbols = rf"b_{{t,s}} = -m_h\,|t - s|,\ m_{{{h}}} = 2^{{-{halvings:.4g}}}"
    return simple_cell(symbols, rf"-{number(slope)} \cdot |{t} - {k}|", -slope * abs(t - k))


recipe("alibi_bias", whole=alibi_bias, cell=_alibi_bias_cell)
