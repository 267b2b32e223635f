"""What a small task is: how examples are made, and a recipe that learns them."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from random import Random

from engine.config import Config

END, GIVEN = ".", "="  # closes an answer; stands between a question and its answer
PADDING = "_"
HELD_OUT = 8  # one question in so many is kept from training


@dataclass(frozen=True)
class Recipe:
    """A model's shape and how it learns."""

    layers: int = 2
    heads: int = 4
    width: int = 64
    positions: str = "learned"
    causal: bool = True  # else every position sees all, and answers stand where the question stands
    batch: int = 64
    steps: int = 3000
    rate: float = 3e-3  # of AdamW; rises over `warm_up` steps, then falls along a cosine
    warm_up: int = 50
    decay: float = 0.01
    seed: int = 0


@dataclass(frozen=True)
class Task:
    """A kind of question with its answer.

    ask      random numbers -> question and answer, of letters of `alphabet`
    longest  letters of the longest question and the longest answer
    guess    the share of exact answers that a guesser reaches who only knows how often each answer occurs
    fails    why the recipe does not get there, where that is known
    """

    name: str
    about: str
    alphabet: str
    ask: Callable[[Random], tuple[str, str]]
    longest: tuple[int, int]
    recipe: Recipe = Recipe()
    seconds: int = 60
    fails: str = ""

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
        return Config(
            vocabulary=len(self.letters),
            context=self.context(recipe),
            width=recipe.width,
            layers=recipe.layers,
            heads=recipe.heads,
            mlp_width=4 * recipe.width,
            positions=recipe.positions,
            causal=recipe.causal,
            tied=False,
        )


def held_out(question: str) -> bool:
    """Whether a question is kept from training: the same for everybody, whatever the seed."""
    return blake2b(question.encode(), digest_size=4).digest()[0] % HELD_OUT == 0
