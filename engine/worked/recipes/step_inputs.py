"""What a step is recomputed from: sources, raw weights and inputs in float64, and the config's plain fields.

Nothing here or in the recipes calls what the forward pass calls: no property of the config, no method of the
model, no function of masks, positions or activations. A fault there cannot hide itself here.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from engine.config import Config, PairConfig
from engine.points.point import Point
from engine.trace import Trace

Values = Callable[[str], np.ndarray]  # a point's name -> its numbers


class NotLearned(LookupError):
    """The model lacks a parameter that a model of this config has."""


class Parameters:
    """A model's raw weights in float64, each converted once."""

    def __init__(self, model):
        self._model, self._known = model, {}

    def __call__(self, name: str) -> np.ndarray | None:
        """The parameter of that full name; None where the module has none (a bias that is left out)."""
        if name not in self._known:
            path, _, leaf = name.rpartition(".")
            module = self._model.get_submodule(path)
            own = dict(module.named_parameters(recurse=False, remove_duplicate=False))
            self._known[name] = float64(own[leaf]) if leaf in own else None
        return self._known[name]


class StepInputs:
    """All that one point of one run is recomputed from.

    value_of   gives each of the point's sources by name
    point      the point itself; sources: the numbers of its sources, in their order
    config     that of the point's stack
    ids        [B, T] what its stack reads, or images [B, channels, image, image]
    pixels     the image as it was given, 0 to 255; None where the model was given no pixels
    real       [B, T], False at padding; segments: [B, T], the text that each token belongs to
    """

    def __init__(self, trace: Trace, point: Point, value_of: Values, parameters: Parameters | None = None):
        self.trace, self.point = trace, point
        self.parameter = parameters or Parameters(trace.model)
        self.config = _config(trace.model.config, point.stack)
        self.sources = [value_of(name) for name in point.sources]
        inputs, decodes = trace.inputs, point.stack == "decoder"
        self.ids = float64(inputs.target if decodes else inputs.ids)
        self.ids = self.ids if self.config.image else self.ids.astype(int)
        self.pixels = None if inputs.pixels is None else float64(inputs.pixels)
        self.B, self.T = len(self.ids), _length(self.config, self.ids)
        self.real = _given(inputs.target_padding if decodes else inputs.padding, (self.B, self.T), True)
        self.segments = _given(inputs.segments, (self.B, self.T), 0)

    @property
    def source_points(self) -> list[Point]:
        """The points that the sources are the numbers of."""
        return [self.trace.table[name] for name in self.point.sources]

    def source_cells(self, index: int, *at) -> str:
        """The name of a source's cells, without the batch: "blocks.0.attn.q[1, 5, :]" for 1, 5, ":"."""
        return f"{self.point.sources[index]}[{', '.join(map(str, at))}]"

    @property
    def module(self) -> str:
        """The module whose weights are used; of tied weights, the one that holds the parameter."""
        model, point, own = self.trace.model.config, self.point, self.point.weights
        if point.kind == "relative_bias":  # the blocks share the first one's table
            return replace(point, layer=0).weights
        if not isinstance(self.config, Config):
            return "token" if self.config.alone and point.short == "logits" else own
        head = self.config.tied and (point.part, point.short) == ("", "logits")
        if head or point.kind == "token_embedding":
            shared = isinstance(model, PairConfig) and model.shared
            return in_stack("encoder" if shared else point.stack, "embed.token")
        return own

    @property
    def weight(self) -> np.ndarray:
        """The weights, as torch keeps them: [out, in] of a linear layer, [rows, D] of a table."""
        return self._learned(f"{self.module}.weight")

    @property
    def bias(self) -> np.ndarray:
        """The bias [out]: zeros where there is none."""
        return self._learned(f"{self.point.weights}.bias") if self.has_bias else np.zeros(len(self.weight))

    def _learned(self, name: str) -> np.ndarray:
        value = self.parameter(name)
        if value is None:
            raise NotLearned(f"the model has no parameter {name}, though by its config it has")
        return value

    @property
    def has_bias(self) -> bool:
        """Whether a bias is added: as the config has it or, where it leaves that open, as the module does."""
        if self.point.bias is not None:
            return self.point.bias
        return self.parameter(f"{self.point.weights}.bias") is not None

    @property
    def first(self) -> np.ndarray:
        """The learned vector [D] that precedes the patches."""
        return self.parameter(in_stack(self.point.stack, "embed.first"))

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
        """What the norms add to the variance (or mean square) before its root."""
        return self.config.norm_eps

    @property
    def shared_by(self) -> int:
        """How many heads share one head of keys and values (grouped-query attention, Ainslie et al. 2023)."""
        return self.config.heads // self.config.key_heads

    @property
    def crosses(self) -> bool:
        """Whether this is a step of cross-attention, whose S are the encoder's positions."""
        return self.point.part == "cross"

    @property
    def mask(self) -> np.ndarray:
        """[B, 1, T, S], True where a token may look: never at padding and, if causal, at nothing later.

        A causal token may always look at itself.
        """
        if self.crosses:
            real = self.memory.real[:, None, None, :]
            return np.broadcast_to(real, (self.B, 1, self.T, self.memory.T))
        real = self.real[:, None, None, :]
        if not self.config.causal:
            return np.broadcast_to(real, (self.B, 1, self.T, self.T))
        t, s = np.arange(self.T)[:, None], np.arange(self.T)[None, :]
        return ((s <= t) & real) | (s == t)

    @property
    def places(self) -> np.ndarray:
        """[B, T], the place of each token: how many real ones there are before it; padding is not counted."""
        return np.maximum(np.cumsum(self.real, axis=1) - 1, 0)

    @property
    def memory(self) -> "StepInputs":
        """The encoder of the same run: what it reads, its config."""
        return StepInputs(
            self.trace, replace(self.point, stack="encoder", sources=()), lambda name: None, self.parameter
        )


def stops(trace: Trace, stack: str = "") -> list[str]:
    """The points of the residual stream before the first block and after each: [L + 1] names."""
    stream = {"resid_pre": [], "resid_post": []}
    for name, point in trace.table.items():
        if point.stack == stack and point.short in stream:
            stream[point.short].append(name)
    return [*stream["resid_pre"], stream["resid_post"][-1]]


def in_stack(stack: str, name: str) -> str:
    """The full name of `name` in a stack: prefixed with the stack's name, if there are two."""
    return f"{stack}.{name}" if stack else name


def _config(config, stack: str):
    """The config of a stack; a reader of texts in a recurrent model has the whole model's."""
    return config if isinstance(config, Config) else getattr(config, stack, None) or config


def _length(config, ids: np.ndarray) -> int:
    """T: tokens; patches and the vector before them; or cells, before which there is none."""
    return (config.image // config.patch) ** 2 + (not config.filters) if config.image else ids.shape[1]


def _resizing(old: int, new: int) -> np.ndarray:
    """[new, old]: each new pixel as a weighted average of the old ones, by a triangle (bilinear)."""
    ratio = old / new
    away = np.abs(np.arange(old)[None, :] + 0.5 - (np.arange(new)[:, None] + 0.5) * ratio)
    weights = np.maximum(0, 1 - away / max(ratio, 1))
    return weights / weights.sum(1, keepdims=True)


def _given(x: torch.Tensor | None, shape: tuple[int, int], otherwise) -> np.ndarray:
    return np.full(shape, otherwise) if x is None else x.cpu().numpy()


def float64(x: torch.Tensor) -> np.ndarray:
    """A tensor's numbers in float64; booleans stay booleans."""
    x = x.detach().cpu()
    return x.numpy() if x.dtype == torch.bool else x.double().numpy()
