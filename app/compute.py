"""The only place with caches: what is expensive and shared between visitors, keyed by names and text.

Python's own caches: a hit in Streamlit's costs a tenth of a millisecond, and a step makes dozens.
"""

from functools import cache, lru_cache

import numpy as np
import torch

import engine
from engine import analysis
from engine.load import beside as read_beside
from engine.load import moments_of
from engine.load import writers as read_writers
from engine.tap import Edit
from engine.tokenize.merges import check_text
from engine.trace import Trace
from engine.worked import Check, check

TRACES = 32  # prompts remembered, for all visitors together


@cache
def writers() -> list[str]:
    """The shipped models that the page can walk through, the default first."""
    return read_writers()


@cache
def models() -> list[str]:
    """The names that a link may give: the models that write, the default first, and moments of training."""
    names = writers()
    return names + [moment for name in names for moment in moments_of(name)]


@cache
def beside(name: str, file: str) -> dict:
    """What was measured of a shipped model, from the file beside its weights; empty where there is none."""
    return read_beside(name, file)


@cache
def model(name: str):
    torch.set_num_threads(1)  # many visitors, few cores: one thread each is faster than all for one
    return engine.load(name)


def trace(name: str, prompt: str, edits: tuple[Edit, ...] = ()) -> Trace:
    return _trace(name, check_text(prompt), edits)  # checked first: a cache cannot look up broken text


@lru_cache(maxsize=TRACES)
def _trace(name: str, prompt: str, edits: tuple[Edit, ...]) -> Trace:
    return engine.run(model(name), prompt, edits)


@lru_cache(maxsize=40 * TRACES)
def checked(name: str, prompt: str, point: str, edits: tuple[Edit, ...] = ()) -> Check:
    """The self-check of a whole tensor, in float64."""
    return check(trace(name, prompt, edits), point)


@lru_cache(maxsize=1000)
def neighbours(name: str, token_id: int) -> tuple[list[int], list[float]]:
    """The tokens nearest to one in the token table."""
    return analysis.nearest(model(name).embed.token.weight, token_id, 6)


@lru_cache(maxsize=TRACES)
def flat(name: str, prompt: str) -> np.ndarray:
    """The prompt's token vectors as points [T, 2]."""
    return analysis.flat_map(trace(name, prompt)["embed.token"][0]).cpu().numpy()


@lru_cache(maxsize=TRACES)
def stops(name: str, prompt: str) -> tuple[np.ndarray, np.ndarray]:
    """Most probable token and its probability after each block [L + 1, T]."""
    ids, shares = analysis.lens(trace(name, prompt))
    return ids.cpu().numpy(), shares.cpu().numpy()


@lru_cache(maxsize=1000)
def promoted(name: str, layer: int, unit: int) -> tuple[list[int], list[float]]:
    """The tokens that one MLP unit raises most."""
    return analysis.promotes(model(name), layer, unit, 6)
