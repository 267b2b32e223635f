"""The first step: learn from demonstrations, what people wrote as answers to requests, by cross-entropy."""

import math
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from engine.decode import Decoding, generate
from engine.load import load
from engine.training.rewards.policy import copy_of, trained
from engine.training.rewards.rule import FOLDER
from engine.training.rewards.settings import LONGEST_PROMPT, MODEL, check_finite, check_number

HELD_OUT = 8  # demonstrations, the last ones
BATCH = 11
ASKED = "Question: {}\nAnswer:"
LONGEST_ANSWER = 30
IGNORED = -100  # a target that the loss does not count


@cache
def demonstrations() -> tuple[tuple[str, str], ...]:
    """Requests and their answers, written for this."""
    lines = (FOLDER / "demonstrations.tsv").read_text("utf-8").splitlines()
    return tuple(tuple(line.split("\t")) for line in lines)


def batch_of(tokenizer, pairs) -> tuple[Tensor, Tensor]:
    """Requests and answers as ids [B, T], and as targets [B, T] in which only the answers count.

    The end of the text belongs to the answer: the model learns to stop."""
    end = tokenizer.ends[0]
    rows = []
    for request, answer in pairs:
        asked, told = tokenizer.encode(ASKED.format(request)), [*tokenizer.encode(f" {answer}"), end]
        rows.append((asked + told, [IGNORED] * len(asked) + told))
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([ids + [end] * (longest - len(ids)) for ids, _ in rows])
    targets = torch.tensor([of + [IGNORED] * (longest - len(of)) for _, of in rows])
    return ids, targets


def answer_loss(model, ids: Tensor, targets: Tensor) -> Tensor:
    """The average cross-entropy of the answers' tokens, in nats."""
    ids, targets = ids.to(model.device), targets.to(model.device)
    logits = model(ids[:, :-1])
    return cross_entropy(logits.flatten(0, 1), targets[:, 1:].flatten(), ignore_index=IGNORED)


def supervised(given: dict, folder: Path) -> Iterator[dict]:
    """Tune a copy of the shipped model on the demonstrations. given: rate, passes (through all of them), seed,
    and request, which both models answer in the end. Events have step, of, loss and held, the loss in bits a
    token of those held out; the last also has `answers`."""
    rate, passes, seed = given.get("rate", 0.001), given.get("passes", 5), given.get("seed", 0)
    check_number("rate", rate, 1e-6, 1.0)
    check_number("passes", passes, 1, 40, whole=True)
    check_number("seed", seed, 0, 2**31 - 1, whole=True)
    began, base = time.monotonic(), load(MODEL)
    request = check_request(base, given.get("request", "Tell me about the bird."))
    policy, all = copy_of(base), demonstrations()
    learned, held = all[:-HELD_OUT], batch_of(base.tokenizer, all[-HELD_OUT:])
    optimizer, random = torch.optim.Adam(trained(policy), lr=rate), torch.Generator().manual_seed(seed)
    steps, step = passes * math.ceil(len(learned) / BATCH), 0
    yield _told(policy, held, began, step, steps)
    for _ in range(passes):
        order = torch.randperm(len(learned), generator=random).tolist()
        for i in range(0, len(order), BATCH):
            step += 1
            loss = answer_loss(policy, *batch_of(base.tokenizer, [learned[k] for k in order[i : i + BATCH]]))
            check_finite(loss.item(), "the loss", step, rate)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield _told(policy, held, began, step, steps) | {"loss": loss.item() / math.log(2)}
    asked = [request, *(request for request, _ in all[-HELD_OUT:][::3])]
    yield _told(policy, held, began, step, steps) | {"answers": [_both(base, policy, one) for one in asked]}


def check_request(base, request: str) -> str:
    """A request that a model can read; a ValueError that says why not."""
    if not isinstance(request, str) or not request.strip():
        raise ValueError("the request is empty: type one, such as “Tell me about the bird.”")
    count = len(base.tokenizer.encode(request))
    if count > LONGEST_PROMPT:
        raise ValueError(f"the request has {count} tokens; at most {LONGEST_PROMPT} are read here: shorten it")
    return request


@torch.no_grad()
def _told(policy, held: tuple[Tensor, Tensor], began: float, step: int, steps: int) -> dict:
    bits = answer_loss(policy, *held).item() / math.log(2)
    return {
        "method": "supervised",
        "step": step,
        "of": steps,
        "held": bits,
        "seconds": time.monotonic() - began,
    }


def answer(model, request: str) -> tuple[str, bool]:
    """What a model writes after a request, always the most probable token, and whether it ended by itself."""
    decoding = Decoding(max_tokens=LONGEST_ANSWER)
    steps = list(generate(model, ASKED.format(request), decoding))
    return "".join(step.text for step in steps), len(steps) < LONGEST_ANSWER


def _both(base, policy, request: str) -> dict[str, object]:
    return {"request": request, "base": list(answer(base, request)), "tuned": list(answer(policy, request))}
