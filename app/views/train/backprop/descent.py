"""Gradient descent by clicks: the steps taken, the numbers that they led to, the losses on the way."""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from app.text import say
from engine.autodiff import Network, descend, there_and_back
from engine.examples.value import Misfit, read_number

MOST_STEPS = 500
LARGEST_RATE = 100.0
TAKEN = re.compile(r"([0-9.e+-]{1,24})x([0-9]{1,3})")


@dataclass(frozen=True)
class Descended:
    """values  after the steps; losses: before the first and after each; trouble: why it went no further"""

    values: dict[str, np.ndarray]
    losses: list[float]
    trouble: str = ""


def read_rate(text: str) -> float:
    """A learning rate as it is typed; a Misfit with a sentence where it is none."""
    rate = read_number(text)
    if not 0 < rate <= LARGEST_RATE:
        raise Misfit(say("backprop", "rate/range", rate=text.strip()[:30], most=f"{LARGEST_RATE:g}"))
    return rate


def read_taken(text: str) -> tuple[list[tuple[float, int]], list[str]]:
    """Steps as (rate, how many), and a sentence for what of a link is none."""
    found, ignored, left = [], [], MOST_STEPS
    for part in filter(None, text.split(";")):
        match = TAKEN.fullmatch(part)
        try:
            rate, count = read_rate(match[1]) if match else 0.0, min(int(match[2]), left) if match else 0
        except Misfit as misfit:
            ignored.append(str(misfit))
            continue
        if not match:
            ignored.append(say("backprop", "taken/wrong", part=part[:40]))
        elif count:
            found.append((rate, count))
            left -= count
    return found, ignored


def write_taken(steps: list[tuple[float, int]]) -> str:
    """Steps of one rate in a row are one entry."""
    joined: list[tuple[float, int]] = []
    for rate, count in steps:
        if joined and joined[-1][0] == rate:
            joined[-1] = (rate, joined[-1][1] + count)
        else:
            joined.append((rate, count))
    return ";".join(f"{rate:.12g}x{count}" for rate, count in joined)


def descended(network: Network, values: dict[str, np.ndarray], steps: list[tuple[float, int]]) -> Descended:
    """Where the steps lead, as far as all numbers are finite."""
    losses = [there_and_back(network, values).loss]
    for rate in (rate for rate, count in steps for _ in range(count)):
        try:
            new = descend(network, values, rate)
            losses.append(there_and_back(network, new).loss)
        except ValueError as error:
            return Descended(values, losses, say("backprop", "descent/infinite", n=len(losses), why=str(error)))
        values = new
    return Descended(values, losses)


def rose(losses: list[float]) -> bool:
    """Did a step make the loss larger?"""
    return any(b > a * (1 + 1e-12) + 1e-15 for a, b in pairwise(losses))
