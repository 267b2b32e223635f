"""What are tokens further back worth? The same tokens, asked with more and more of those before them."""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.tokenize.bpe import RankTokenizer
from engine.training.evaluate.report import Score, mean
from engine.training.progress import counted

ASKED = 2000  # tokens of the held-out books
FEWEST = 20
AT_ONCE = 16  # of them in one pass


def lengths(context: int, prefix: int = 0) -> list[int]:
    """1, 2, 4 … tokens before the one that is asked for, and as many as there is room for."""
    most = context - prefix
    return [*(2**k for k in range(most.bit_length()) if 2**k < most), most]


def places(row: np.ndarray, tokenizer: RankTokenizer, most: int, count: int) -> np.ndarray:
    """Up to `count` places of the row, spread evenly, with `most` tokens of the same text before each."""
    special = np.isin(row, list(tokenizer.special.values()))
    seen = np.concatenate([[0], np.cumsum(special)])
    there = np.arange(most, len(row))
    there = there[seen[there + 1] == seen[there - most]]
    chosen = np.linspace(0, len(there) - 1, min(count, len(there))).round().astype(int)
    return there[np.unique(chosen)]


@torch.inference_mode()
def bits_after(model, row: np.ndarray, tokenizer: RankTokenizer, at: np.ndarray, length: int) -> np.ndarray:
    """Bits of the tokens at these places, each asked with so many of those before it, and what every text
    begins with."""
    found = [_bits(model, ids) for ids in _windows(row, tokenizer, at, length)]
    return np.concatenate(found) if found else np.zeros(0)


def _windows(row: np.ndarray, tokenizer: RankTokenizer, at: np.ndarray, length: int) -> Iterator[Tensor]:
    before = np.array(tokenizer.prefix, np.int64)
    for first in range(0, len(at), AT_ONCE):
        rows = [np.concatenate([before, row[i - length : i + 1]]) for i in at[first : first + AT_ONCE]]
        yield torch.from_numpy(np.stack(rows).astype(np.int64))


def _bits(model, ids: Tensor) -> np.ndarray:
    logits = model(ids[:, :-1], model.context(ids[:, :-1], last=True))[:, -1]
    return F.cross_entropy(logits, ids[:, -1], reduction="none").double().numpy() / math.log(2)


def asked(
    row: np.ndarray, tokenizer: RankTokenizer, context: int, count: int = ASKED
) -> tuple[list[int], np.ndarray]:
    """The lengths for which the texts are long enough, and the places that are asked with each of them."""
    every = lengths(context, len(tokenizer.prefix))
    there = [n for n in every if len(places(row, tokenizer, n, FEWEST)) == FEWEST] or every[:1]
    return there, places(row, tokenizer, there[-1], count)


def curve(model, row: np.ndarray, tokenizer: RankTokenizer, sizes: list[int], at: np.ndarray) -> list[Score]:
    """Bits per byte of the tokens at these places with so many tokens before each; n is how many there are,
    resampled for the interval."""
    weights = [len(tokenizer.bytes_of(int(id))) for id in row[at]]
    said = counted(sizes, "measuring: what tokens further back are worth", sum(sizes), int)
    return [mean(bits_after(model, row, tokenizer, at, n).tolist(), weights) for n in said]


def told(curves: dict[str, list[Score]], sizes: list[int]) -> dict:
    """The curves of several models as scores.json has them."""
    first = next(iter(curves.values()))
    return {
        "tokens": sizes,
        "count": first[0].count,
        "models": {
            name: {"bits": [s.value for s in scores], "intervals": [s.interval for s in scores]}
            for name, scores in curves.items()
        },
    }


def table(found: dict) -> str:
    """The curves in Markdown."""
    lines = [f"| tokens before | {' | '.join(found['models'])} |", "|--:|" + "--:|" * len(found["models"])]
    for i, n in enumerate(found["tokens"]):
        cells = (_cell(one["bits"][i], one["intervals"][i]) for one in found["models"].values())
        lines.append(f"| {n} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(bits: float, interval: tuple[float, float]) -> str:
    return f"{bits:.3f} ({interval[0]:.3f}–{interval[1]:.3f})"
