"""Which heads does an answer depend on? To look somewhere is not yet to be needed.

Heads are set to zero: first the one whose loss costs most, then the one whose loss costs most besides, and so
on. They are found on some questions, or strings, and measured on others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.transformer import Transformer
from engine.trace import run
from engine.trace.tap import Edit
from engine.training.data.grammar import Question
from engine.training.evaluate.language import STRING, random_strings
from engine.training.evaluate.report import Score, mean

Heads = tuple[tuple[int, int], ...]  # block and head of each
MOST = 3  # heads that are named together
FALL, TIMES = 0.30, 2.0  # how far the answer's probability must fall; how many times a loss must grow
SEARCHED, ASKED = 24, 60  # questions, or strings, that heads are found on; that are asked without them


@dataclass(frozen=True)
class Cause:
    """Heads, what is measured with and without them, and whether that is as much as is asked for."""

    heads: Heads
    before: Score
    after: Score
    enough: bool

    def told(self) -> dict:
        """For scores.json and the page."""
        names = dict(heads=self.heads, before=self.before.value, after=self.after.value)
        return names | dict(intervals=[self.before.interval, self.after.interval], enough=self.enough)


def table(causes: dict[str, Cause]) -> str:
    """What is left without the heads, in Markdown."""
    lines = ["| of | n | without the heads | before | after | enough |", "|:--|--:|:--|--:|--:|:--|"]
    for name, cause in causes.items():
        heads = ", ".join(f"block {layer}, head {head}" for layer, head in cause.heads)
        cells = (name, cause.before.count, heads, _cell(cause.before), _cell(cause.after))
        lines.append(f"| {' | '.join(map(str, cells))} | {'yes' if cause.enough else 'no'} |")
    return "\n".join(lines)


def _cell(score: Score) -> str:
    return f"{score.value:.3f} ({score.interval[0]:.3f}–{score.interval[1]:.3f})"


def without(heads: Heads) -> tuple[Edit, ...]:
    """The edits that set these heads to zero."""
    return tuple(Edit(f"blocks.{layer}.attn.z", "zero", at={"H": head}) for layer, head in heads)


def of_answers(model: Transformer, asked: Sequence[Question]) -> Cause:
    """The heads without which the probability of the right answers falls most: by FALL, that is enough."""
    return depends(model, asked, probabilities, lambda before, after: before - after, FALL)


def of_copies(model: Transformer, count: int = SEARCHED + ASKED) -> Cause:
    """The heads without which random strings, read a second time, cost most: TIMES as much is enough."""
    prefix = model.tokenizer.prefix
    strings = random_strings(model.config.vocabulary - len(prefix), count, STRING)
    before = torch.tensor(prefix, dtype=torch.long).expand(count, -1)
    return depends(model, torch.cat([before, strings], -1), copied, lambda before, after: after / before, TIMES)


def depends(model: Transformer, items: Sequence, measured: Callable, cost: Callable, enough: float) -> Cause:
    """The heads without which `measured` (model, items, heads -> a number for each item) falls, or grows, most:
    `cost` of both means; by `enough`, that is enough."""
    first = min(SEARCHED, len(items) // 2)
    some, others = items[:first], items[first : first + ASKED]
    whole = measured(model, some, ()).mean()
    heads = found(model.config, lambda gone: float(cost(whole, measured(model, some, gone).mean())), enough)
    before, after = (mean(measured(model, others, gone).tolist()) for gone in ((), heads))
    return Cause(heads, before, after, cost(before.value, after.value) >= enough)


def found(config, cost: Callable[[Heads], float], enough: float, most: int = MOST) -> Heads:
    """Heads whose loss together costs `enough`, found one by one; `most` where it never does."""
    every = [(layer, head) for layer in range(config.layers) for head in range(config.heads)]
    gone: Heads = ()
    while len(gone) < min(most, len(every)):
        costs = {head: cost((*gone, head)) for head in every if head not in gone}
        gone = (*gone, max(costs, key=costs.__getitem__))
        if costs[gone[-1]] >= enough:
            break
    return gone


def probabilities(model: Transformer, asked: Sequence[Question], heads: Heads) -> Tensor:
    """The probability of the right answer's first token after each prompt [N]."""
    tokenizer = model.tokenizer
    trace = run(model, [question.prompt for question in asked], without(heads))
    last = torch.tensor([len(tokenizer.encode(question.prompt)) - 1 for question in asked])
    answers = torch.tensor([tokenizer.encode_file(question.answer)[0] for question in asked])
    shares = trace["logits"][torch.arange(len(asked)), last].softmax(-1)
    return shares[torch.arange(len(asked)), answers]


def copied(model: Transformer, strings: Tensor, heads: Heads) -> Tensor:
    """Nats a token of strings that are read a second time [N]."""
    logits = run(model, strings, without(heads))["logits"][:, -STRING - 1 : -1]
    return F.cross_entropy(logits.transpose(1, 2), strings[:, -STRING:], reduction="none").mean(-1)
