"""A text to be learned by its characters: windows of it, the next letter asked at every place."""

from dataclasses import dataclass
from functools import cached_property
from random import Random

import torch

from engine.config import Config
from engine.tokenize.library import check_text
from engine.training.tasks.batches import Batch
from engine.training.tasks.task import Recipe

CORPUS = "text"  # the name of this task
HELD_OUT = 8  # the last of so many parts of the text is kept from training
CHECKED = 128  # windows of it that the accuracy is of
MOST_LETTERS = 2000  # different ones

USUAL = Recipe(steps=2000, batch=32)


@dataclass(frozen=True)
class Corpus:
    """A text as a task; a ValueError where there is too little to learn from."""

    corpus: str
    recipe: Recipe = USUAL

    name, seconds, fails, by_letter = CORPUS, 60, False, True

    def __post_init__(self):
        check_text(self.corpus)
        need = HELD_OUT * (self.recipe.context + 1)
        if len(self.corpus) < need:
            raise ValueError(
                f"the text has {len(self.corpus):,} characters; {need:,} are needed, for windows of "
                f"{self.recipe.context} in the part that is learned and in the part that is kept for the test. "
                "Paste a longer one"
            )
        if len(self.letters) < 2:
            raise ValueError(
                f"the text holds one letter only, {self.letters!r}: there is nothing to predict. "
                "Paste a text of several letters"
            )
        if len(self.letters) > MOST_LETTERS:
            raise ValueError(
                f"the text has {len(self.letters):,} different letters; the most is {MOST_LETTERS:,}"
            )

    @cached_property
    def letters(self) -> str:
        """All tokens, each one letter; its place is its id."""
        return "".join(sorted(set(self.corpus)))

    @cached_property
    def ids(self) -> torch.Tensor:
        """The whole text [N]."""
        place = {letter: at for at, letter in enumerate(self.letters)}
        return torch.tensor([place[letter] for letter in self.corpus])

    def context(self, recipe: Recipe) -> int:
        """T, letters that are read at once."""
        return recipe.context

    def config(self, recipe: Recipe) -> Config:
        """The model's config for a recipe of this task."""
        return recipe.config(len(self.letters), recipe.context)

    def batch(self, recipe: Recipe, step: int) -> Batch:
        """What step `step` learns from: it depends on nothing but the seed and the step."""
        dice = Random(f"{recipe.seed} {step}")
        last = self._kept() - recipe.context - 1
        return self._windows(recipe, [dice.randint(0, last) for _ in range(recipe.batch)])

    def held(self, recipe: Recipe) -> Batch:
        """Windows of the end of the text, which training does not see."""
        starts = range(self._kept(), len(self.corpus) - recipe.context, recipe.context)
        return self._windows(recipe, list(starts)[:CHECKED])

    def _kept(self) -> int:
        """Where the held-out part begins."""
        return len(self.corpus) - max(len(self.corpus) // HELD_OUT, self.recipe.context + 1)

    def _windows(self, recipe: Recipe, starts: list[int]) -> Batch:
        if not recipe.causal:
            raise ValueError(
                "without a mask every place sees the letter after it, which is what it is asked for: "
                "a text is learned by a causal model"
            )
        rows = torch.stack([self.ids[at : at + recipe.context + 1] for at in starts])
        ends = [at + recipe.context for at in starts]
        questions = tuple(self.corpus[at:end] for at, end in zip(starts, ends, strict=True))
        return Batch(rows[:, :-1], rows[:, 1:], questions, tuple(self.corpus[end] for end in ends))
