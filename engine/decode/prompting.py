"""Tasks asked by example: prompts with demonstrations (Brown et al. 2020), and how probable the answer is."""

import json
import random
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from engine.trace.inputs import encode, encode_target

FOLDER = Path(__file__).parents[2] / "assets" / "prompts"


@dataclass(frozen=True)
class Task:
    """A question and demonstrations of what is asked.

    form            how one is written: {x} is what is asked; the answer comes after it
    demonstrations  pairs of what is asked and its answer
    question        the pair that is asked; wrong: answers that the right one is compared with
    card            the name of the same on models' cards, before the number of examples; empty: not there
    met             the question with its answer stands in what the shipped English models learned from
    search          regular expressions that find demonstrations in books
    """

    name: str
    form: str
    demonstrations: tuple[tuple[str, str], ...]
    question: tuple[str, str]
    wrong: tuple[str, ...]
    search: tuple[str, ...]
    card: str = ""
    met: bool = False

    def prompt(self, shots: int, seed: int = 0, mixed: bool = False) -> str:
        """The question after `shots` demonstrations, drawn and ordered by the seed.

        mixed: the answers are dealt out anew among all demonstrations
        """
        dealer, order = random.Random(f"answers {seed}"), random.Random(seed)
        answers = [answer for _, answer in self.demonstrations]
        if mixed:
            dealer.shuffle(answers)
        pairs = [(asked, answer) for (asked, _), answer in zip(self.demonstrations, answers, strict=True)]
        order.shuffle(pairs)
        shown = [f"{self.form.format(x=asked)} {answer}" for asked, answer in pairs[:shots]]
        return "\n".join([*shown, self.form.format(x=self.question[0])])


@cache
def found() -> dict:
    """What a search for demonstrations of each task found in books; not to be changed."""
    return json.loads((FOLDER / "found.json").read_text("utf-8"))


@cache
def tasks() -> dict[str, Task]:
    """All tasks by name, in order."""
    told = tomllib.loads((FOLDER / "tasks.toml").read_text("utf-8"))["task"]
    return {one["name"]: _task(one) for one in told}


def _task(told: dict) -> Task:
    pairs = tuple((asked, answer) for asked, answer in told.pop("demonstrations"))
    lists = {name: tuple(told.pop(name)) for name in ("question", "wrong", "search")}
    return Task(**told, demonstrations=pairs, **lists)


def log_probability(model, prompt: str, answer: str) -> float | None:
    """The log probability of one answer, as below."""
    return log_probabilities(model, prompt, (answer,))[0]


@torch.inference_mode()
def log_probabilities(model, prompt: str, answers: tuple[str, ...]) -> list[float | None]:
    """The log probability of each answer, in nats: that a model goes on with a space and this text.

    It is the sum over the answer's tokens. Of a model with two stacks the encoder reads the prompt, and the
    decoder begins with the answer. None where both do not fit into what it can read.
    """
    if len(model.reads) == 2:
        return _translated(model, prompt, answers)
    before = encode(model, prompt)
    wholes = [encode(model, f"{prompt} {answer}") for answer in answers]
    firsts = [_first(before, whole) for whole in wholes]
    start = max(0, min(firsts) - 1)  # what all have in common is read once
    if start >= model.config.context:
        return [None for _ in answers]
    cache = model.new_cache(room=max(map(len, wholes)))
    if start:
        _read(model, before[:start], cache)
    found = []
    for whole, first in zip(wholes, firsts, strict=True):
        cache.length = start
        fits = len(whole) <= model.config.context
        found.append(
            _sum(_read(model, whole[start:], cache)[first - start - 1 :], whole[first:]) if fits else None
        )
    return found


def _first(before: list[int], whole: list[int]) -> int:
    """Where a text begins to differ from a shorter one, or has more."""
    same = (a == b for a, b in zip(before, whole, strict=False))
    return next((i for i, equal in enumerate(same) if not equal), len(before))


def _read(model, ids: list[int], cache) -> Tensor:
    """The logits after each of these ids [T, V], which go on what the cache holds."""
    new = torch.tensor([ids], device=model.device)
    return model(new, model.context(new, cache=cache))[0]


def _translated(model, prompt: str, answers: tuple[str, ...]) -> list[float | None]:
    read, (reads, writes) = encode(model, prompt), model.reads
    found = []
    memory = model.encode(torch.tensor([read], device=model.device)) if len(read) <= reads.context else None
    for answer in answers:
        ids = encode_target(model, answer)
        fits = memory is not None and len(ids) <= writes.context
        target = torch.tensor([ids], device=model.device)
        found.append(_sum(model.decode(target, memory)[0], ids[1:]) if fits else None)
    return found


def _sum(logits: Tensor, ids: list[int]) -> float:
    """The log probability of these ids, the first by the first row of logits [T, V]."""
    told = logits[: len(ids)].cpu().double().log_softmax(-1)
    return told.gather(-1, torch.tensor(ids)[:, None]).sum().item()
