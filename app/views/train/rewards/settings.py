"""What can be set of the three steps, and what the engine says of it."""

from dataclasses import dataclass

from app.settings import number_in, read, settings
from app.state import one_of, ranged
from app.text import say
from engine.training.rewards.rule import RULES
from engine.training.rewards.settings import RANGES, SOURCES, Settings

STEPS = ("examples", "judge", "policy")
TYPED = 300  # characters of a prompt or a request
NUMBER = 20  # of a number


@settings("rewards")
@dataclass(frozen=True)
class Rewards:
    """Of the part Rewards. Numbers that are typed freely are texts: the engine says which are allowed."""

    step: str = one_of("examples", *STEPS)
    request: str = "Tell me about the bird."
    passes: int = ranged(5, 1, 20)
    prompt: str = Settings.prompt
    ranker: str = one_of("me", "me", "rule")
    rule: str = one_of(Settings.rule, *RULES)
    ranked: str = ""
    source: str = one_of(Settings.source, *SOURCES)
    rankings: int = ranged(Settings.rankings, *RANGES["rankings"])
    beta: str = str(Settings.beta)
    epsilon: str = str(Settings.epsilon)
    rate: str = str(Settings.rate)
    length: int = ranged(Settings.length, *RANGES["length"])
    texts: int = ranged(Settings.texts, *RANGES["texts"])
    steps: int = ranged(Settings.steps, *RANGES["steps"])
    seed: int = ranged(0, 0, 2**31 - 1)
    method: str = one_of("ppo", "ppo", "cut")  # whose step is worked out by hand
    at: int = ranged(-1, -1, 999)  # which of its batches; -1 is the one of which most was clipped
    token: int = ranged(-1, -1, 99)  # -1 is the one that the step changed most
    pair: int = ranged(0, 0, 999)


def asked(**more: object) -> tuple[dict[str, object], str]:
    """The settings of a run, and a sentence where the engine does not take them."""
    now = read(Rewards)
    given = {name: getattr(now, name) for name in ("prompt", "rule", "ranked", "source", "rankings")}
    given |= {name: getattr(now, name) for name in ("length", "texts", "steps", "seed")} | more
    for name in ("beta", "epsilon", "rate"):
        if (value := number_in(getattr(now, name))) is None:
            return given, say("rewards", "number", name=say("rewards", name), typed=getattr(now, name)[:NUMBER])
        given[name] = value
    try:
        Settings.of(given)
    except ValueError as error:
        return given, sentence(error)
    return given, ""


def sentence(error: ValueError) -> str:
    """What the engine says, as a sentence of the page."""
    told = str(error)
    return say("rewards", "refused", why=told[:1].upper() + told[1:].rstrip("."))
