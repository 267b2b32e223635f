"""What a step is worked out from: its sources and weights in float64, and the model's choices."""

import math

import numpy as np
import torch

from engine.points import Point
from engine.trace import Trace


class Scene:
    """The inputs of one point of one trace."""

    def __init__(self, trace: Trace, point: Point):
        self.trace, self.point = trace, point
        self.stack, inputs = trace.model.stack_of(point.name, trace.inputs)
        self.config = self.stack.config
        self.sources = [float64(trace[name]) for name in point.sources]
        self.ids = inputs.ids.cpu().numpy()  # or images
        self.B, self.T = len(self.ids), self.stack.length(inputs)
        self.real = _given(inputs.padding, np.ones((self.B, self.T), bool))
        self.segments = _given(inputs.segments, np.zeros((self.B, self.T), int))

    @property
    def layer(self) -> int:
        return int(self.point.name.partition("blocks.")[2].partition(".")[0])

    @property
    def weight(self) -> np.ndarray:
        return float64(self.trace.model.get_submodule(self.point.weights).weight)

    @property
    def bias(self) -> np.ndarray:
        part = self.trace.model.get_submodule(self.point.weights)
        return float64(part.bias) if part.bias is not None else np.zeros(len(part.weight))

    @property
    def first(self) -> np.ndarray:
        """The vector that stands before the patches."""
        return float64(self.stack.embed.first)

    @property
    def has_bias(self) -> bool:
        return self.trace.model.get_submodule(self.point.weights).bias is not None

    @property
    def eps(self) -> float:
        return self.config.norm_eps

    @property
    def crosses(self) -> bool:
        """Whether the point is one of cross-attention, whose S are the encoder's positions."""
        return ".cross." in self.point.name

    @property
    def enters(self) -> bool:
        """Whether the point is one of the first vectors."""
        return ".embed." in f".{self.point.name}"

    @property
    def factor(self) -> float:
        """What the first vectors are multiplied with (√D), or the last (1/√D)."""
        return math.sqrt(self.config.width) if self.enters else 1 / math.sqrt(self.config.width)

    @property
    def buckets(self) -> np.ndarray:
        """[T, S], in which bucket each distance s − t falls: those near have their own, the others lie between
        borders that are the same factor apart; what comes later has the upper half where it is seen."""
        c, away = self.config, np.arange(self.T)[None, :] - np.arange(self.T)[:, None]
        count = c.buckets if c.causal else c.buckets // 2
        size = np.maximum(-away, 0) if c.causal else np.abs(away)
        steps = count - c.near
        borders = [c.near * (c.farthest / c.near) ** (step / steps) for step in range(1, steps)]
        far = c.near + np.sum([size >= border * (1 - 1e-9) for border in borders], axis=0, dtype=int)
        return np.where(size < c.near, size, far) + np.where((away > 0) & (not c.causal), count, 0)

    @property
    def mask(self) -> np.ndarray:
        """[B, 1, T, S] by the rule itself: never padding; where causal, nothing after, and always itself."""
        if self.crosses:
            encoder, inputs = self.trace.model.stack_of("encoder.", self.trace.inputs)
            S = encoder.length(inputs)
            real = _given(inputs.padding, np.ones((self.B, S), bool))[:, None, None, :]
            return np.broadcast_to(real, (self.B, 1, self.T, S))
        real = self.real[:, None, None, :]
        if not self.config.causal:
            return np.broadcast_to(real, (self.B, 1, self.T, self.T))
        t, s = np.arange(self.T)[:, None], np.arange(self.T)[None, :]
        return ((s <= t) & real) | (s == t)


def _given(x: torch.Tensor | None, otherwise: np.ndarray) -> np.ndarray:
    return otherwise if x is None else x.cpu().numpy()


def float64(x: torch.Tensor) -> np.ndarray:
    x = x.detach().cpu()
    return x.numpy() if x.dtype == torch.bool else x.double().numpy()
