"""Is a model as sure as it is right? How many of the tokens that it finds most probable are what comes, and how
probable were they (Guo et al. 2017)?"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from engine.tokenize.bpe import RankTokenizer
from engine.training.evaluate.intervals import DRAWS
from engine.training.evaluate.report import Score

BINS = 10  # of probability, all as wide
NAME = "calibration error"


@torch.inference_mode()
def counted(read: Iterable[tuple[Tensor, Tensor]]) -> np.ndarray:
    """Of each stretch, given as logits [T, V] and the tokens that come [T], by bins of the best probability
    [N, 3, BINS]: how many there are, the sum of these probabilities, and how often the best is what comes."""
    return np.stack([_stretch(logits, ids) for logits, ids in read])


def _stretch(logits: Tensor, ids: Tensor) -> np.ndarray:
    sure, best = logits.softmax(-1).max(-1)
    which = (sure * BINS).long().clamp(max=BINS - 1)
    each = torch.stack([torch.ones_like(sure), sure, (best == ids).to(sure.dtype)]).double()
    return torch.zeros(3, BINS, dtype=torch.float64).index_add_(1, which, each).numpy()


def sentences(model, texts: list[str], tokenizer: RankTokenizer) -> Iterable[tuple[Tensor, Tensor]]:
    """Each text read by itself: the logits [T, V] before each of its tokens [T]."""
    for text in texts:
        ids = torch.tensor(tokenizer.encode(text))
        yield model(ids[None, :-1])[0], ids[1:]


def error(counts: np.ndarray) -> float:
    """The expected calibration error of counts [3, BINS]: how far probability and share of right ones are
    apart, on average over all tokens."""
    many, sure, right = counts
    return float(np.abs(sure - right).sum() / many.sum())


def score(stretches: np.ndarray, seed: int = 0) -> Score:
    """The error over all stretches [N, 3, BINS], and its interval by resampling them (Efron 1979)."""
    draw = np.random.default_rng(seed)
    chosen = draw.integers(len(stretches), size=(DRAWS, len(stretches)))
    times = np.stack([np.bincount(one, minlength=len(stretches)) for one in chosen])
    low, high = np.quantile([error(one) for one in np.einsum("dn,nkb->dkb", times, stretches)], (0.025, 0.975))
    return Score(error(stretches.sum(0)), int(stretches[:, 0].sum()), (float(low), float(high)))


def reliability(stretches: np.ndarray) -> list[dict]:
    """The points of the reliability curve: of each bin that has any, how many tokens, how probable the best
    ones were on average, and how many of these were right."""
    many, sure, right = stretches.sum(0)
    return [
        {"count": int(n), "probability": float(p / n), "right": float(r / n)}
        for n, p, r in zip(many, sure, right, strict=True)
        if n
    ]


def table(curves: dict[str, list[dict]]) -> str:
    """Reliability curves in Markdown, one below the other."""
    lines = ["| text | n | probability of the best token | it was right |", "|:--|--:|--:|--:|"]
    for kind, points in curves.items():
        lines += [f"| {kind} | {p['count']:,} | {p['probability']:.0%} | {p['right']:.0%} |" for p in points]
    return "\n".join(lines)
