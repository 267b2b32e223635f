"""What a small task is: how examples are made, and a recipe that learns them."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from random import Random

from engine.config import Config
from engine.training.tasks.batches import END, GIVEN, PADDING, Batch, batch_of

HELD_OUT = 8  # one question in so many is kept from training
CHECKED = 512  # held-out examples that the accuracy is of
NORMS = ("pre", "post", "none")
OPTIMIZERS = ("adamw", "adam", "momentum", "sgd")
RANGES = {"layers": (1, 4), "heads": (1, 4), "width": (4, 128), "batch": (1, 512), "steps": (1, 1_000_000)}
RANGES |= {"warm_up": (0, 100_000), "seed": (0, 2**31 - 1), "context": (2, 64)}
HIGHEST = 1000.0  # rate


@dataclass(frozen=True)
class Recipe:
    """A model's shape and how it learns. A ValueError says what cannot be."""

    layers: int = 2
    heads: int = 4
    width: int = 64
    positions: str = "learned"
    norm: str = "pre"  # where it is: a name of NORMS
    residual: bool = True
    divided: bool = True  # scores, by √d_k
    causal: bool = True  # else every position sees all, and answers stand where the question stands
    context: int = 32  # letters that are read at once, of a text
    optimizer: str = "adamw"  # a name of OPTIMIZERS
    batch: int = 64
    steps: int = 3000
    rate: float = 3e-3  # rises over `warm_up` steps, then falls along a cosine
    warm_up: int = 50
    decay: float = 0.01  # of AdamW
    seed: int = 0

    def __post_init__(self):
        for name, (low, high) in RANGES.items():
            size = getattr(self, name)
            if type(size) is not int or not low <= size <= high:
                raise ValueError(f"{name} is {size!r}; it must be a whole number from {low:,} to {high:,}")
        for name, most in (("rate", HIGHEST), ("decay", 1.0)):
            number = getattr(self, name)
            if type(number) not in (int, float) or not math.isfinite(number) or not 0 <= number <= most:
                raise ValueError(f"{name} is {number!r}; it must be a number from 0 to {most:g}")
        for name in ("residual", "divided", "causal"):
            if type(getattr(self, name)) is not bool:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be true or false")
        for name, known in (("norm", NORMS), ("optimizer", OPTIMIZERS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; known are {', '.join(known)}")

    def config(self, vocabulary: int, context: int) -> Config:
        """The model's config."""
        return Config(
            vocabulary=vocabulary,
            context=context,
            width=self.width,
            layers=self.layers,
            heads=self.heads,
            mlp_width=4 * self.width,
            positions=self.positions,
            norm="none" if self.norm == "none" else "layer",
            post_norm=self.norm == "post",
            residual=self.residual,
            scale_scores=self.divided,
            causal=self.causal,
            tied=False,
        )


@dataclass(frozen=True)
class Task:
    """A kind of question with its answer.

    ask      random numbers -> question and answer, of letters of `alphabet`
    longest  letters of the longest question and the longest answer
    either   whether there are two answers, yes and no
    fails    whether its recipe is known not to get there
    """

    name: str
    alphabet: str
    ask: Callable[[Random], tuple[str, str]]
    longest: tuple[int, int]
    recipe: Recipe = Recipe()
    seconds: int = 60
    either: bool = False
    fails: bool = False

    by_letter = False  # an answer is right as a whole
    corpus = ""

    @property
    def letters(self) -> str:
        """All tokens, each one letter; its place is its id."""
        return PADDING + GIVEN + END + self.alphabet

    def context(self, recipe: Recipe) -> int:
        """T, the longest text."""
        question, answer = self.longest
        return question + 1 + answer if recipe.causal else question

    def config(self, recipe: Recipe) -> Config:
        """The model's config for a recipe of this task."""
        return recipe.config(len(self.letters), self.context(recipe))

    def batch(self, recipe: Recipe, step: int) -> Batch:
        """What step `step` learns from: it depends on nothing but the seed and the step."""
        drawn = islice(self.examples(f"{recipe.seed} {step}", held=False), recipe.batch)
        return batch_of(self.letters, self.context(recipe), recipe.causal, list(drawn))

    def held(self, recipe: Recipe) -> Batch:
        """Held-out examples, each once; they are the same for every seed and recipe. Of a question with two
        answers half have each, so that guessing gets half of them right."""
        found: dict[str, str] = {}
        for question, answer in islice(self.examples("held", held=True), 20 * CHECKED):
            found.setdefault(question, answer)
            if len(found) == CHECKED and not self.either:
                break
        drawn = _halved(list(found.items())) if self.either else list(found.items())
        return batch_of(self.letters, self.context(recipe), recipe.causal, drawn)

    def examples(self, seed: str, held: bool) -> Iterator[tuple[str, str]]:
        """Questions and answers without end: those that training sees, or those held out."""
        dice = Random(f"{self.name} {seed}")
        while True:
            question, answer = self.ask(dice)
            if held_out(question) == held:
                yield question, answer


def _halved(drawn: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """As many examples of one answer as of the other, by turns."""
    sides = [[one for one in drawn if one[1] == answer] for answer in sorted({answer for _, answer in drawn})]
    return [one for pair in zip(*sides, strict=False) for one in pair][:CHECKED]


def held_out(question: str) -> bool:
    """Whether a question is kept from training: the same for everybody, whatever the seed."""
    return blake2b(question.encode(), digest_size=4).digest()[0] % HELD_OUT == 0
