"""What can be set in this part, and what of it cannot be used, in a sentence."""

from dataclasses import dataclass
from functools import cache

import torch

from app import catalogue, compute
from app.settings import number_in, settings
from app.state import one_of, ranged
from app.text import say
from engine.model.build import model_of
from engine.training.tuning import lora
from engine.training.tuning.data import SENTIMENTS
from engine.training.tuning.jobs.common import MOST_DRAWS
from engine.training.tuning.jobs.curves import COUNTS
from engine.training.tuning.runs import LARGEST_RATE, MOST_STEPS, WAYS

PARTS = ("ways", "options", "lora", "digits", "images", "entailment", "three")
DECODERS = ("storybook", "bookworm", "fabulist")
ENCODER = "wordfinder"


@settings("tune")
@dataclass(frozen=True)
class Tune:
    """Numbers whose limits depend on others are texts, so that what was typed is kept and answered."""

    part: str = one_of("ways", *PARTS)
    model: str = one_of(DECODERS[0], *DECODERS)
    way: str = one_of("all", "all", "lora", "head")  # of option A
    draws: int = ranged(1, 1, MOST_DRAWS)
    image_draws: int = ranged(3, 1, MOST_DRAWS)  # of images, which cost little
    steps: int = ranged(60, 1, MOST_STEPS)
    rate: str = "0.001"
    lora_rate: str = "0.005"
    rank: str = "4"
    targets: str = one_of("queries and values", *lora.TARGETS)
    count: int = ranged(COUNTS[-1], 2, COUNTS[-1])
    seed: int = ranged(0, 0, 9999)
    matrix: int = ranged(0, 0, 999)
    own: str = ""
    each: int = ranged(2, 1, 20)
    labels: int = ranged(9, 3, 120)


def decoders() -> list[str]:
    """Those that are here."""
    return [name for name in DECODERS if name in catalogue.shipped()]


def rate_of(typed: str) -> float:
    """A typed learning rate; a ValueError that says what it can be."""
    rate = number_in(typed)
    if rate is None or not 0 < rate <= LARGEST_RATE:
        raise ValueError(say("tune", "wrong/rate", typed=typed[:40], most=LARGEST_RATE))
    return rate


def rank_of(typed: str) -> int:
    """A typed rank; a ValueError where it is no whole number."""
    rank = number_in(typed)
    if rank is None or not rank.is_integer():
        raise ValueError(say("tune", "wrong/rank", typed=typed[:40]))
    return int(rank)


@cache
def planned(name: str, rank: int, targets: str) -> tuple[list[str], int]:
    """Which matrices LoRA would change and how many numbers that trains; a ValueError for no such rank."""
    with torch.device("meta"):  # shapes alone
        model = model_of(compute.model(name).config)
        names = lora.inject(model, rank, targets)
    return names, sum(p.numel() for p in model.parameters() if p.requires_grad)


def numbers_of(now: Tune) -> dict[str, int]:
    """How many numbers each way trains, as far as what was typed can be used."""
    config = compute.model(now.model).config
    head = len(SENTIMENTS) * (config.width + 1)
    whole = sum(p.numel() for p in compute.model(now.model).parameters()) + head
    found = {"head": head, "all": whole, "random": whole}
    try:
        _, added = planned(now.model, rank_of(now.rank), now.targets)
    except ValueError:
        return found
    return found | {"lora": head + added}


def all_of(now: Tune, **more) -> dict:
    """The settings of a job; a ValueError where one cannot be used."""
    found = {"model": now.model, "draws": now.draws, "steps": now.steps, "seed": now.seed, "count": now.count}
    found |= {"rate": rate_of(now.rate), "lora_rate": rate_of(now.lora_rate), "rank": rank_of(now.rank)}
    planned(now.model, found["rank"], now.targets)
    return found | {"targets": now.targets, "ways": list(WAYS)} | more
