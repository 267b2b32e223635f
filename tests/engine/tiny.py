"""Tiny models for the tests: odd sizes, every parameter random."""

import torch
from torch import Tensor, nn

from engine.config import Config
from engine.models import Decoder
from engine.trace import Trace, everything, run

SIZES = dict(vocabulary=97, context=23, width=15, layers=3, heads=3, mlp_width=31)

POSITIONS = {
    "learned": {},
    "rotary": dict(positions="rotary", width=18),  # a head's numbers are turned in pairs: an even width
}

CHOICES = {
    "plain": {},
    "rotary": POSITIONS["rotary"],
    "rotary, small base": dict(positions="rotary", width=18, rotary_base=2.5),
    "exact gelu": dict(activation="gelu"),
    "tanh gelu": dict(activation="gelu_tanh"),
    "relu": dict(activation="relu"),
    "silu": dict(activation="silu"),
    "untied": dict(tied=False),
    "unscaled": dict(scale_scores=False),
    "scaled by layer": dict(scale_by_layer=True),
    "large epsilon": dict(norm_eps=0.3),
    "one block, one head": dict(layers=1, heads=1),
}


def randomise(model: nn.Module, seed: int = 0):
    """Every parameter random: a fresh norm is 1 and 0, which hides bugs."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.data.normal_(std=0.4, generator=generator)
    return model


def decoder(dtype: torch.dtype = torch.float64, seed: int = 0, **choices) -> Decoder:
    model = randomise(Decoder(Config(**SIZES | choices)), seed)
    return model.requires_grad_(False).eval().to(dtype)


def prompt(length: int, seed: int = 0, vocabulary: int = SIZES["vocabulary"]) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(vocabulary, (length,), generator=generator).tolist()


def full(model: Decoder, ids, edits=(), **options) -> Trace:
    """A trace that keeps every point during the run."""
    return run(model, ids, edits, wanted=everything, **options)


def at_positions(x: Tensor, axes: str, wanted: Tensor) -> Tensor:
    """The part of `x` where wanted [T] is true, along T and along S."""
    for axis, letter in enumerate(axes):
        if letter in "TS":
            x = x.index_select(axis, wanted.nonzero()[:, 0])
    return x


def assert_close(got: Tensor, expected: Tensor, what: str = "") -> None:
    """Equal up to the rounding of float64, masked cells (−∞) included."""
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-10, msg=lambda text: f"{what}\n{text}")


def assert_same_points(trace: Trace, expected: dict[str, Tensor] | Trace, points=None) -> None:
    """Every point agrees; the first that does not is named."""
    for point in trace.points() if points is None else points:
        assert_close(trace[point], expected[point], f"first differing point: {point}")
