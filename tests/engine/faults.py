"""Deliberate faults (faults.txt): each is put in by itself, and a light must turn red.

python -m tests.engine.faults      prints which lights each turns red
"""

import inspect
import math
import pkgutil
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import torch

from engine import analysis, contextual, decode, places, roles
from engine.decode import Decoding
from engine.images import Pixels, Preparation
from engine.position import turns
from engine.receptive import attention_distance, receptive_fields
from engine.trace import Trace, everything, run
from engine.trace.tap import Edit
from engine.training import optimizers, vectors
from engine.training.rewards import dpo, ppo, preference, rejection
from engine.training.tuning import lora
from engine.worked import Check, check, derived, rewards
from engine.worked import vectors as by_hand
from engine.worked.optimizers import check_step, work_step
from engine.worked.rerun import check_lens, check_run
from tests.engine.tiny import (
    BARE,
    BERT,
    CHOICES,
    CONVOLVED,
    ENCODER,
    PAIRS,
    VIT,
    decoder,
    images,
    language_model,
    pair,
    prompt,
    recurrent,
)
from tests.engine.training.objectives.lights import PAGES as OBJECTIVES

IDS = [prompt(11, seed=1), prompt(4, seed=2), prompt(7, seed=3)]  # a batch: two are padded
TARGET = [[3, *prompt(10, seed=4)], [3, *prompt(5, seed=5)], [3, *prompt(2, seed=6)]]  # as long as the longest
SEGMENTS = [[int(t > 3) for t in range(11)]] * 3

EMPTY = [
    Edit("blocks.1.attn.mask", "zero", at={"T": 3}),
    Edit("blocks.0.attn.masked", "set", at={"H": 1, "T": 6}, value=-math.inf),
]

NOWHERE = Edit("blocks.1.mlp.chosen", "zero", at={"T": 3})
LEFT = [prompt(11, seed=1), prompt(11, seed=2)]  # the second begins with padding, and has some inside
REAL = [[True] * 11, [t > 3 and t != 7 for t in range(11)]]
SIDES = ("plain", "rotary", "sinusoidal", "BLOOM")

UNCAUGHT = {  # what no light of a trace can show, and which test does
    "a position counted wrongly beside a cache": "a trace reads the whole text at once; test_decode compares "
    "writing with a cache to writing without",
    "a wrong argument of the fused kernels": "a trace takes the named steps; test_transformer and "
    "test_encoder_decoder compare the silent pass to the traced one",
    "one table where the config has two": "both routes read the weights that are there; the tests of loading "
    "compare them to the file",
    "another text than was typed": "what was read is where both routes begin; the tests of inputs and of "
    "tokenizers compare it to the text",
    "weights transposed while they are loaded": "both routes use the weights as loaded; the parity tests "
    "compare every point to the reference library",
}

Lights = dict[str, Check]


def lights(trace: Trace) -> Lights:
    return {point: check(trace, point) for point in trace.points()}


# --- what is run ----------------------------------------------------------------------------------


def _kept(*read, **options) -> Trace:
    return run(*read, **options, wanted=everything)


def _pixels(edits=()) -> Trace:
    model = decoder(torch.float32, **VIT)
    model.prepare = Preparation(6, (0.4, 0.5, 0.6), (0.2, 0.3, 0.1))
    shown = torch.randint(256, (3, 6, 6), generator=torch.Generator().manual_seed(1))
    return _kept(model, Pixels(shown), edits=edits)


def _decoder(choices: dict, ids=IDS, **options) -> Callable[..., Trace]:
    return lambda edits=(): _kept(decoder(torch.float32, **choices), ids, edits=edits, **options)


def _pair(choices: dict) -> Callable[..., Trace]:
    read = images(3) if "image" in choices.get("encoder", {}) else IDS
    return lambda edits=(): _kept(pair(torch.float32, **choices), read, edits=edits, target=TARGET)


def _recurrent(cell: str, attention: str = "none", **choices) -> Callable[..., Trace]:
    read = images(3) if choices else IDS
    made = lambda: recurrent(cell, attention, torch.float32, **choices)  # noqa: E731
    return lambda edits=(): _kept(made(), read, edits=edits, target=TARGET)


TRACES: dict[str, Callable[..., Trace]] = {
    **{name: _decoder(choices) for name, choices in CHOICES.items()},
    "one prompt": _decoder({}, IDS[0]),
    **{f"left, {name}": _decoder(CHOICES[name], LEFT, padding=REAL) for name in SIDES},
    "sent nowhere": lambda edits=(): _decoder(CHOICES["experts"])([*edits, NOWHERE]),
    "empty rows": lambda edits=(): _decoder({})([*edits, *EMPTY]),
    "BERT": _decoder(BERT, segments=SEGMENTS),
    "ViT": _decoder(VIT, images()),
    "pixels": _pixels,
    **{name: _pair(choices) for name, choices in PAIRS.items()},
    **{cell: _recurrent(cell) for cell in ("rnn", "gru", "lstm")},
    "additive": _recurrent("gru", "additive"),
    "dot": _recurrent("lstm", "dot"),
    "language, lstm": lambda edits=(): _kept(language_model("lstm", torch.float32), IDS, edits=edits),
    "captions, gru": _recurrent("gru", "additive", encoder=ENCODER),
    "cells": _recurrent("gru", "additive", encoder=CONVOLVED),
    "only cells": _recurrent("lstm", encoder=BARE),
}


def _choice(ties: bool = False, there=(), **cuts) -> Lights:
    logits = torch.linspace(-3, 4, 40)[torch.randperm(40, generator=torch.Generator().manual_seed(0))]
    logits = logits.round() if ties else logits
    decoding = Decoding("sample", **dict(temperature=0.7) | cuts)
    shown = decode.steps_of(logits, decoding, there)["probabilities"]
    return {"probabilities": derived.check_choice(logits, decoding, shown, there)}


def _surprise() -> Lights:
    trace = TRACES["one prompt"]()
    logits, found = trace["logits"][0], decode.surprise_of(trace)
    told = (found.bits, found.total, found.perplexity)
    ids, half = trace.ids[0], len(logits) // 2
    parts = [decode.surprise(logits[rows], ids[rows]) for rows in (slice(half), slice(half - 1, None))]
    whole = decode.joined(parts)
    return {
        "joined": derived.check_surprise(logits, ids, whole.bits, whole.total, whole.perplexity),
        "surprise": derived.check_surprise(logits, trace.ids[0], *told),
        "alternatives": derived.check_alternatives(logits, found.alternatives, found.probabilities),
    }


def _lens() -> Lights:
    trace = TRACES["one prompt"]()
    _, shown = analysis.lens(trace)
    return {"lens": check_lens(trace, 4, shown[:, 4])}


def _lens_of_classes() -> Lights:
    trace = _decoder(VIT, images(1))()
    return {"lens": check_lens(trace, 0, analysis.class_lens(trace))}


def _nearest() -> Lights:
    model = decoder(torch.float32)
    shown = analysis.nearest(model.embed.token.weight, 5, 6)
    return {"nearest": derived.check_nearest(model, "embed.token", 5, *shown)}


def _map() -> Lights:
    vectors = TRACES["one prompt"]()["embed.token"][0] + 1
    return {"map": derived.check_map(vectors, analysis.flat_map(vectors))}


def _curve() -> Lights:
    trace = TRACES["tanh gelu"]()
    x, model = torch.linspace(-4, 4, 50), trace.model
    return {"curve": derived.check_curve("gelu_tanh", x, model.blocks[0].mlp.activation(x))}


def _promoted() -> Lights:
    model = decoder(torch.float32)
    return {"promoted": derived.check_promoted(model, "", 1, 3, *analysis.promotes(model, 1, 3, 6))}


def _distance() -> Lights:
    trace = TRACES["rotary"]()
    q, k = (trace[f"blocks.1.attn.{name}"][0, 1, 4] for name in "qk")
    here, other = torch.arange(-3, 12), torch.full((15,), 4)
    model, E = trace.model, trace.model.config.head_width
    angles = [turns(x, E, model.config.rotary_base) for x in (here, other)]
    shown = analysis.dots_at(q, k, *angles)
    return {"distance": derived.check_distances(q, k, 10_000.0, here, other, shown)}


def _weighted() -> Lights:
    trace = TRACES["LLaMA"]()
    pattern, v = (trace[f"blocks.1.attn.{name}"][0] for name in ("pattern", "v"))
    return {
        "value-sized": derived.check_value_sized(pattern, v, analysis.value_sized(pattern, v)),
        "value-weighted": derived.check_value_weighted(pattern, v, analysis.value_weighted(pattern, v)),
        "without the first": derived.check_without_first(pattern, analysis.without_first(pattern)),
    }


def _without() -> Lights:
    pattern = TRACES["LLaMA"]()["blocks.1.attn.pattern"][0]
    return {"without some": derived.check_without(pattern, [0, 3], analysis.without(pattern, [0, 3]))}


def _places() -> Lights:
    """Scores by distance, a place read off each vector, and the same tokens the other way round."""
    trace, order = TRACES["BLOOM"](), [*range(10, -1, -1)]
    scores, vectors = (trace[f"blocks.1.{name}"][0] for name in ("attn.masked", "resid_pre"))
    other = _decoder(CHOICES["BLOOM"], [IDS[0][::-1]])()["blocks.1.resid_pre"][0]
    weights = torch.linspace(-1, 2, vectors.shape[-1])
    return {
        "by distance": derived.check_by_distance(scores, places.by_distance(scores)),
        "read off": derived.check_read_off(vectors, weights, 3.5, places.read_off(vectors, weights, 3.5)),
        "apart": derived.check_apart(vectors, other, order, places.apart(vectors, other, order)),
    }


def _rollout() -> Lights:
    trace = TRACES["one prompt"]()
    patterns = list(roles.patterns(trace))
    return {"rollout": derived.check_rollout(patterns, analysis.rollout(patterns))}


def _how_far() -> Lights:
    """What cells of a convolutional network see; where heads look that have a vector before the patches."""
    trace, config = TRACES["ViT"](), CONVOLVED
    fields = receptive_fields(config)
    found = {"receptive": derived.check_receptive_fields(config.strides, config.kernel, fields)}
    for layer in range(2):
        pattern, c = trace[f"blocks.{layer}.attn.pattern"][0], trace.model.config
        shown = attention_distance(pattern, c)
        check = derived.check_attention_distance(pattern, c.image // c.patch, c.patch, shown)
        found[f"distance {layer}"] = check
    return found


def _pooled() -> Lights:
    """More tokens and entries than a picture has cells, in blocks that begin before the matrix."""
    trace = TRACES["one prompt"]()
    pattern, masked, act = (trace[f"blocks.1.{name}"][0] for name in ("attn.pattern", "attn.masked", "mlp.act"))
    sizes, before = (3, 4), (2, 0)
    shown, at = analysis.pooled(act.numpy(), sizes, before)
    hatched = pattern.masked_fill(masked.isneginf(), -math.inf).numpy()
    return {
        "pooled": derived.check_pooled(act.numpy(), sizes, before, shown, at),
        "largest": derived.check_largest(hatched, sizes, before, analysis.largest(hatched, sizes, before)),
    }


def _roles(ids: list[int] = IDS[0], **choices) -> Lights:
    """Of a text in which tokens recur; each role has a light."""
    trace = _decoder(choices, [[*ids, *ids[:6]]])()
    pattern, allowed = (trace[f"blocks.1.attn.{name}"][0] for name in ("pattern", "mask"))
    special = torch.isin(trace.ids[0], torch.tensor([ids[0], *ids[4:5]]))
    seen = roles.Seen(allowed, trace.ids[0], special)
    found = roles.scores(pattern, seen)
    return {role: derived.check_roles(pattern, seen, roles.CHANCE, {role: found[role]}) for role in found}


def _two_texts() -> Lights:
    trace, other = (_decoder(BERT, ids)() for ids in IDS[:2])
    return {
        "two texts": derived.check_cosine_similarity(
            trace, 2, other, analysis.cosine_similarity(trace, 2, other)
        )
    }


def _company() -> Lights:
    """A word among words met, after every block."""
    trace, other = (_decoder({}, ids)() for ids in IDS[:2])
    own, met = contextual.stream(trace), contextual.Met(["a"] * 4, [0] * 4, contextual.stream(other))
    found = contextual.cosines(own[:, 2], met)
    return {"company": derived.check_in_company(own[:, 2], met.vectors, found)}


def _skip_gram() -> Lights:
    """A step on pairs in which words recur."""
    draw = torch.Generator().manual_seed(1)
    v, u = (torch.randn(7, 5, generator=draw) for _ in "vu")
    pairs, negatives = torch.tensor([[1, 2], [1, 3], [4, 2]]), torch.tensor([[0, 5], [2, 2], [6, 1]])
    after = v.clone(), u.clone()
    vectors.step(*after, pairs[:, 0], pairs[:, 1], negatives, 0.1)
    return {"step": by_hand.check_step(v, u, pairs, negatives, 0.1, after)}


def _rewards() -> Lights:
    """Of learning from rewards: tokens beyond the clip, a pair, DPO's pair, the best of two."""
    old, new = torch.zeros(4), torch.tensor([0.9, -0.9, 0.05, -0.05])
    advantages = {"good": 1.5, "bad": -0.5}
    found = {
        f"gain of a {name} text": rewards.check_gains(
            old.tolist(), new.tolist(), a, 0.2, ppo.clipped(ppo.ratio(new, old), torch.tensor(a), 0.2).tolist()
        )
        for name, a in advantages.items()
    }
    better, worse, scores = (
        torch.tensor([1.2, 0.3]),
        torch.tensor([0.4, 0.9]),
        torch.tensor([3.0, 1.0, 4.0, 2.0]),
    )
    both = list(zip(better.tolist(), worse.tolist(), strict=True))
    four, values = torch.tensor([-9.0, -12.0, -10.0, -11.0]), scores.square()
    best = rejection.best_of(2, scores, values)
    return found | {
        "pair": rewards.check_pairs(both, preference.bradley_terry(better, worse).tolist()),
        "DPO": rewards.check_dpo(four.tolist(), 0.3, float(dpo.dpo_loss(*four, 0.3))),
        "best of n": rewards.check_best(2, scores.tolist(), values.tolist(), best),
    }


def _optimizers() -> Lights:
    """The third step of every optimizer."""
    s, gradients, found = optimizers.Settings(0.1, 0.8, 0.95, 1e-2, 0.3), [0.7, -0.2, 0.9], {}
    for name, step in optimizers.OPTIMIZERS.items():
        weights, memory = [1.3], {}
        for g in gradients:
            after, memory = step(weights[-1], g, memory, s)
            weights.append(after)
        decay = s.decay if name == "adamw" else 0.0
        by_hand = work_step(name, weights[-2], gradients, s.rate, s.beta1, s.beta2, s.eps, decay)
        found[name] = check_step(by_hand, weights[-1])
    return found


def _lora() -> Lights:
    """Of a matrix with LoRA: what it says of some vectors, and its weights when it is merged."""
    draw = torch.Generator().manual_seed(1)
    one = lora.LoRA(torch.nn.Linear(7, 9), 3)
    with torch.no_grad():
        for p in one.parameters():
            p.copy_(torch.randn(p.shape, generator=draw))
    applied = lora.check_layer(one, torch.randn(5, 7, generator=draw))
    return {"applied": applied, "merged": lora.check_merged(one.merged(), one)}


PAGES: dict[str, Callable[[], Lights]] = {
    "next token": lambda: _choice(top_k=7),
    "next token, top-p": lambda: _choice(top_p=0.7),
    "next token, ties": lambda: _choice(ties=True, top_p=0.3),
    "next token, coldest": lambda: _choice(ties=True, temperature=0),
    "next token, min-p": lambda: _choice(min_p=0.1),
    "next token, repetition": lambda: _choice(there=[*range(20), 3], repetition_penalty=1.7),
    "surprise": _surprise,
    "lens": _lens,
    "lens of classes": _lens_of_classes,
    "nearest": _nearest,
    "map": _map,
    "curve": _curve,
    "promoted": _promoted,
    "distance": _distance,
    "weights told otherwise": _weighted,
    "weights of some left out": _without,
    "places": _places,
    "rollout": _rollout,
    "how far": _how_far,
    "more than cells": _pooled,
    "roles": _roles,
    "roles, BERT": lambda: _roles(**BERT),
    "roles, a short text": lambda: _roles(IDS[0][:2]),
    "two texts": _two_texts,
    "words in company": _company,
    "skip-gram": _skip_gram,
    **OBJECTIVES,
    "rewards": _rewards,
    "optimizers": _optimizers,
    "LoRA": _lora,
}
EDITS = {
    kind: Edit("blocks.1.attn.mask", "mask", value=(kind, n))
    for kind, n in (("window", 3), ("prefix", 4), ("padding", 2), ("filled", 3))
}
EDITS |= {
    "scale": Edit("blocks.1.attn.out", "scale", value=3.0),
    "mean": Edit("blocks.1.attn.out", "mean"),
    "add": Edit("blocks.1.attn.out", "add", at={"T": 2}, value=3.0),
    "copy": Edit("blocks.1.resid_mid", "copy", at={"B": 0, "T": 2}, value=tuple(prompt(9, seed=7))),
}

# --- the faults -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """A change of the source of one function.

    run    what is run: a name of TRACES or PAGES; edit: of EDITS, under which the fault shows
    red    patterns of the names of lights
    lines  (old, new) texts, each old one once in the source
    """

    name: str
    function: str
    run: str
    red: tuple[str, ...]
    edit: str
    lines: tuple[tuple[str, str], ...]

    def trace(self) -> Trace | None:
        edits = [EDITS[self.edit]] if self.edit else []
        return TRACES[self.run](edits) if self.run in TRACES else None

    def red_lights(self) -> list[str]:
        """With the fault put in."""
        with put_in(self):
            trace = self.trace()
            return [name for name, one in (lights(trace) if trace else PAGES[self.run]()).items() if not one.ok]

    def is_caught_by(self, red: list[str]) -> bool:
        """Some of the points that it touches are red, and none that is made from them."""
        return bool(red) and all(any(fnmatchcase(light, pattern) for pattern in self.red) for light in red)

    def run_is_red(self) -> bool:
        """Whether the whole run is seen to be wrong, by its answer."""
        with put_in(self):
            trace = self.trace()
            return not check_run(trace, list(trace.table)[-1]).ok


@contextmanager
def put_in(fault: Fault) -> Iterator[None]:
    """The fault in the function itself, so that whoever imported it has it."""
    function = pkgutil.resolve_name(fault.function)
    source, right = textwrap.dedent(inspect.getsource(function)), function.__code__
    for old, new in fault.lines:
        if source.count(old) != 1:
            raise AssertionError(f"{fault.name}: {old!r} is not once in {fault.function}")
        source = source.replace(old, new)
    made: dict = {}
    exec(compile(source, right.co_filename, "exec"), dict(function.__globals__), made)
    function.__code__ = made[function.__name__].__code__
    try:
        yield
    finally:
        function.__code__ = right


def _read(block: str) -> Fault:
    first, *rest = block.splitlines()
    name, _, told = first.removeprefix("[").partition("] ")
    function, run, red, edit = [*(part.strip() for part in told.split(" | ")), ""][:4]
    lines = zip((line[2:] for line in rest[::2]), (line[2:] for line in rest[1::2]), strict=True)
    return Fault(name, function, run, tuple(red.split()), edit, tuple(lines))


TEXT = Path(__file__).with_suffix(".txt").read_text("utf-8")
FAULTS = [_read(block) for block in re.findall(r"^\[.*?(?=\n\n|\Z)", TEXT.strip(), re.MULTILINE | re.DOTALL)]


def main() -> None:
    count = 0
    for fault in FAULTS:
        red = fault.red_lights()
        count += fault.is_caught_by(red)
        whole = "" if fault.run in PAGES or fault.run_is_red() else "; the whole run stays green"
        found = "caught" if fault.is_caught_by(red) else "MISSED"
        print(f"{found}  {fault.name}: {', '.join(red[:3])}{whole}", flush=True)
    print(f"{count} of {len(FAULTS)} faults caught")
    for name, why in UNCAUGHT.items():
        print(f"not to be caught by a light: {name} ({why})")


if __name__ == "__main__":
    main()
