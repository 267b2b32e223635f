"""How the next token is chosen: the settings."""

import math
from dataclasses import dataclass
from numbers import Integral, Real

METHODS = ("greedy", "sample")
WHOLE = ("top_k", "seed", "max_tokens")
CUTS = ("top_k", "top_p", "min_p")  # may be None: not asked for


@dataclass(frozen=True)
class Decoding:
    """How the next token is chosen. All steps work on the full vocabulary, in the order repetition penalty,
    temperature, top-k, top-p, min-p.

    method       greedy (the most probable) or sample (drawn by probability)
    temperature  logits are divided by it: below 1 sharper, above 1 flatter; 0: the most probable alone
    top_k        keep the k most probable tokens
    top_p        keep the most probable tokens until they hold this share (Holtzman et al. 2020); 1: keep all
    min_p        keep tokens with at least this share of the best one's probability
    seed         where the random numbers start: the same seed gives the same text
    max_tokens   how many tokens to add at most
    repetition_penalty  the logits of tokens that are there already, of the prompt or written, are divided by
                 it if above 0, else multiplied (Keskar et al. 2019); 1: none
    """

    method: str = "greedy"
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    seed: int = 0
    max_tokens: int = 40
    repetition_penalty: float = 1.0

    def __post_init__(self):
        if self.method not in METHODS:
            raise ValueError(f"method is {self.method!r}; choose one of {', '.join(METHODS)}")
        for name, low, high in (
            ("repetition_penalty", 0.01, 100),
            ("temperature", 0.01, 100),
            ("top_k", 1, math.inf),
            ("top_p", 0.0, 1.0),
            ("min_p", 0.0, 1.0),
            ("seed", 0, 2**63 - 1),
            ("max_tokens", 1, math.inf),
        ):
            value = getattr(self, name)
            if value is None and name in CUTS:
                continue
            whole, coldest = name in WHOLE, name == "temperature"
            number = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
            if not number or not (low <= value <= high or (coldest and value == 0)):
                goes = "is a whole number" if whole else "goes"
                upto = f"to {high}" if high < math.inf else "upwards"
                more = ", or is 0: always the most probable" if coldest else ""
                raise ValueError(f"{name} is {value!r}; it {goes} from {low} {upto}{more}")
            object.__setattr__(self, name, int(value) if whole else float(value))  # numpy's are numbers, too
