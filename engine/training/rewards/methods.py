"""The methods of a run, each as the events of its course and its result."""

from collections.abc import Iterator

import torch
from torch import Tensor

from engine.training.rewards import dpo as direct
from engine.training.rewards import rejection
from engine.training.rewards.measure import Reading, read
from engine.training.rewards.policy import copy_of, kl, log_probabilities, of_tokens, sample, trained
from engine.training.rewards.ppo import advantages, clipped, leashed, ppo_loss, ratio
from engine.training.rewards.preference import sides
from engine.training.rewards.rule import distinct
from engine.training.rewards.run import SHOWN, Event, Run
from engine.training.rewards.settings import INNER, check_finite

BEST_OF = (1, 2, 4, 8, 16, 32, 64)
LONGEST_STEP = 1.0  # a gradient longer than this is shortened
LOOKS = 3  # times that DPO's policy is measured, the last at its end
SLOWER = 4  # DPO's learning rate is this part of PPO's: its few pairs come again and again


def best_of(run: Run) -> Iterator[Event]:
    """Rejection sampling from the pool: no weight changes."""
    count = run.settings.texts * run.settings.steps  # those that I ranked come before, and are no draws
    strings, means = run.pool.strings[-count:], run.pool.averages[-count:]
    rewards = run.judge(strings, means)
    values = {"reward": rewards} | ({"gold": run.gold(strings, means)} if run.gold else {})
    ns = [n for n in BEST_OF if n == 1 or n <= count // 4]
    curves = {name: [rejection.best_of(n, rewards, x) for n in ns] for name, x in values.items()}
    kept = [max(range(i, i + ns[-1]), key=rewards.__getitem__) for i in range(0, count - ns[-1] + 1, ns[-1])]
    samples = [strings[i] for i in kept]
    told = {"samples": samples[:SHOWN], "distinct": distinct(samples), "bits": run.pool[-count:][kept].bits}
    yield run.event("best", ns=ns, kl=[rejection.kl_of(n) for n in ns], **told, **curves)


def ppo(run: Run, method: str, beta: float) -> Iterator[Event]:
    """A policy gradient: draw texts, reward them, make the better ones more probable; again and again."""
    s, random = run.settings, run.random(4)
    policy = copy_of(run.base)
    optimizer = torch.optim.Adam(trained(policy), lr=s.rate)
    for step in range(1, s.steps + 1):
        texts = sample(policy, run.prompt, s.texts, s.length, random)
        found = read(run.base, texts)
        rewards = run.judge(found.strings, found.averages)
        yield run.event(
            method, step=step, of=s.steps, **_improve(run, policy, optimizer, found, rewards, beta, step)
        )
    yield run.result(method, policy, s.texts * s.steps, INNER * s.steps)


def _improve(run: Run, policy, optimizer, found: Reading, rewards: Tensor, beta: float, step: int) -> Event:
    """Some gradient steps on one batch, and what is told of it."""
    s, mask = run.settings, found.texts.mask
    for inner in range(INNER):
        all = log_probabilities(policy, found.texts)
        new = of_tokens(all, found.texts)
        if not inner:
            old, distance = new.detach(), kl(all.detach(), found.log_probabilities, mask)
            advantage = advantages(leashed(rewards, (old - found.tokens).sum(1), beta))
        loss = ppo_loss(new, old, advantage, mask, s.epsilon)
        _descend(policy, optimizer, loss, step, s.rate)
    gained = ratio(new.detach(), old)
    cut = ((gained - 1).abs() > s.epsilon) & mask
    told = {"reward": float(rewards.mean()), "kl": float(distance.mean()), "loss": loss.item()}
    told |= {"gold": float(run.gold(found.strings, found.averages).mean())} if run.gold else {}
    told |= {"bits": found.bits, "distinct": distinct(found.strings), "clipped": float(cut.sum() / mask.sum())}
    best = int(rewards.argmax())
    return told | {
        "sample": found.strings[0],
        "tokens": _tokens(run, found, old, new.detach(), rewards, advantage, best),
    }


def _tokens(
    run: Run, found: Reading, old: Tensor, new: Tensor, rewards: Tensor, advantage: Tensor, row: int
) -> Event:
    """One text of a batch, token by token, with the numbers that PPO's step is made of."""
    there = found.texts.mask[row]
    ids = found.texts.written[row][there].tolist()
    gain = clipped(ratio(new[row], old[row]), advantage[row], run.settings.epsilon)
    rows = {"old": old[row], "new": new[row], "reference": found.tokens[row], "gain": gain}
    told = {name: x[there].tolist() for name, x in rows.items()}
    told |= {"labels": [run.base.tokenizer.decode([id]) for id in ids], "text": found.strings[row]}
    return told | {"reward": float(rewards[row]), "advantage": float(advantage[row])}


def dpo(run: Run) -> Iterator[Event]:
    """From the pairs alone: no reward model, no sampling. Where its policy is measured on the way, texts are
    drawn for that, and it does not learn from them."""
    s, random = run.settings, run.random(5)
    policy = copy_of(run.base)
    optimizer = torch.optim.Adam(trained(policy), lr=s.rate / SLOWER)
    reference, updates = run.pool.tokens.sum(1), INNER * s.steps
    used = len({i for pair in run.pairs for i in pair})
    looks = {updates * i // LOOKS for i in range(1, LOOKS)}
    for step in range(1, updates + 1):
        chosen = torch.randint(len(run.pairs), (max(1, s.texts // 2),), generator=random).tolist()
        better, worse = sides([run.pairs[i] for i in chosen])
        rows = torch.cat([better, worse])
        texts = run.pool.texts[rows]
        of = of_tokens(log_probabilities(policy, texts), texts).sum(1)
        given = [*of.chunk(2), reference[better], reference[worse]]
        loss = direct.dpo_loss(*given, s.beta)
        pair = {"better": run.pool.strings[int(better[0])], "worse": run.pool.strings[int(worse[0])]}
        pair |= {"log_probabilities": [x[0].item() for x in given], "loss": loss[0].item()}
        told = {
            "loss": loss.mean().item(),
            "right": (direct.margin(*given) > 0).float().mean().item(),
            "pair": pair,
        }
        _descend(policy, optimizer, loss.mean(), step, s.rate)
        yield run.event("dpo", step=step, of=updates, **told)
        if step in looks:
            yield run.result("dpo", policy, used, step) | {"result": False, "look": True}
    yield run.result("dpo", policy, used, updates)


def _descend(policy, optimizer, loss: Tensor, step: int, rate: float) -> None:
    check_finite(loss.item(), "the loss", step, rate)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained(policy), LONGEST_STEP)
    optimizer.step()
