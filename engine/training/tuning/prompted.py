"""The other way to use labelled examples: put them into the prompt (Brown et al. 2020)."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.model.transformer import Transformer
from engine.training.tuning.data import Example, Labelled
from engine.training.tuning.head import FORM

ANSWERS = ("Negative", "Positive")  # as the prompts of the shipped models' training had them


@dataclass(frozen=True, eq=False)
class Prompted:
    """What a prompt with examples gave.

    right [N], which held-out examples were answered rightly; margins [N], how much more probable "Positive" is,
    in nats; tokens of the prompt's examples; seconds of all N answers; cache: bytes of the keys and values kept
    while one is answered; memory: those and the weights
    """

    right: np.ndarray
    margins: np.ndarray
    tokens: int
    seconds: float
    cache: int
    memory: int


def prompt_of(learned: Sequence[Example]) -> str:
    """Labelled examples, a line or two each, as a prompt begins."""
    return "".join(f"{FORM.format(x=one.text)} {ANSWERS[one.label]}\n" for one in learned)


def room_for(model: Transformer, of: Labelled, learned: Sequence[Example]) -> int:
    """How many of the examples fit before the longest question."""
    longest = max(len(model.tokenizer.encode(f"{FORM.format(x=one.text)} {ANSWERS[0]}")) for one in of.held) + 1
    for count in range(len(learned), -1, -1):
        if len(model.tokenizer.encode(prompt_of(learned[:count]))) + longest <= model.config.context:
            return count
    return 0


@torch.inference_mode()
def prompted(model: Transformer, of: Labelled, learned: Sequence[Example]) -> Prompted:
    """Ask for the sentiment of every held-out example after the examples: the more probable answer counts.

    The examples are read once; their keys and values are kept for all questions. A ValueError where they do not
    fit into what the model reads.
    """
    if room_for(model, of, learned) < len(learned):
        raise ValueError(
            f"{len(learned)} examples do not fit into the {model.config.context} tokens that it reads"
        )
    begun = time.perf_counter()
    margins, tokens, cache = _margins(model, prompt_of(learned), of.held)
    right = (margins > 0) == (of.truth() == 1)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    return Prompted(right, margins, tokens, time.perf_counter() - begun, cache, weights + cache)


def _margins(model: Transformer, prompt: str, held: Sequence[Example]) -> tuple[np.ndarray, int, int]:
    wholes = [
        [model.tokenizer.encode(f"{prompt}{FORM.format(x=one.text)} {answer}") for answer in ANSWERS]
        for one in held
    ]
    shared = _common([row for pair in wholes for row in pair])
    cache = model.new_cache(room=model.config.context)
    if shared:
        ids = torch.tensor([wholes[0][0][:shared]], device=model.device)
        model(ids, model.context(ids, cache=cache, last=True))
    found, bytes = [], 0
    for pair in wholes:
        log = []
        first = _common(pair)  # where the answers begin to differ
        for row in pair:
            cache.length = shared
            ids = torch.tensor([row[shared:]], device=model.device)
            scores = model(ids, model.context(ids, cache=cache))[0]
            bytes = max(bytes, cache.bytes)
            log.append(_sum(scores[first - shared - 1 :], row[first:]))
        found.append(log[1] - log[0])
    return np.array(found), shared, bytes


def _common(rows: Sequence[list[int]]) -> int:
    """How many ids all begin with; one at least is left to be read."""
    least = min(map(len, rows))
    return next((i for i in range(least) if len({row[i] for row in rows}) > 1), least - 1)


def _sum(scores: Tensor, ids: list[int]) -> float:
    """The log probability of these ids, the first by the first row of scores [T, V]."""
    told = scores[: len(ids)].cpu().double().log_softmax(-1)
    return told.gather(-1, torch.tensor(ids)[:, None]).sum().item()
