"""Each step for a whole tensor, in numpy and float64.

Every function returns (value, size), size being the sum of the sizes of the terms that were added: the
measure for how much rounding a float32 sum of them may show.
"""

import math

import numpy as np
import torch

from engine.recipes.scene import Scene


def _plain(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return value, np.abs(value)


def token_row(s: Scene):
    return _plain(s.weight[s.ids])


def position_row(s: Scene):
    return _plain(np.broadcast_to(s.weight[: s.T], (s.B, s.T, s.config.width)))


def sinusoid(s: Scene):
    waves = np.exp(-math.log(10_000) * (np.arange(s.config.width) // 2 * 2 / s.config.width))
    angles = np.arange(s.T)[:, None] * waves
    value = np.where(np.arange(s.config.width) % 2, np.cos(angles), np.sin(angles))
    return np.broadcast_to(value, (s.B, *value.shape)), np.ones((s.B, *value.shape))


def times(s: Scene):
    return _plain(s.sources[0] * s.factor)


def bias_row(s: Scene):
    rows = np.moveaxis(s.weight[s.buckets], -1, 0)  # [H, T, S]
    return _plain(np.broadcast_to(rows, (s.B, *rows.shape)))


def segment_row(s: Scene):
    return _plain(s.weight[s.segments])


def patches(s: Scene):
    image = s.image
    side, (B, channels, rows, columns) = s.config.patch, image.shape
    grid = image.reshape(B, channels, rows // side, side, columns // side, side)
    value = grid.transpose(0, 2, 4, 1, 3, 5).reshape(B, s.T - 1, -1)
    return value, np.abs(value) + (0 if s.pixels is None else 1)  # what is subtracted from a pixel is below 1


def put_before(s: Scene):
    (x,) = s.sources
    return _plain(np.concatenate([np.broadcast_to(s.first, (len(x), 1, x.shape[-1])), x], axis=1))


def first_token(s: Scene):
    return _plain(s.sources[0][:, 0])


def tanh(s: Scene):
    return _plain(np.tanh(s.sources[0]))


def add(s: Scene):
    return sum(s.sources), sum(np.abs(x) for x in s.sources)


def same(s: Scene):
    return _plain(s.sources[0])


def mean(s: Scene):
    (x,) = s.sources
    return x.mean(-1, keepdims=True), np.abs(x).mean(-1, keepdims=True)


def variance(s: Scene):
    x, mean = s.sources
    size = (np.abs(x) + np.abs(mean)) ** 2
    return ((x - mean) ** 2).mean(-1, keepdims=True), size.mean(-1, keepdims=True)


def standardise(s: Scene):
    x, mean, var = s.sources
    spread = np.sqrt(var + s.eps)
    return (x - mean) / spread, (np.abs(x) + np.abs(mean)) / spread


def mean_square(s: Scene):
    (x,) = s.sources
    return _plain((x**2).mean(-1, keepdims=True))


def to_size_1(s: Scene):
    x, square = s.sources
    return _plain(x / np.sqrt(square + s.eps))


def affine(s: Scene):
    (x,) = s.sources
    return x * s.weight + s.bias, np.abs(x * s.weight) + np.abs(s.bias)


def linear(s: Scene):
    (x,), w, b = s.sources, s.weight, s.bias
    return x @ w.T + b, np.abs(x) @ np.abs(w).T + np.abs(b)


def heads(s: Scene):
    def split(y):
        return np.stack(np.split(y, y.shape[-1] // s.config.head_width, axis=-1), axis=1)

    return tuple(map(split, linear(s)))


def turn(s: Scene):
    (x,) = s.sources
    half = s.config.head_width // 2
    angles = np.arange(s.T)[:, None] / s.config.rotary_base ** (np.arange(half) / half)
    pairs = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angles)  # a turn of the plane
    size = np.tile(np.abs(pairs), 2) * (1 + np.tile(angles, 2))  # float32 rounds the angle too
    return np.concatenate([pairs.real, pairs.imag], axis=-1), size


def concat(s: Scene):
    (z,), w, b = s.sources, s.weight, s.bias
    x = np.concatenate([z[:, h] for h in range(z.shape[1])], axis=-1)
    return x @ w.T + b, np.abs(x) @ np.abs(w).T + np.abs(b)


def dot(s: Scene):
    q, k = s.sources[0], np.repeat(s.sources[1], s.shared_by, axis=1)
    return np.einsum("bhte,bhse->bhts", q, k), np.einsum("bhte,bhse->bhts", np.abs(q), np.abs(k))


def scale(s: Scene):
    return _plain(s.sources[0] * s.scale)


def rule(s: Scene):
    shape = (s.B, s.config.heads, *s.mask.shape[-2:])
    return np.broadcast_to(s.mask, shape), np.ones(shape)


def mask(s: Scene):
    *parts, mask = s.sources  # the scores and, of relative positions, what is added to them
    return np.where(mask, sum(parts), -np.inf), sum(np.abs(part) for part in parts)


def softmax(s: Scene):
    (x,) = s.sources
    steps = x - x.max(-1, keepdims=True)
    exp = np.exp(steps)
    value = exp / exp.sum(-1, keepdims=True)
    return value, value * (1 + np.abs(np.where(np.isfinite(steps), steps, 0)))


def mix(s: Scene):
    pattern, v = s.sources[0], np.repeat(s.sources[1], s.shared_by, axis=1)
    return pattern @ v, np.abs(pattern) @ np.abs(v)


def activate(x: np.ndarray, kind: str) -> np.ndarray:
    if kind == "gelu":  # x · Φ(x), Φ the share of a normal distribution below x
        return x * 0.5 * (1 + torch.erf(torch.as_tensor(x / math.sqrt(2))).numpy())
    if kind == "gelu_tanh":
        return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    if kind == "relu":
        return np.maximum(x, 0)
    return x / (1 + np.exp(-x))  # silu


def activation(s: Scene):
    (x,) = s.sources
    return activate(x, s.config.activation), np.abs(x)


def product(s: Scene):
    a, b = s.sources
    return _plain(a * b)
