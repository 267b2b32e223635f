"""Operations that make positions of sines and cosines."""

import math

import numpy as np

from engine.examples.numbers import number
from engine.examples.operations.helpers import room, whole, worked
from engine.examples.operations.table import OPERATIONS, Operation
from engine.examples.value import Misfit, Value, told, value


def frequency(i: int, d: int, halves: bool) -> float:
    """By how much a wave turns from one position to the next: of pair i of d/2.

    halves  10000^(−i/(d/2−1)), as Tensor2Tensor had it; else 10000^(−2i/d), as the paper of 2017 has it
    """
    return 10000.0 ** (-i / max(d // 2 - 1, 1)) if halves else 10000.0 ** (-2 * i / d)


def _wave(t: float, j: int, d: int, layout: str) -> tuple[str, float, float]:
    """Entry j of a position: sin or cos, its frequency, its value."""
    pair, cosine = (j // 2, j % 2) if layout == "interleaved" else (j % (d // 2), j >= d // 2)
    w = frequency(pair, d, layout == "t2t")
    return ("cos" if cosine else "sin"), w, (math.cos if cosine else math.sin)(t * w)


def _table(positions: np.ndarray, d: int, layout: str) -> np.ndarray:
    """All entries of all positions at once."""
    pairs = np.array([frequency(i, d, layout == "t2t") for i in range(d // 2)])
    with np.errstate(all="ignore"):
        sines, cosines = np.sin(np.outer(positions, pairs)), np.cos(np.outer(positions, pairs))
    if layout == "interleaved":
        return np.stack([sines, cosines], -1).reshape(len(positions), d)
    return np.concatenate([sines, cosines], -1)


def _waves(name: str, layout: str, says: str) -> None:
    def positions_of(a: Value) -> list[float]:
        return list(a.numbers) if a.shape else [float(t) for t in range(whole(a, name))]

    def compute(positions: Value, d: Value) -> Value:
        n = whole(d, f"{name}'s width d")
        if n % 2:
            raise Misfit(f"{name} needs an even width d, as every sine has its cosine; {n} is odd.")
        if len(positions.shape) == 2:
            raise Misfit(f"Positions are a row of numbers or how many there are, not {told(positions.shape)}.")
        at = positions_of(positions)
        room((len(at), n))
        return value(_table(np.asarray(at), n, layout), (tuple(f"{t:g}" for t in at), ()))

    def cell(parts, at):
        d, t = int(parts[1].value.numbers), float(positions_of(parts[0].value)[at[0]])
        wave, w, x = _wave(t, at[1], d, layout)
        power = r"10000^{-i/(d/2-1)}" if layout == "t2t" else r"10000^{-2i/d}"
        return worked(
            rf"\{wave}(t \cdot {power})", rf"\{wave}({number(t)} \cdot {number(w)}) = {number(x)}", (), x, x
        )

    latex = r"\mathrm{{" + name.replace("_", r"\_") + r"}}({0}, {1})"
    OPERATIONS[name] = Operation(name, (2, 2), compute, latex, cell, says)


WAVES = {  # by their names in formulas: the layout, and what it is
    "sinusoid": ("interleaved", "positions as sines and cosines in turn (2017)"),
    "sinusoid_halves": ("halves", "the same frequencies, all sines first"),
    "sinusoid_t2t": ("t2t", "all sines first, frequencies 10000^(−i/(d/2−1))"),
}


for _name, _wanted in WAVES.items():
    _waves(_name, *_wanted)
