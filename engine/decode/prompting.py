"""Tasks asked by example: prompts with demonstrations (Brown et al. 2020), and how probable the answer is."""

import random
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from engine.trace.inputs import encode
from engine.trace.trace import run

FOLDER = Path(__file__).parents[2] / "assets" / "prompts"


@dataclass(frozen=True)
class Task:
    """A question and demonstrations of what is asked.

    form            how one is written: {x} is what is asked; the answer comes after it
    demonstrations  pairs of what is asked and its answer
    question        the pair that is asked; wrong: answers that the right one is compared with
    card            the name of the same on models' cards, before the number of examples; empty: not there
    search          regular expressions that find demonstrations in books
    """

    name: str
    form: str
    demonstrations: tuple[tuple[str, str], ...]
    question: tuple[str, str]
    wrong: tuple[str, ...]
    search: tuple[str, ...]
    card: str = ""

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
def tasks() -> dict[str, Task]:
    """All tasks by name, in order."""
    told = tomllib.loads((FOLDER / "tasks.toml").read_text("utf-8"))["task"]
    return {one["name"]: _task(one) for one in told}


def _task(told: dict) -> Task:
    pairs = tuple((asked, answer) for asked, answer in told.pop("demonstrations"))
    lists = {name: tuple(told.pop(name)) for name in ("question", "wrong", "search")}
    return Task(**told, demonstrations=pairs, **lists)


@torch.inference_mode()
def log_probability(model, prompt: str, answer: str) -> float | None:
    """The log probability, in nats, that a model goes on with a space and this answer: the sum over its tokens.

    Of a model with two stacks the encoder reads the prompt, and the decoder begins with the answer. None where
    both do not fit into what it can read.
    """
    if len(model.reads) == 2:
        ids = [id for id in encode(model, answer) if id != model.end]
        read, target = encode(model, prompt), [model.start, *ids]
        if len(read) > model.reads[0].context or len(target) > model.reads[1].context:
            return None
        logits = run(model, prompt, target=target)["decoder.logits"][0, :-1]
    else:
        before, whole = encode(model, prompt), encode(model, f"{prompt} {answer}")
        if len(whole) > model.config.context:
            return None
        first = next(
            (i for i, pair in enumerate(zip(before, whole, strict=False)) if len({*pair}) > 1), len(before)
        )
        ids, logits = whole[first:], run(model, whole)["logits"][0, first - 1 : -1]
    told = logits.cpu().double().log_softmax(-1)
    return told.gather(-1, torch.tensor(ids)[:, None]).sum().item()
