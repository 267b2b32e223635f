"""What a visitor can set of the three steps, checked."""

import math
from dataclasses import dataclass, fields

from engine.training.rewards.preference import RANKED
from engine.training.rewards.rule import RULES

MODEL = "storybook"
SOURCES = ("model", "rule", "mine")
LONGEST_PROMPT = 60  # tokens
MOST_RANKED = 24  # rankings of mine: learning from them stays below 0.3 s
INNER = 2  # gradient steps on each batch
RANGES = {
    "beta": (0.0, 10.0),
    "epsilon": (0.01, 1.0),
    "rate": (1e-6, 1.0),
    "length": (4, 40),
    "texts": (4, 64),
    "steps": (1, 200),
    "rankings": (1, 100),
    "seed": (0, 2**31 - 1),
}


CALLED = {
    "beta": "the leash β",
    "epsilon": "the clip ε",
    "rate": "the learning rate",
    "length": "the length of a text",
    "texts": "the number of texts in a batch",
    "steps": "the number of batches",
    "rankings": "the number of rankings",
    "passes": "the number of passes",
    "seed": "the seed",
}


class Diverged(ValueError):
    """Learning went wrong: what came is no finite number."""


@dataclass(frozen=True)
class Settings:
    """Of one run.

    prompt    what every text goes on from
    rule      a name in RULES
    source    what rewards: a reward model that learned from the rule's rankings, the rule itself, or a reward
              model that learned from mine
    ranked    my rankings, best first: "2013.0132"
    rankings  of four texts each, by the rule
    beta      the price of a nat of KL, in the base model's standard deviations of reward; 0: the leash is cut
    epsilon   how far PPO's ratio may go from 1
    rate      Adam's learning rate
    length    tokens of a text at most
    texts     in a batch; steps: batches
    """

    prompt: str = "Once upon a time"
    rule: str = "happy"
    source: str = "model"
    ranked: str = ""
    rankings: int = 16
    beta: float = 0.1
    epsilon: float = 0.2
    rate: float = 0.0002
    length: int = 16
    texts: int = 24
    steps: int = 18
    seed: int = 0

    def __post_init__(self):
        if not isinstance(self.prompt, str) or not self.prompt.strip():
            raise ValueError("the prompt is empty: type the beginning of a text, such as “Once upon a time”")
        if self.rule not in RULES:
            raise ValueError(f"rule is {self.rule!r}; choose one of {', '.join(RULES)}")
        if self.source not in SOURCES:
            raise ValueError(f"source is {self.source!r}; choose one of {', '.join(SOURCES)}")
        for name, (low, high) in RANGES.items():
            check_number(name, getattr(self, name), low, high, whole=isinstance(low, int))
        if self.source == "mine" and not rankings_of(self.ranked):
            raise ValueError("nothing is ranked yet: rank four texts first, or choose a rule")

    @classmethod
    def of(cls, given: dict) -> "Settings":
        """Those of them that are named in `given`."""
        return cls(**{field.name: given[field.name] for field in fields(cls) if field.name in given})

    def ids(self, model) -> list[int]:
        """The prompt in tokens; a ValueError if it is too long."""
        found = model.tokenizer.encode(self.prompt)
        if len(found) > LONGEST_PROMPT:
            raise ValueError(
                f"the prompt has {len(found)} tokens; at most {LONGEST_PROMPT} are read here: shorten it"
            )
        return found


def check_number(name: str, value: object, low: float, high: float, whole: bool = False) -> None:
    """A ValueError that says what is allowed if a value is no number in its range."""
    number = type(value) is int if whole else isinstance(value, int | float) and not isinstance(value, bool)
    called = CALLED.get(name, name)
    if not number or not math.isfinite(value) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{called} is {shown(value)}; it is {kind} from {low:g} to {high:g}")


def rankings_of(ranked: str) -> list[tuple[int, ...]]:
    """Rankings that are written as "2013.0132", best first; a ValueError where one is none."""
    found = [tuple(map(int, one)) for one in ranked.split(".") if one.isdecimal() and one.isascii()]
    if any(sorted(one) != list(range(RANKED)) for one in found) or len(found) != len(
        list(filter(None, ranked.split(".")))
    ):
        raise ValueError(
            f"“{ranked[:40]}” is no list of rankings: each has the numbers 0 to {RANKED - 1} once, "
            "as in 2013.0132"
        )
    if len(found) > MOST_RANKED:
        raise ValueError(f"there are {len(found)} rankings; at most {MOST_RANKED} are kept here")
    return found


def shown(value: object) -> str:
    """What was given, in few signs."""
    return (
        f"{value:,.10g}" if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)[:40]
    )


def check_finite(value: float, what: str, step: int, rate: float) -> None:
    """A Diverged that says what to do if a number is none."""
    if not math.isfinite(value):
        raise Diverged(
            f"{what} is no finite number at step {step}: the learning rate {rate:g} is too large here. "
            "Take a smaller one, such as 0.0002."
        )
