"""The only place with caches: what is expensive and shared between visitors, keyed by names and text.

These are Python's own caches: a hit in Streamlit's costs 0.1 ms, and a step makes dozens.
"""

import re
from functools import cache, lru_cache

import numpy as np
import torch
from latex2mathml.converter import convert

import engine
from app.edits import Edits
from app.markup import Tree, tree
from engine import analysis
from engine.decode import Decoding, steps_of
from engine.images import Pixels, from_signs
from engine.tokenize.merges import check_text
from engine.trace import Trace
from engine.worked import Check, Worked, check, derived
from engine.worked.rerun import check_lens, check_run, work_choice, work_lens

Given = str | tuple[str, str]  # a text or an image in signs; with it, the decoder's text
SIGN = re.compile("(?<=(?:&#x0003D;|&#x00028;|&#x0002C;)</mo>)<mo>&#x02212;")
TRACES = 32  # prompts remembered, for all visitors together


@cache
def model(name: str):
    torch.set_num_threads(1)  # many visitors, few cores: one thread each is fastest
    return engine.load(name)


def trace(name: str, given: Given, edits: Edits = ()) -> Trace:
    """The run of a text, of an image as a link writes it, or of either with the decoder's text."""
    for text in (given,) if isinstance(given, str) else given:
        check_text(text)  # first: a cache cannot look up broken text
    return _trace(name, given, edits)


@lru_cache(maxsize=TRACES)
def _trace(name: str, given: Given, edits: Edits) -> Trace:
    reader = model(name)
    if isinstance(given, str):
        return engine.run(reader, _read(reader, given), edits)
    text, target = given
    target = target or list(written(name, text, (reader.start,)))
    return engine.run(reader, _read(reader, text), edits, target=target)


def _read(reader, text: str):
    """A text as it is, or the pixels that it encodes."""
    if not reader.reads[0].image:
        return text
    return Pixels(from_signs(text, reader.reads[0].image, reader.prepare.palette))


@lru_cache(maxsize=TRACES)
def written(name: str, text: str, read: tuple[int, ...]) -> tuple[int, ...]:
    """The ids that an encoder–decoder's decoder reads: `read`, and what it then writes by itself."""
    reader = model(name)
    steps = engine.generate(reader, _read(reader, text), target=list(read))
    return (*read, *(step.id for step in steps))


@lru_cache(maxsize=40 * TRACES)
def checked(name: str, given: Given, point: str, edits: Edits = ()) -> Check:
    """The self-check of a whole tensor, in float64."""
    return check(trace(name, given, edits), point)


@lru_cache(maxsize=1000)
def formula(latex: str) -> str:
    """A formula as MathML, which the browser lays out itself.

    Two things the converter gets wrong: a minus after = ( or , is a prefix, and infinity is an identifier.
    """
    mathml = convert(latex, display="block").replace("<mo>&#x0221E;</mo>", "<mi>&#x0221E;</mi>")
    return SIGN.sub('<mo form="prefix">&#x02212;', mathml)


@lru_cache(maxsize=2000)
def marked(markdown: str) -> Tree:
    """A text as the tree of its elements."""
    return tree(markdown)


@lru_cache(maxsize=1000)
def neighbours(name: str, table: str, row: int) -> tuple[list[int], list[float]]:
    """The rows nearest to one in the model's table of tokens or of positions."""
    return analysis.nearest(model(name).get_submodule(table).weight, row, 6)


@lru_cache(maxsize=TRACES)
def flat(name: str, given: Given, point: str, edits: Edits = ()) -> np.ndarray:
    """The token vectors as points [T, 2]."""
    return analysis.flat_map(trace(name, given, edits)[point][0]).cpu().numpy()


@lru_cache(maxsize=TRACES)
def in_space(name: str, table: str, first: int) -> tuple[np.ndarray, float]:
    """All rows of a table of tokens as points [V, 3], along the first principal components of its first rows;
    and the share of those rows' variance that the three explain."""
    weight = model(name).get_submodule(table).weight
    points = analysis.project(weight, weight[:first], 3)
    return points.cpu().numpy(), analysis.spread(points[:first]) / analysis.spread(weight[:first])


@lru_cache(maxsize=TRACES)
def stops(name: str, given: Given, side: str = "", edits: Edits = ()) -> tuple[np.ndarray, np.ndarray]:
    """Most probable token and its probability after each block [L + 1, T]."""
    ids, shares = analysis.lens(trace(name, given, edits), side)
    return ids.cpu().numpy(), shares.cpu().numpy()


@lru_cache(maxsize=TRACES)
def class_stops(name: str, given: Given, edits: Edits = ()) -> np.ndarray:
    """The probability of each class after each block [L + 1, C]."""
    return analysis.class_lens(trace(name, given, edits)).cpu().numpy()


@lru_cache(maxsize=1000)
def checked_neighbours(name: str, table: str, row: int) -> Check:
    return derived.check_nearest(model(name), table, row, *neighbours(name, table, row))


@lru_cache(maxsize=TRACES)
def checked_flat(name: str, given: Given, point: str, edits: Edits = ()) -> Check:
    return derived.check_map(trace(name, given, edits)[point][0], flat(name, given, point, edits))


@lru_cache(maxsize=TRACES)
def checked_space(name: str, table: str, first: int) -> Check:
    points, _ = in_space(name, table, first)
    return derived.check_map(model(name).get_submodule(table).weight, points, first)


@lru_cache(maxsize=10 * TRACES)
def checked_stops(name: str, given: Given, side: str, at: int, edits: Edits = ()) -> Check:
    """The check of `stops` at one position."""
    ids, shares = (found[:, at] for found in stops(name, given, side, edits))
    return check_lens(trace(name, given, edits), at, shares, side, ids)


@lru_cache(maxsize=TRACES)
def checked_class_stops(name: str, given: Given, edits: Edits = ()) -> Check:
    return check_lens(trace(name, given, edits), 0, class_stops(name, given, edits))


@lru_cache(maxsize=10 * TRACES)
def stop_by_hand(
    name: str, given: Given, side: str, stop: str, at: int, entry: int, shown: float, edits: Edits = ()
) -> Worked:
    """The arithmetic of one probability of the lens."""
    return work_lens(trace(name, given, edits), stop, at, entry, shown, side)


@lru_cache(maxsize=TRACES)
def sampled(
    name: str, given: Given, point: str, at: tuple[int, ...], decoding: Decoding, edits: Edits = ()
) -> dict[str, torch.Tensor]:
    """The sampler's steps from the scores of a point at one position (`at`; empty: the point has only one)."""
    return steps_of(trace(name, given, edits)[point][(0, *at)].cpu(), decoding)


@lru_cache(maxsize=10 * TRACES)
def answer(name: str, given: Given, point: str, at: tuple[int, ...], edits: Edits = ()) -> torch.Tensor:
    """The probability of every answer, at one position if there are several."""
    return trace(name, given, edits)[point][(0, *at)].double().cpu().softmax(-1)


@lru_cache(maxsize=10 * TRACES)
def choice_by_hand(
    name: str, given: Given, point: str, at: tuple[int, ...], decoding: Decoding, edits: Edits = ()
) -> Worked:
    """The arithmetic of the probability of an entry after temperature and cuts."""
    shown = sampled(name, given, point, at[:-1], decoding, edits)["probabilities"]
    return work_choice(trace(name, given, edits), point, at, decoding, float(shown[at[-1]]))


@lru_cache(maxsize=10 * TRACES)
def checked_choice(
    name: str, given: Given, point: str, at: int, decoding: Decoding, edits: Edits = ()
) -> tuple[Check, Check]:
    """The checks of each entry's probability after temperature and cuts, and of the cumulative ones."""
    steps = sampled(name, given, point, (at,), decoding, edits)
    logits, shown = trace(name, given, edits)[point][0, at], steps["probabilities"]
    together = shown.sort(descending=True).values.cumsum(-1)
    return derived.check_choice(logits, decoding, shown), derived.check_cumulative(logits, decoding, together)


@lru_cache(maxsize=TRACES)
def checked_run(name: str, given: Given, point: str, edits: Edits = ()) -> Check:
    """The whole run by the second route alone, up to a point."""
    return check_run(trace(name, given, edits), point)


@lru_cache(maxsize=1000)
def checked_promoted(name: str, side: str, layer: int, unit: int) -> Check:
    found = promoted(name, side, layer, unit)
    return derived.check_promoted(model(name), side, layer, unit, *found)


@lru_cache(maxsize=1000)
def promoted(name: str, side: str, layer: int, unit: int) -> tuple[list[int], list[float]]:
    """The tokens, or classes, that one MLP unit of a stack raises most."""
    return analysis.promotes(model(name).get_submodule(side), layer, unit, 6)
