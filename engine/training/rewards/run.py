"""What every method of a run begins with: the base model, texts drawn from it, pairs, and who judges."""

import time
from collections.abc import Iterator

import torch

from engine.device import CPU
from engine.load import load
from engine.training.rewards.judging import groups_of, learn, ranked_texts
from engine.training.rewards.measure import (
    Judge,
    Reading,
    by_model,
    by_rule,
    intervals,
    read,
    together,
)
from engine.training.rewards.policy import kl, log_probabilities, sample
from engine.training.rewards.preference import RANKED, Pair
from engine.training.rewards.rule import RULES, distinct
from engine.training.rewards.settings import MODEL, Settings, rankings_of

Event = dict[str, object]
JUDGED = 64  # texts by which a policy is measured
SHOWN = 4  # of them are shown


class Run:
    """One run of `settings`."""

    def __init__(self, settings: Settings):
        self.settings, self.began = settings, time.monotonic()
        self.base = load(MODEL)
        self.prompt = settings.ids(self.base)
        self.pool: Reading  # of as many texts as PPO will draw, after those that I ranked
        self.pairs: list[Pair] = []  # that the reward model and DPO learn from
        self.judge: Judge
        self.gold: Judge | None = None  # the rule, where a reward model stands in for it

    @property
    def mine(self) -> bool:
        """Are the preferences mine, not a rule's?"""
        return self.settings.source == "mine"

    def random(self, salt: int) -> torch.Generator:
        """Random numbers of one purpose."""
        return torch.Generator().manual_seed(self.settings.seed * 1009 + 7919 * salt)

    def event(self, method: str, **what) -> Event:
        """What is told of a method now, with the seconds so far."""
        return {"method": method, "seconds": round(time.monotonic() - self.began, 2)} | what

    def draw(self) -> Iterator[Event]:
        """The pool of texts."""
        s, random, parts = self.settings, self.random(1), []
        ranker = self.base if self.base.device == CPU else load(MODEL, device="cpu")  # the texts that I saw
        for number in range(len(rankings_of(s.ranked)) if self.mine else 0):
            texts = ranked_texts(ranker, self.prompt, s.length, s.seed, number)
            parts.append(read(self.base, texts).without_vocabulary())
        for step in range(s.steps):
            texts = sample(self.base, self.prompt, s.texts, s.length, random)
            parts.append(read(self.base, texts).without_vocabulary())
            yield self.event("draw", step=step + 1, of=s.steps, sample=parts[-1].strings[0])
        self.pool = together(parts)

    def learn_to_judge(self) -> Iterator[Event]:
        """The pairs, the reward model, and how often it is right about pairs that it has not seen."""
        s, pool = self.settings, self.pool
        rule = None if self.mine else RULES[s.rule]
        count = min(s.rankings, len(pool.strings) // RANKED // 2)
        learned = learn(pool, groups_of(s.ranked) if self.mine else count, rule, self.random(2))
        self.pairs = learned.pairs
        score = by_rule(rule) if s.source == "rule" else by_model(learned.model)
        self.judge = Judge(score).scaled(pool.strings, pool.averages)
        if s.source == "model":
            self.gold = Judge(by_rule(rule)).scaled(pool.strings, pool.averages)
        yield self.event("judge", **learned.told)

    # --- measuring ----------------------------------------------------------------------------------

    def values(self, found: Reading, policy=None) -> dict[str, torch.Tensor]:
        """Of each text [B]: reward, what the rule says, KL."""
        values = {"reward": self.judge(found.strings, found.averages)}
        if self.gold:
            values["gold"] = self.gold(found.strings, found.averages)
        if policy is not None:
            with torch.no_grad():
                all = log_probabilities(policy, found.texts)
            values["kl"] = kl(all, found.log_probabilities, found.texts.mask)
        return values

    def result(self, method: str, policy, drawn: int, updates: int, seed: int = 3) -> Event:
        """A policy measured by texts of its own, with intervals."""
        s = self.settings
        texts = sample(policy, self.prompt, JUDGED, s.length, self.random(seed))
        found = read(self.base, texts)
        values = self.values(found, policy)
        told = {
            name: [float(x.mean()), *ends]
            for (name, x), ends in zip(values.items(), intervals(values), strict=True)
        }
        more = {"bits": found.bits, "distinct": distinct(found.strings), "samples": found.strings[:SHOWN]}
        return self.event(method, result=True, drawn=drawn, updates=updates, **told, **more)
