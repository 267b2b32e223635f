"""Small labelled sets, split once and for all, and the simplest rules beside a model."""

import hashlib
import lzma
import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load

from engine.training.evaluate.intervals import wilson

ASSETS = Path(__file__).parents[3] / "assets"
REVIEWS, ENTAILMENT = (ASSETS / "reviews" / name for name in ("reviews.txt", "entailment.txt"))
PASSAGE = ASSETS / "reviews" / "passage.txt"
DIGITS = ASSETS / "digits" / "optical.safetensors.xz"

SENTIMENTS = ("negative", "positive")
RELATIONS = ("follows", "contradicts", "neutral")
TRAIN_SHARE = 0.6  # of the groups; the rest is held out
DRAWS = 1000  # of the bootstrap
WORD = re.compile(r"[a-z']+")

Interval = tuple[float, float]


@dataclass(frozen=True)
class Example:
    """A text, or two, and its label. Examples of a group resemble each other: a split keeps them together."""

    texts: tuple[str, ...]
    label: int
    group: int

    @property
    def text(self) -> str:
        """The last of its texts, or the only one."""
        return self.texts[-1]

    @property
    def words(self) -> list[str]:
        """All its words, in small letters."""
        return WORD.findall(" ".join(self.texts).lower())


@dataclass(frozen=True)
class Labelled:
    """Examples to learn from and held out, and what their labels are called."""

    train: tuple[Example, ...]
    held: tuple[Example, ...]
    labels: tuple[str, ...]

    def drawn(self, count: int, seed: int) -> list[Example]:
        """`count` examples to learn from, as many of each label as of any other (or one more), drawn by the
        seed; more examples of the same seed begin with the same."""
        if not len(self.labels) <= count <= len(self.train):
            raise ValueError(
                f"{count} examples were asked for; from {len(self.labels)} (one of each label) "
                f"to {len(self.train)} can be drawn"
            )
        draw, each = random.Random(f"examples {seed}"), []
        for label in range(len(self.labels)):
            those = [one for one in self.train if one.label == label]
            draw.shuffle(those)
            each.append(those)
        return [one for row in zip(*each, strict=False) for one in row][:count]

    def truth(self) -> np.ndarray:
        """The labels of the held-out examples [N]."""
        return np.array([one.label for one in self.held])

    def groups(self) -> np.ndarray:
        """Their groups [N]."""
        return np.array([one.group for one in self.held])


# --- the sets ------------------------------------------------------------------------------------


@cache
def reviews() -> Labelled:
    """200 reviews, half of them positive. They come in pairs, as alike in length and words as may be."""
    lines = [line for line in REVIEWS.read_text("utf-8").splitlines() if line]
    found = [Example((line[2:],), int(line[0] == "+"), i // 2) for i, line in enumerate(lines)]
    return _split(found, SENTIMENTS)


@cache
def entailment() -> Labelled:
    """144 premises with hypotheses: each hypothesis stands once with each label, so it alone tells nothing."""
    found, hypothesis, group = [], "", -1
    for line in ENTAILMENT.read_text("utf-8").splitlines():
        sign, _, text = line.partition(" ")
        if sign == "=":
            hypothesis, group = text, group + 1
        elif sign:
            found.append(Example((text, hypothesis), "+-?".index(sign), group))
    return _split(found, RELATIONS)


def _split(examples: list[Example], labels: tuple[str, ...]) -> Labelled:
    """Groups in the order of a hash of their last text: the first to learn from, the rest held out."""
    firsts = {one.group: one for one in reversed(examples)}
    order = sorted(firsts, key=lambda group: hashlib.sha256(firsts[group].text.encode()).digest())
    learned = set(order[: round(TRAIN_SHARE * len(order))])
    train = tuple(one for one in examples if one.group in learned)
    return Labelled(train, tuple(one for one in examples if one.group not in learned), labels)


def own_reviews(text: str) -> list[str]:
    """A person's own reviews, a line each; a ValueError where there is none."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError("there is no review yet: write one, a sentence or two, a review a line")
    return lines


@cache
def passage() -> str:
    """The beginning of a book no shipped model read (L. Frank Baum, American Fairy Tales, 1901)."""
    return PASSAGE.read_text("utf-8").strip()


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits: pixels [1797, 8, 8] from 0 to 1, and what they show [1797]."""
    told = load(lzma.decompress(DIGITS.read_bytes()))
    return told["pixels"].astype(np.float32) / 16, told["labels"].astype(np.int64)


# --- simple rules, and how far a share can be trusted ------------------------------------------------


def baselines(of: Labelled, learned: list[Example]) -> dict[str, np.ndarray]:
    """What rules that read nothing, or only words, say of the held-out examples: right or wrong [N]."""
    truth = of.truth()
    guesses = {"commonest": _commonest(of, learned), "length": _by_length(of, learned)}
    guesses["words"] = bag_of_words(of, learned)
    if len(of.held[0].texts) == 2:
        guesses["overlap"] = _by_length(of, learned, overlap)
        alone = Labelled(of.train, tuple(map(_last, of.held)), of.labels)
        guesses["hypothesis"] = bag_of_words(alone, list(map(_last, learned)))
    return {name: guess == truth for name, guess in guesses.items()}


def _last(example: Example) -> Example:
    """Its last text alone."""
    return Example(example.texts[-1:], example.label, example.group)


def _commonest(of: Labelled, learned: list[Example]) -> np.ndarray:
    counts = np.bincount([one.label for one in learned], minlength=len(of.labels))
    return np.full(len(of.held), counts.argmax())


def overlap(example: Example) -> float:
    """The share of the hypothesis's words that the premise has, too."""
    premise, hypothesis = (set(WORD.findall(text.lower())) for text in example.texts)
    return len(premise & hypothesis) / max(1, len(hypothesis))


def _by_length(of: Labelled, learned: list[Example], size=lambda one: len(one.words)) -> np.ndarray:
    """The label of the learned examples whose mean size is nearest."""
    sizes, labels = np.array([size(one) for one in learned]), np.array([one.label for one in learned])
    means = np.array(
        [sizes[labels == k].mean() if (labels == k).any() else np.inf for k in range(len(of.labels))]
    )
    return np.abs(np.array([[size(one)] for one in of.held]) - means).argmin(-1)


def bag_of_words(of: Labelled, learned: list[Example], smooth: float = 1.0) -> np.ndarray:
    """Naive Bayes over the words, however often each stands (McCallum and Nigam 1998)."""
    known = {word: i for i, word in enumerate(sorted({w for one in learned for w in one.words}))}
    counts = np.full((len(of.labels), len(known)), smooth)
    for one in learned:
        for word in one.words:
            counts[one.label, known[word]] += 1
    logs = np.log(counts / counts.sum(-1, keepdims=True))
    held = np.zeros((len(of.held), len(known)))
    for row, one in zip(held, of.held, strict=True):
        for word in filter(known.__contains__, one.words):
            row[known[word]] += 1
    prior = np.log(np.bincount([one.label for one in learned], minlength=len(of.labels)) + 1e-9)
    return (held @ logs.T + prior).argmax(-1)


def interval(right: np.ndarray, groups: np.ndarray | None = None, seed: int = 0) -> Interval:
    """The 95% interval of a share, from right or wrong [draws, N]: draws and groups of examples are resampled
    (Efron 1979). Where every answer is right, or none, Wilson's (1927)."""
    right = np.atleast_2d(np.asarray(right, float))
    if right.min() == right.max():
        return wilson(int(right[0].sum()), right.shape[1])
    groups = np.arange(right.shape[1]) if groups is None else groups
    names, inverse = np.unique(groups, return_inverse=True)
    sums = np.zeros((len(right), len(names)))
    np.add.at(sums, (slice(None), inverse), right)
    sizes = np.bincount(inverse)
    draw = np.random.default_rng(seed)
    rows, columns = (draw.multinomial(n, np.full(n, 1 / n), size=DRAWS) for n in sums.shape)  # how often each
    found = ((rows @ sums) * columns).sum(-1) / (len(right) * (columns @ sizes))
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)
