"""What kind of model this is: decided here and nowhere else, from the config's own fields.

A model's facts are those fields by name, and a few derived from several of them. Texts, steps and charts name
the facts that they are for; of those that fit, the most specific one is taken.
"""

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import TypeVar

from engine.config import Config, RecurrentConfig
from engine.position import BIASED
from engine.tokenize import UnigramTokenizer
from engine.tokenize.characters import CharacterTokenizer

Facts = Mapping[str, object]
Conditions = tuple[tuple[str, object], ...]  # (("causal", False), ("positions", "relative"))
T = TypeVar("T")

STEPS = (
    "tokens",
    "embeddings",
    "layernorm",
    "qkv",
    "scores",
    "mask",
    "softmax",
    "heads",
    "residual",
    "mlp",
    "layers",
    "next",
)
GLANCE = ("machine", "all_heads")  # before them: all of the model at once
CROSS = "cross"  # one more step, of decoders that look at an encoder
CARRIED = ("cell", "states")  # the steps of recurrent models, instead of a block's
CONVOLVED = ("filters", "maps")  # the steps of an image that goes through convolutions, instead of its patches
BEGIN, END = ("tokens", *CONVOLVED, "embeddings"), ("layers", "next")  # before the blocks and after them
HEADED = ("qkv", "scores", "mask", "softmax", "heads", CROSS)  # the steps that show one head
ONLY = "only"  # the name of the stack of a model that has only one
SIZES = ("image", "segments", "memory", "experts")  # fields whose size says if there is such a thing


def when(**facts: object) -> Conditions:
    return tuple(sorted(facts.items()))


FAMILIES = {  # in the order in which they are shown
    "decoder": when(),
    "llama": when(gated=True, norm="rms", stack="only"),
    "rnn": when(architecture="recurrent", stack="only"),
    "encoder": when(causal=False),
    "pair": when(architecture="transformer", source="text", stack="decoder"),
    "spans": when(architecture="transformer", source="text", spans=True, stack="decoder"),
    "recurrent": when(architecture="recurrent"),
    "image": when(causal=False, image=True),
    "caption": when(source="image", stack="decoder"),
}


def facts_of(model, side: str = "") -> Facts:
    """The facts of one stack of a model: `side` is "encoder" or "decoder" where it has both, else empty."""
    source = ("image" if model.reads[0].image else "text") if side == "decoder" else ""
    tokenizer = model.tokenizer
    cells = bool(getattr(model.reads[0], "filters", ()))
    small = bool(getattr(tokenizer, "words", None)) and tokenizer.words("A") == ["a"]
    cut = {"small_letters": small, "unigram": isinstance(tokenizer, UnigramTokenizer)}
    cut["begins"] = not side and bool(getattr(tokenizer, "prefix", ()))
    cut["characters"] = isinstance(tokenizer, CharacterTokenizer)
    cut["spans"] = model.fills_spans
    return _facts(model.get_submodule(side).config, side) | {"source": source, "cells": cells} | cut


@cache
def _facts(config: Config | RecurrentConfig, side: str) -> Facts:
    if isinstance(config, RecurrentConfig):
        chosen = {"architecture": "recurrent", "cell": config.cell, "attention": config.attention}
        chosen |= {"looks_back": config.attention != "none", "cross": False, **dict.fromkeys(SIZES, False)}
        chosen["tied"] = config.alone
        return chosen | {"stack": side or ONLY}
    fields = asdict(config) | {name: bool(getattr(config, name)) for name in SIZES}
    tied = config.tied and config.ending in ("logits", "masked")
    fields["patches"], fields["blocks"] = bool(config.image and not config.filters), bool(config.layers)
    shared = {"shared_keys": config.group_size > 1, "tied": tied, "cross": False}
    shared["entering"] = config.post_norm or config.norm == "none"  # parts read the stream as it is
    shared["last_norm"] = not shared["entering"]
    shared["biased"] = config.positions in BIASED  # a bias for the distance is added to every score
    return fields | shared | {"architecture": "transformer", "stack": side or ONLY}


def fits(conditions: Conditions, facts: Facts) -> bool:
    return all(facts.get(name) == value for name, value in conditions)


def most_specific(variants: Mapping[Conditions, T], facts: Facts) -> T:
    """What is for these facts; a ValueError where two variants that fit name equally many."""
    fit = sorted((conditions for conditions in variants if fits(conditions, facts)), key=len)
    if not fit:
        raise KeyError(f"nothing is for such a model: there is {', '.join(map(str, variants))}")
    if len(fit) > 1 and len(fit[-2]) == len(fit[-1]):
        raise ValueError(f"{fit[-2]} and {fit[-1]} are equally specific: one of them must say more")
    return variants[fit[-1]]


def whole(model) -> Facts:
    """The facts of a model as a whole: of two stacks, the decoder's."""
    return facts_of(model, "decoder" if len(model.reads) == 2 else "")


def family_of(model) -> str:
    """The family of architectures that a model belongs to."""
    return most_specific({conditions: family for family, conditions in FAMILIES.items()}, whole(model))


def rank_of(model) -> tuple[int, bool, bool, bool]:
    """A model's sort key: by family; within one, Transformers, then recurrent models with attention, then those
    without; what reads patches before what reads cells."""
    config, facts = model.config, whole(model)
    carried = isinstance(config, RecurrentConfig)
    place = list(FAMILIES).index(family_of(model))
    return place, carried, carried and config.attention == "none", bool(facts["cells"])


@cache
def steps_of(config: Config | RecurrentConfig, side: str = "") -> tuple[str, ...]:
    """All at a glance, then the steps in a stack's order: norms come before the parts, or after the sums.

    side is "encoder" or "decoder" where a model has both.
    """
    if isinstance(config, RecurrentConfig):
        looks = (CROSS,) if config.attention != "none" else ()
        return (GLANCE[0], *STEPS[:2], *CARRIED, *((*looks, "next") if side != "encoder" else ()))
    if not config.layers:
        return (GLANCE[0], *_beginning(config))
    steps = [step for step in STEPS if step != "layernorm"] if config.post_norm else list(STEPS)
    after = steps.index("residual") + 1
    added = (*(["layernorm"] if config.post_norm else []), *([CROSS] if config.memory else []))
    steps = (*GLANCE, *_beginning(config), *steps[2:after], *added, *steps[after:])
    lacking = {"layernorm"} if config.norm == "none" else set()
    lacking |= set() if config.residual else {"residual"}
    steps = tuple(step for step in steps if step not in lacking)
    return steps if config.ending != "nothing" else steps[:-1]


def _beginning(config: Config) -> tuple[str, ...]:
    """The steps before the blocks; cells without positions and norms enter as they are."""
    if not config.filters:
        return STEPS[:2]
    as_they_are = config.positions == "none" and not config.embed_norm
    return CONVOLVED if as_they_are else (*CONVOLVED, STEPS[1])


def norms_of(config: Config) -> tuple[str, ...]:
    """The norms of a model: one for each part of a block, and one at its end or its beginning; or none."""
    if config.norm == "none" or not config.layers:
        return ()
    there = {"attn": True, "cross": config.memory, "mlp": True, "final": not config.post_norm}
    return tuple(name for name, is_so in (there | {"embed": config.embed_norm}).items() if is_so)


def own_mask(config: Config) -> str:
    """The model's own mask, by the name under which it can be picked."""
    return "causal" if config.causal else "none"


def first_picked(config: Config | RecurrentConfig, tokens: int) -> int:
    """The position picked by default: the last token, or a patch or cell near the middle."""
    across = config.image // config.patch if config.image else 0
    return config.leading + (across + 1) * ((across - 1) // 2) if across else tokens - 1
