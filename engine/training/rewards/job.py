"""The second and the third step as jobs. In the third, best of n, PPO with and without its leash, and DPO have
the same prompt, preferences and budget."""

from collections.abc import Iterator
from pathlib import Path

from engine.training.rewards.methods import best_of, dpo, ppo
from engine.training.rewards.run import Event, Run
from engine.training.rewards.settings import Settings


def align(given: dict, folder: Path) -> Iterator[Event]:
    """A run with these settings (Settings). Each event has its `method` (draw, judge, base, best, ppo, cut,
    dpo); those with `result` are what a method came to."""
    run = Run(Settings.of(given))
    beta = run.settings.beta
    yield from run.draw()
    yield from run.learn_to_judge()
    yield run.result("base", run.base, 0, 0)
    yield from best_of(run)
    if beta:
        yield from ppo(run, "ppo", beta)
    yield from ppo(run, "cut", 0.0)
    if beta:  # without it every pair's loss is log 2, whatever the policy
        yield from dpo(run)


def judge(given: dict, folder: Path) -> Iterator[Event]:
    """The second step alone: a reward model from a rule's rankings."""
    run = Run(Settings.of(given))
    yield from run.draw()
    yield from run.learn_to_judge()
