"""A reward model learned from rankings, by me or by a rule, and what is told of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from engine.training.rewards.measure import Reading
from engine.training.rewards.policy import Texts, sample
from engine.training.rewards.preference import RANKED, Pair, bradley_terry, pairs, pairs_by, right, sides
from engine.training.rewards.reward_model import RewardModel, fit, left_out
from engine.training.rewards.rule import words
from engine.training.rewards.settings import rankings_of

SHOWN = 12  # pairs


@dataclass(frozen=True, eq=False)
class Learned:
    """A reward model, the pairs that it learned from, and what is told of both: its losses, some pairs with
    their numbers, and how many held-out pairs it, the length of the texts and a coin tell right."""

    model: RewardModel
    pairs: list[Pair]
    told: dict[str, object]


def ranked_texts(base, prompt: list[int], length: int, seed: int, number: int) -> Texts:
    """The four texts of my ranking of this number, from 0."""
    return sample(base, prompt, RANKED, length, torch.Generator().manual_seed(seed * 1009 + number + 1))


def groups_of(ranked: str) -> list[list[Pair]]:
    """The pairs of each of my rankings, the texts numbered through."""
    return [pairs([RANKED * i + k for k in one]) for i, one in enumerate(rankings_of(ranked))]


def learn(
    found: Reading, groups: int | list[list[Pair]], rule: Callable[[str], float] | None, random: torch.Generator
) -> Learned:
    """From the pairs of each of some rankings; or of so many, four texts each, that a rule ranks."""
    score = None if rule is None else [rule(text) for text in found.strings]
    if score is not None:
        groups = [pairs_by(score.__getitem__, range(RANKED * i, RANKED * (i + 1))) for i in range(groups)]
    known = [pair for group in groups for pair in group]
    model = fit(found.averages, known)
    told = {"losses": list(model.losses), "count": len(known), "shown": shown(found, known, model, score)}
    return Learned(model, known, told | agreement(found, groups, known, model, score, random))


def shown(found: Reading, known: Sequence[Pair], model: RewardModel, score: list[float] | None) -> list[dict]:
    """The first pairs: both texts, their rewards, the loss, and what the rule says of them."""
    rewards = model.of(found.averages)
    better, worse = sides(known)
    losses = bradley_terry(rewards[better], rewards[worse]).tolist()
    return [
        {
            "better": found.strings[a],
            "worse": found.strings[b],
            "rewards": [float(rewards[a]), float(rewards[b])],
            "loss": loss,
            "scores": [score[a], score[b]] if score else [],
        }
        for (a, b), loss in zip(known[:SHOWN], losses, strict=False)
    ]


def agreement(
    found: Reading,
    groups: list[list[Pair]],
    known: Sequence[Pair],
    model: RewardModel,
    score: list[float] | None,
    random: torch.Generator,
) -> dict[str, int]:
    """How many held-out pairs, no two with a text in common, each judge tells right.

    Of a rule's: pairs of texts that were not ranked. Of mine: two of each ranking, judged by a model that has
    learned from the other rankings alone.
    """
    coin = torch.rand(len(found.strings), generator=random)
    lengths = torch.tensor([float(len(words(text))) for text in found.strings]) + coin / 2  # equals by the coin
    if score is None:
        held = [[pair for pair in group if pair[0] // 2 == pair[1] // 2] for group in groups]
        count, all = left_out(found.averages, groups, held), [pair for group in held for pair in group]
        all = all if len(groups) > 1 else []
    else:
        rest = range(RANKED * len(groups), len(score) - 1, 2)
        all = [pair for i in rest for pair in pairs_by(score.__getitem__, (i, i + 1))]
        count = right(model.of(found.averages), all)
    longer = 1 if 2 * right(lengths, known) >= len(known) else -1  # by the pairs that it may know
    return {
        "held": len(all),
        "model": count,
        "length": right(longer * lengths, all),
        "coin": right(coin, all),
    }
