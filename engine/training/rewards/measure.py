"""What is measured of texts: their reward, and how the base model reads them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.training.evaluate.intervals import Interval, bootstrap
from engine.training.rewards.policy import Texts, joined, of_tokens, strings
from engine.training.rewards.reward_model import RewardModel, averages

Score = Callable[[list[str], Tensor], Tensor]  # texts, their average vectors [B, D] -> rewards [B]


@dataclass(frozen=True, eq=False)
class Judge:
    """What rewards texts: `score`, less `mean`, divided by `spread`."""

    score: Score
    mean: float = 0.0
    spread: float = 1.0

    def __call__(self, texts: list[str], averages: Tensor) -> Tensor:
        return (self.score(texts, averages) - self.mean) / self.spread

    def scaled(self, texts: list[str], averages: Tensor) -> "Judge":
        """The same, so that these texts have mean 0 and standard deviation 1."""
        raw = self.score(texts, averages)
        return Judge(self.score, float(raw.mean()), float(raw.std(correction=0)) or 1.0)


def by_rule(rule: Callable[[str], float]) -> Score:
    """The score of a rule."""
    return lambda texts, averages: torch.tensor([rule(text) for text in texts])


def by_model(model: RewardModel) -> Score:
    """The score of a reward model."""
    return lambda texts, averages: model.of(averages)


@dataclass(frozen=True, eq=False)
class Reading:
    """Texts as the base model reads them.

    log_probabilities  [B, N, V] of every entry of the vocabulary; None where they were let go
    tokens             [B, N] of the tokens that were written
    averages           [B, D], the average vector of each text
    """

    texts: Texts
    log_probabilities: Tensor | None
    tokens: Tensor
    averages: Tensor
    strings: list[str]

    def without_vocabulary(self) -> "Reading":
        """Without the largest part."""
        return replace(self, log_probabilities=None)

    def __getitem__(self, rows: slice | list[int]) -> "Reading":
        strings = self.strings[rows] if isinstance(rows, slice) else [self.strings[i] for i in rows]
        return Reading(self.texts[rows], None, self.tokens[rows], self.averages[rows], strings)

    @property
    def bits(self) -> float:
        """How surprising a token is to the base model, on average."""
        return float(-self.tokens.sum() / self.texts.mask.sum() / math.log(2))


@torch.no_grad()
def read(base, texts: Texts) -> Reading:
    """By one pass of the base model."""
    stream = base.stream(texts.ids.to(base.device))
    all = base.unembed(stream[:, texts.start - 1 : -1]).log_softmax(-1)
    vectors = base.final_norm(stream[:, texts.start :]).cpu()
    return Reading(texts, all, of_tokens(all, texts), averages(vectors, texts.mask), strings(base, texts))


def together(parts: list[Reading]) -> Reading:
    """The readings of several batches as one, without those of the whole vocabulary."""
    tokens, means = (torch.cat([getattr(p, name) for p in parts]) for name in ("tokens", "averages"))
    return Reading(joined([p.texts for p in parts]), None, tokens, means, [s for p in parts for s in p.strings])


def intervals(values: dict[str, Tensor]) -> list[Interval]:
    """Of the mean of each [B]: 95%, by the bootstrap over texts."""
    return [bootstrap(x.double().numpy()) for x in values.values()]
