"""What a step is worked out from: sources, raw weights and inputs in float64, and the config's plain fields.

Nothing here or in the recipes calls what the forward pass calls: no property of the config, no method of the
model, no function of masks, positions or activations. A fault there cannot hide itself here.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from engine.config import Config, PairConfig
from engine.points import Point
from engine.trace import Trace

Values = Callable[[str], np.ndarray]  # a point's name -> its numbers


class NotLearned(LookupError):
    """A parameter that a model of this config has is not among its own."""


class Parameters:
    """A model's raw weights in float64, each converted once."""

    def __init__(self, model):
        self._model, self._known = model, {}

    def __call__(self, name: str) -> np.ndarray | None:
        """The parameter of that full name; None where the part has none (a bias that is left out)."""
        if name not in self._known:
            part, _, leaf = name.rpartition(".")
            own = dict(self._model.get_submodule(part).named_parameters(recurse=False, remove_duplicate=False))
            self._known[name] = float64(own[leaf]) if leaf in own else None
        return self._known[name]


class Scene:
    """The inputs of one point of one run; `value_of` gives the points that it is made from."""

    def __init__(self, trace: Trace, point: Point, value_of: Values, parameters: Parameters | None = None):
        self.trace, self.point = trace, point
        self.parameter = parameters or Parameters(trace.model)
        self.side = _side(trace.model.config, point.name)
        self.config = _config(trace.model.config, self.side)
        self.sources = [value_of(name) for name in point.sources]
        inputs, decodes = trace.inputs, self.side == "decoder."
        self.ids = float64(inputs.target if decodes else inputs.ids)  # or images
        self.ids = self.ids if self.config.image else self.ids.astype(int)
        self.pixels = None if inputs.pixels is None else float64(inputs.pixels)
        self.B, self.T = len(self.ids), _length(self.config, self.ids)
        self.real = _given(inputs.target_padding if decodes else inputs.padding, (self.B, self.T), True)
        self.segments = _given(inputs.segments, (self.B, self.T), 0)

    @property
    def layer(self) -> int:
        return int(self.point.name.partition("blocks.")[2].partition(".")[0])

    @property
    def part(self) -> str:
        """The part whose weights make the point. Where parts share a table, it is the one that was learned."""
        c, kind, own = self.trace.model.config, self.point.kind, self.point.weights
        if kind == "bias row":
            return f"{self.side}blocks.0.attn.bias"
        head = own == f"{self.side}logits" and isinstance(self.config, Config) and self.config.tied
        if head or kind == "token row":
            shared = isinstance(c, PairConfig) and c.shared
            own = (
                f"{'encoder.' if shared else self.side}embed.token" if isinstance(self.config, Config) else own
            )
        return own

    @property
    def weight(self) -> np.ndarray:
        return self._learned(f"{self.part}.weight")

    @property
    def bias(self) -> np.ndarray:
        return self._learned(f"{self.point.weights}.bias") if self.has_bias else np.zeros(len(self.weight))

    def _learned(self, name: str) -> np.ndarray:
        value = self.parameter(name)
        if value is None:
            raise NotLearned(f"the model has no parameter {name}, though by its config it has")
        return value

    @property
    def has_bias(self) -> bool:
        """As the config has it, or, where it says nothing of that, as the part does."""
        if isinstance(self.config, Config) and self.point.kind in ("heads", "concat"):
            return self.config.attention_bias
        if isinstance(self.config, Config) and self.point.kind == "linear" and ".mlp." in self.point.name:
            return self.config.mlp_bias
        return self.parameter(f"{self.point.weights}.bias") is not None

    @property
    def first(self) -> np.ndarray:
        """The vector that stands before the patches."""
        return self.parameter(f"{self.side}embed.first")

    @property
    def image(self) -> np.ndarray:
        """What an image model reads [B, channels, image, image]; of pixels (0–255): (p/255 − mean) / std."""
        if self.pixels is None:
            return self.ids
        prepare, size = self.trace.model.prepare, self.config.image
        mean, std = (np.array(numbers)[:, None, None] for numbers in (prepare.mean, prepare.std))
        down, across = (_resizing(side, size) for side in self.pixels.shape[-2:])
        return (down @ (self.pixels / 255) @ across.T - mean) / std

    @property
    def eps(self) -> float:
        return self.config.norm_eps

    @property
    def shared_by(self) -> int:
        """How many heads share one head of keys and values."""
        return self.config.heads // self.config.key_heads

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
        return self.config.width**0.5 if self.enters else self.config.width**-0.5

    @property
    def scale(self) -> float:
        """What q·k is multiplied by: 1/√E where scores are scaled; also 1/(l + 1) where they are by layer l."""
        scale = 1 / np.sqrt(self.config.head_width) if self.config.scale_scores else 1.0
        return float(scale / (self.layer + 1 if self.config.scale_by_layer else 1))

    @property
    def buckets(self) -> np.ndarray:
        """[T, S], the bucket of each distance s − t: near ones have their own, the others lie between
        borders the same factor apart; later positions have the upper half where they are seen."""
        c, away = self.config, np.arange(self.T)[None, :] - np.arange(self.T)[:, None]
        count = c.buckets if c.causal else c.buckets // 2
        near = count // 2  # distances below this have a bucket of their own
        size = np.maximum(-away, 0) if c.causal else np.abs(away)
        steps = count - near
        borders = [near * (c.max_distance / near) ** (step / steps) for step in range(1, steps)]
        far = near + np.sum([size >= border * (1 - 1e-9) for border in borders], axis=0, dtype=int)
        return np.where(size < near, size, far) + np.where((away > 0) & (not c.causal), count, 0)

    @property
    def mask(self) -> np.ndarray:
        """[B, 1, T, S] by the rule itself: never padding; where causal, nothing after, and always itself."""
        if self.crosses:
            real = self.memory.real[:, None, None, :]
            return np.broadcast_to(real, (self.B, 1, self.T, self.memory.T))
        real = self.real[:, None, None, :]
        if not self.config.causal:
            return np.broadcast_to(real, (self.B, 1, self.T, self.T))
        t, s = np.arange(self.T)[:, None], np.arange(self.T)[None, :]
        return ((s <= t) & real) | (s == t)

    @property
    def memory(self) -> "Scene":
        """The encoder of the same run: what it reads, its config."""
        point = replace(self.point, name="encoder.", sources=())
        return Scene(self.trace, point, lambda name: None, self.parameter)


def stops(trace: Trace, side: str = "") -> list[str]:
    """The points of the stream before the first block and after each, by the table."""
    blocks = [name for name in trace.table if name.startswith(f"{side}blocks.")]
    last = [name for name in blocks if name.endswith(".resid_post")][-1]
    return [*(name for name in blocks if name.endswith(".resid_pre")), last]


def _side(config, point: str) -> str:
    """Of a model with an encoder and a decoder: which of the two makes the point, as its name begins."""
    return "" if isinstance(config, Config) else f"{point.partition('.')[0]}."


def _config(config, side: str):
    """The config of a stack: a reader of texts in a recurrent model has the whole model's."""
    return (getattr(config, side.removesuffix("."), None) or config) if side else config


def _length(config, ids: np.ndarray) -> int:
    """T: tokens, or patches and the vector before them."""
    return (config.image // config.patch) ** 2 + 1 if config.image else ids.shape[1]


def _resizing(old: int, new: int) -> np.ndarray:
    """[new, old]: each new pixel as a weighted average of the old ones, by a triangle (bilinear)."""
    ratio = old / new
    away = np.abs(np.arange(old)[None, :] + 0.5 - (np.arange(new)[:, None] + 0.5) * ratio)
    weights = np.maximum(0, 1 - away / max(ratio, 1))
    return weights / weights.sum(1, keepdims=True)


def _given(x: torch.Tensor | None, shape: tuple[int, int], otherwise) -> np.ndarray:
    return np.full(shape, otherwise) if x is None else x.cpu().numpy()


def float64(x: torch.Tensor) -> np.ndarray:
    x = x.detach().cpu()
    return x.numpy() if x.dtype == torch.bool else x.double().numpy()
