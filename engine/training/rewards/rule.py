"""Rewards by rule: a number for a text, so that nobody has to judge hundreds of them."""

import re
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "assets" / "rewards"
WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?")
END = re.compile(r"[.!?]+")


@cache
def listed(name: str) -> frozenset[str]:
    """The words of a list in assets/rewards/rules.toml."""
    return frozenset(tomllib.loads((FOLDER / "rules.toml").read_text("utf-8"))[name].split())


def words(text: str) -> list[str]:
    """The words of a text in small letters."""
    return WORD.findall(text.lower())


def animals(text: str) -> float:
    """How many words name an animal."""
    return float(sum(word in listed("animal") for word in words(text)))


def happy(text: str) -> float:
    """How many happy words there are."""
    return float(sum(word in listed("happy") for word in words(text)))


def short(text: str) -> float:
    """Minus the words of the average sentence: the shorter sentences are, the higher."""
    sentences = [count for part in END.split(text) if (count := len(words(part)))]
    return -sum(sentences) / len(sentences) if sentences else 0.0


def speech(text: str) -> float:
    """How many quotation marks there are: somebody speaks."""
    return float(sum(text.count(mark) for mark in '"“”'))


RULES: dict[str, Callable[[str], float]] = {
    "animals": animals,
    "happy": happy,
    "short": short,
    "speech": speech,
}


def distinct(texts: list[str]) -> float:
    """The share of different words among all words of some texts, each text by itself, on average; 1 where a
    text repeats none."""
    shares = [len(set(found)) / len(found) for text in texts if (found := words(text))]
    return sum(shares) / len(shares) if shares else 1.0
