"""With `app.decoding` the only place with caches: what is expensive and shared between visitors, keyed by names
and text.

Not Streamlit's caches: a hit in them costs a tenth of a millisecond, and a step makes dozens.
"""

import math
from collections.abc import Callable
from hashlib import blake2s

import numpy as np
import psutil
import torch

import engine
from app import shelf, weights
from app.edits import Edits
from app.edits import fitting as edits_that_fit
from app.markup import Tree, tree
from app.mathml import mathml
from app.replay import replay
from app.shared import CACHES, shared
from app.text import sized
from app.trouble import no_panics
from engine import analysis, contextual, device, roles
from engine.config import Config, RecurrentConfig
from engine.decode import Decoding, steps_of
from engine.images import Pixels, from_signs
from engine.load import AT
from engine.tokenize import merges, training
from engine.tokenize.checking import check_training
from engine.tokenize.merges import check_text
from engine.tokenize.wordpiece import cuts
from engine.trace import Trace, nothing
from engine.trace.inputs import tokenizer_of
from engine.training.objectives import spans
from engine.worked import Check, Worked, check, derived
from engine.worked.losses import check_losses
from engine.worked.objectives import check_sentinels
from engine.worked.rerun import check_lens, check_run, work_choice, work_lens

Blocks = tuple[tuple[int, int], tuple[int, int]]  # of matrices: their sizes, and the places before the first
Given = str | tuple[str, str]  # a text or an image in signs, and beside it what a decoder reads of it
LONGEST = 10_000  # characters of a text that is computed on
PROMPTS = 128  # of which something is remembered, for all visitors together
LOOKS = 48 * 2**20  # bytes of what is remembered of pictures of whole runs, of each kind
WEIGHTS = (".pattern", ".masked", ".mask")  # points of attention weights and of what hides them
KEPT = 6000  # heads × tokens up to which those are kept: 0.05 MB a token
TRACES = 600_000_000  # bytes of remembered traces, about
NUMBERS = 10_000_000  # of remembered probabilities
OWN = psutil.virtual_memory().total // 2  # bytes of a person's own models that stay loaded


def _held(model) -> int:
    """Bytes of a person's own model; those that come with the project are small, and stay."""
    own = model.name.partition(AT)[0] not in engine.shipped()
    return sum(4 * p.numel() for p in model.parameters()) if own else 0


@shared(OWN, weight=_held, drop=lambda name: forget(name))
def model(name: str):
    torch.set_num_threads(1)  # many visitors, few cores: one thread each is fastest
    with no_panics():
        return engine.load(name) if name.partition(AT)[0] in engine.shipped() else _own(name)


def _own(name: str):
    """A person's own model; a ValueError where it is there no more, does not fit into memory or is broken."""
    LOADED.pop(name, None)
    one = shelf.find(name)
    if one is None:
        raise ValueError(f"there is no model {name!r} here")
    if lacking := without_room(one, room()):
        raise ValueError(lacking)
    model.shrink(max(0, OWN - one.needs) if one.loading <= shelf.room() else 0)
    try:
        found = engine.load(one.folder)
        if not found.reads[0].image or len(found.reads) == 2:
            tokenizer_of(found)
    except ValueError as error:
        shelf.fail(one, error)
        raise
    found.name = name
    LOADED[name] = one.stamp
    return found


LOADED: dict[str, tuple] = {}  # the stamps of a person's own models when they were loaded


def room() -> int:
    """Bytes of memory for one more model, when all of a person's own that are loaded have gone."""
    return shelf.room() + model.held


def without_room(one: shelf.Listed, room: int) -> str:
    """Why a model does not fit into so much memory; empty where it does, or is there."""
    if one.loading <= room or one.name in LOADED:
        return ""
    return f"to load it takes {sized(one.loading)} of memory, and {sized(room)} is free"


def version(name: str) -> str:
    """A sign of the files that a person's own model was loaded from, as others may come to stand there."""
    return blake2s(repr(LOADED[name]).encode(), digest_size=4).hexdigest() if name in LOADED else ""


def renew(one: shelf.Listed) -> None:
    """Forget a model of a person's own whose files are others than those that were loaded."""
    if LOADED.get(one.name, one.stamp) != one.stamp:
        model.forget(one.name)
        forget(one.name)


def forget(name: str) -> None:
    """Forget what was computed with a model that has gone."""
    LOADED.pop(name, None)
    for cached in CACHES:
        if cached is not model:
            cached.forget(name)


def fall_back(error: BaseException) -> bool:
    """After the failure of a graphics processor: forget all that was computed there, to compute it again.
    False where an error is something else."""
    if not device.failed(error):
        return False
    for cached in CACHES:
        cached.cache_clear()
    return True


def trace(name: str, given: Given, edits: Edits = ()) -> Trace:
    """The run of a text, of an image as a link writes it, or of one of them and what the decoder reads."""
    check_given(name, given)  # first: before anything is looked up or computed
    return _trace(name, given, edits)


def check_given(name: str, given: Given) -> None:
    """A ValueError where a text is longer than any that is computed on, or holds what is no character. A limit
    in tokens is not enough: they are known only after the work, and a text can have few of them."""
    for text, read in zip((given,) if isinstance(given, str) else given, model(name).reads, strict=False):
        if len(text) > LONGEST:
            raise ValueError(
                f"the text has {len(text):,} characters; the most is {LONGEST:,}, and {name} can read "
                f"{read.context:,} tokens. Shorten it"
            )
        check_text(text)


def _size(trace: Trace) -> int:
    """About how many bytes a trace holds when every block of it was looked into."""
    first = trace.model.reads[0]
    read = [first.context if first.image else trace.ids.numel()]
    read += [] if trace.target is None else [trace.target.numel()]
    return 4 * sum(
        tokens * _numbers(stack, sum(read)) for stack, tokens in zip(trace.model.reads, read, strict=True)
    )


def _numbers(c: Config | RecurrentConfig, tokens: int) -> int:
    """About how many numbers a stack has for a token: in a block some twelve vectors, the MLP's three or four
    times, five matrices of a head; and the scores of the next."""
    if isinstance(c, RecurrentConfig):
        return 20 * c.width + 2 * c.vocabulary
    block = 12 * c.width + 8 * c.heads * c.head_width + 4 * c.mlp_width + 5 * c.heads * tokens
    return c.layers * block + 2 * c.vocabulary


@shared(TRACES, weight=_size)
def _trace(name: str, given: Given, edits: Edits) -> Trace:
    with no_panics():
        return _run(name, given, edits)


def _run(name: str, given: Given, edits: Edits) -> Trace:
    reader = model(name)
    look = _refuse_overflow if edits or _held(reader) else None  # those of the project's own are known to fit
    if isinstance(given, str):
        return engine.run(reader, pixels_or_text(reader, given), edits, wanted=_kept(reader, given), look=look)
    text, target = given
    target = target or list(written(name, text, (reader.start,)))
    wanted = _kept(reader, text, target)
    return engine.run(reader, pixels_or_text(reader, text), edits, target=target, wanted=wanted, look=look)


def _refuse_overflow(point: str, x: torch.Tensor) -> None:
    """A ValueError where a point holds what is no number: it has grown too large on the way. −∞ stands by right
    where a score is hidden."""
    if x.is_floating_point() and x.numel():
        low, high = x.aminmax()
        if not high < math.inf or (low == -math.inf and not point.endswith(".masked")):
            raise ValueError(f"the numbers of {point} grow larger than float32 can hold")


def _kept(reader, *read: str | list[int]) -> Callable[[str], bool]:
    """Which points are kept as a run goes: of few weights all, because all heads are shown at once, and to look
    for them afterwards would be a second run."""
    first = reader.reads[0]
    texts = read[1:] if first.image else read
    lengths = [len(x) if isinstance(x, list) else len(reader.tokenizer.encode(x)) for x in texts]
    longest = max([first.context] * bool(first.image) + lengths)
    heads = sum(c.layers * c.heads for c in reader.reads if isinstance(c, Config))
    return (lambda name: name.endswith(WEIGHTS)) if heads * longest <= KEPT else nothing


def pixels_or_text(reader, text: str):
    """A text as it is, or the pixels that it encodes."""
    if not reader.reads[0].image:
        return text
    return Pixels(from_signs(text, reader.reads[0].image, reader.prepare.palette))


@shared(PROMPTS)
def fitting(name: str, given: Given, edits: Edits) -> tuple[Edits, list[str]]:
    """Those of the edits that can be made in a run, and why each of the others cannot; not to be changed."""
    kept, refused = edits_that_fit(trace(name, given), edits)
    finite, why = _finite(name, given, (), kept)
    return finite, refused + why


def _finite(name: str, given: Given, kept: Edits, more: Edits) -> tuple[Edits, list[str]]:
    """`kept`, and as many of more edits as a run can have beside those before them; and why not the others."""
    try:
        trace(name, given, (*kept, *more))
        return (*kept, *more), []
    except ValueError as error:
        if len(more) < 2:
            return kept, [f"{error}, with {edit.op} at {edit.point}" for edit in more]
    half = len(more) // 2
    kept, why = _finite(name, given, kept, more[:half])
    kept, more_why = _finite(name, given, kept, more[half:])
    return kept, why + more_why


@shared(1000)
def merged(name: str, piece: bytes) -> list[list[bytes]]:
    """How the bytes of a piece are merged, step by step; not to be changed."""
    return merges(piece, model(name).tokenizer.ranks)


@shared(10_000)
def ways(name: str, word: str, count: int) -> list[tuple[float, list[str]]]:
    """The most probable ways to cut a word into entries of a Unigram vocabulary; not to be changed."""
    return model(name).tokenizer.cuts(word, count)


@shared(PROMPTS)
def cut(name: str, text: str) -> list[list[list[str]]]:
    """How the words of a text are cut, each step by step; not to be changed."""
    return [cuts(word, _known(name)) for word in model(name).tokenizer.words(text)]


@shared()
def _known(name: str) -> frozenset[str]:
    return frozenset(model(name).tokenizer.names.values())


@shared(PROMPTS)
def written(name: str, text: str, read: tuple[int, ...]) -> tuple[int, ...]:
    """The ids that an encoder–decoder's decoder reads: `read`, and what it then writes by itself."""
    reader = model(name)
    steps = engine.generate(reader, pixels_or_text(reader, text), target=list(read))
    return (*read, *(step.id for step in steps))


@shared(PROMPTS)
def corrupted(name: str, text: str, seed: int) -> tuple[spans.Lesson, tuple[Check, Check]]:
    """A text as a span filler would read it in training, by dice of a seed, and what the model makes of it; the
    checks of what was hidden and of the losses."""
    check_given(name, (text, ""))
    reader = model(name)
    with no_panics():
        one = spans.lesson(reader, reader.tokenizer.encode(text)[:-1], seed)
    hidden = check_sentinels(one.ids, reader.tokenizer.sentinels, one.read[:-1], one.wanted[:-1])
    return one, (hidden, check_losses(one.logits, one.wanted, one.losses))


@shared(40 * PROMPTS)
def checked(name: str, given: Given, point: str, edits: Edits = ()) -> Check:
    """The self-check of a whole tensor, in float64."""
    return check(trace(name, given, edits), point)


@shared(1000, run=False)
def formula(latex: str) -> str:
    """A formula as MathML, which the browser lays out itself."""
    return mathml(latex)


@shared(2000, run=False)
def marked(markdown: str) -> Tree:
    """A text as the tree of its elements."""
    return tree(markdown)


@shared(1000)
def neighbours(name: str, table: str, row: int) -> tuple[list[int], list[float]]:
    """The rows nearest to one in the model's table of tokens or of positions."""
    return analysis.nearest(model(name).get_submodule(table).weight, row, 6)


@shared(PROMPTS)
def flat(name: str, given: Given, point: str, edits: Edits = ()) -> np.ndarray:
    """The token vectors as points [T, 2]."""
    return analysis.flat_map(trace(name, given, edits)[point][0]).cpu().numpy()


@shared(PROMPTS)
def in_space(name: str, table: str, first: int) -> tuple[np.ndarray, float]:
    """All rows of a table of tokens as points [V, 3], along the first principal components of its first rows;
    and the share of those rows' variance that the three explain."""
    weight = model(name).get_submodule(table).weight
    points = analysis.project(weight, weight[:first], 3)
    return points.cpu().numpy(), analysis.spread(points[:first]) / analysis.spread(weight[:first])


@shared(PROMPTS)
def head_roles(name: str, given: Given, side: str, part: str, edits: Edits = ()) -> dict[str, np.ndarray]:
    """The score [L, H] of every head in each role; part: "attn" or "cross"."""
    return {role: x.numpy() for role, x in roles.of_run(trace(name, given, edits), side, part).items()}


@shared(PROMPTS)
def thumbnails(
    name: str,
    given: Given,
    points: tuple[str, ...],
    hidden: tuple[int, ...],
    weighted: bool,
    blocks: Blocks,
    edits: Edits = (),
) -> tuple[np.ndarray, bool]:
    """All heads of these points of weights, small, as `app.weights` packs them."""
    run = trace(name, given, edits)
    each = (weights.hatched(run, p, weights.weights_of(run, p, hidden, weighted)[0]) for p in points)
    return weights.thumbnails(np.concatenate([analysis.largest(all, *blocks) for all in each]))


@shared(PROMPTS)
def checked_heads(
    name: str,
    given: Given,
    side: str,
    part: str,
    hidden: tuple[int, ...],
    weighted: bool,
    blocks: Blocks,
    edits: Edits = (),
) -> Check:
    """The worst check of all heads' weights, of what was done to them, and of their roles."""
    run, start = trace(name, given, edits), f"{side}.blocks" if side else "blocks"
    found, checks = head_roles(name, given, side, part, edits), []
    for layer in range(run.model.get_submodule(side).config.layers):
        point = f"{start}.{layer}.{part}.pattern"
        shown, of = weights.weights_of(run, point, hidden, weighted)
        shown = weights.hatched(run, point, shown)
        in_blocks = derived.check_largest(shown, *blocks, analysis.largest(shown, *blocks))
        checks += [check(run, point), *of, in_blocks]
        seen = roles.seen_of(run, run[f"{start}.{layer}.{part}.mask"][0].cpu(), side, part)
        told = {role: scores[layer] for role, scores in found.items()}
        checks.append(derived.check_roles(run[point][0], seen, roles.CHANCE, told))
    return derived.worst(checks)


@shared(16)
def met(name: str) -> contextual.Met:
    """The words of the sentences that come with the project, as a model has them."""
    with no_panics():
        return contextual.meet(model(name), contextual.shipped().texts)


@shared(PROMPTS)
def rollout(name: str, given: Given, points: tuple[str, ...], edits: Edits = ()) -> tuple[np.ndarray, Check]:
    """Attention rollout [T, T] over these points of weights, and its check."""
    patterns = [trace(name, given, edits)[point][0] for point in points]
    shown = analysis.rollout(patterns)
    return shown.cpu().numpy(), derived.check_rollout(patterns, shown)


@shared(PROMPTS)
def stops(name: str, given: Given, side: str = "", edits: Edits = ()) -> tuple[np.ndarray, np.ndarray]:
    """Most probable token and its probability after each block [L + 1, T]."""
    ids, shares = analysis.lens(trace(name, given, edits), side)
    return ids.cpu().numpy(), shares.cpu().numpy()


@shared(PROMPTS)
def class_stops(name: str, given: Given, edits: Edits = ()) -> np.ndarray:
    """The probability of each class after each block [L + 1, C]."""
    return analysis.class_lens(trace(name, given, edits)).cpu().numpy()


@shared(1000)
def checked_neighbours(name: str, table: str, row: int) -> Check:
    return derived.check_nearest(model(name), table, row, *neighbours(name, table, row))


@shared(PROMPTS)
def checked_flat(name: str, given: Given, point: str, edits: Edits = ()) -> Check:
    return derived.check_map(trace(name, given, edits)[point][0], flat(name, given, point, edits))


@shared(PROMPTS)
def checked_space(name: str, table: str, first: int) -> Check:
    points, _ = in_space(name, table, first)
    return derived.check_map(model(name).get_submodule(table).weight, points, first)


@shared(10 * PROMPTS)
def checked_stops(name: str, given: Given, side: str, at: int, edits: Edits = ()) -> Check:
    """The check of `stops` at one position."""
    ids, shares = (found[:, at] for found in stops(name, given, side, edits))
    return check_lens(trace(name, given, edits), at, shares, side, ids)


@shared(PROMPTS)
def checked_class_stops(name: str, given: Given, edits: Edits = ()) -> Check:
    return check_lens(trace(name, given, edits), 0, class_stops(name, given, edits))


@shared(10 * PROMPTS)
def stop_by_hand(
    name: str, given: Given, side: str, stop: str, at: int, entry: int, shown: float, edits: Edits = ()
) -> Worked:
    """The arithmetic of one probability of the lens."""
    return work_lens(trace(name, given, edits), stop, at, entry, shown, side)


@shared(NUMBERS, weight=lambda steps: sum(x.numel() for x in steps.values()))
def sampled(
    name: str,
    given: Given,
    point: str,
    at: tuple[int, ...],
    decoding: Decoding,
    edits: Edits = (),
    there: tuple[int, ...] = (),
) -> dict[str, torch.Tensor]:
    """The sampler's steps from the scores of a point at one position (`at`; empty: the point has only one);
    there: the tokens that its repetition penalty makes less probable."""
    return steps_of(trace(name, given, edits)[point][(0, *at)].cpu(), decoding, there)


@shared(NUMBERS, weight=torch.Tensor.numel)
def answer(name: str, given: Given, point: str, at: tuple[int, ...], edits: Edits = ()) -> torch.Tensor:
    """The probability of every answer, at one position where there are several."""
    return trace(name, given, edits)[point][(0, *at)].cpu().double().softmax(-1)


@shared(10 * PROMPTS)
def choice_by_hand(
    name: str,
    given: Given,
    point: str,
    at: tuple[int, ...],
    decoding: Decoding,
    edits: Edits = (),
    there: tuple[int, ...] = (),
) -> Worked:
    """The arithmetic of the probability of an entry after temperature and cuts; `there` as in `sampled`."""
    shown = sampled(name, given, point, at[:-1], decoding, edits, there)["probabilities"]
    return work_choice(trace(name, given, edits), point, at, decoding, float(shown[at[-1]]), there)


@shared(10 * PROMPTS)
def checked_choice(
    name: str,
    given: Given,
    point: str,
    at: int,
    decoding: Decoding,
    edits: Edits = (),
    there: tuple[int, ...] = (),
) -> tuple[Check, Check]:
    """The checks of each entry's probability after temperature and cuts, and of the cumulative ones; `there` as
    in `sampled`."""
    steps = sampled(name, given, point, (at,), decoding, edits, there)
    logits, shown = trace(name, given, edits)[point][0, at], steps["probabilities"]
    together = shown.sort(descending=True).values.cumsum(-1)
    return (
        derived.check_choice(logits, decoding, shown, there),
        derived.check_cumulative(logits, decoding, together, there),
    )


@shared(PROMPTS)
def checked_run(name: str, given: Given, point: str, edits: Edits = ()) -> Check:
    """The whole run by the second route alone, up to a point."""
    return check_run(trace(name, given, edits), point)


@shared(1000)
def checked_promoted(name: str, side: str, layer: int, unit: int) -> Check:
    found = promoted(name, side, layer, unit)
    return derived.check_promoted(model(name), side, layer, unit, *found)


@shared(1000)
def promoted(name: str, side: str, layer: int, unit: int) -> tuple[list[int], list[float]]:
    """The tokens, or classes, that one MLP unit of a stack raises most."""
    return analysis.promotes(model(name).get_submodule(side), layer, unit, 6)


def _bytes(arrays: tuple[np.ndarray, ...]) -> int:
    return sum(array.nbytes for array in arrays)


@shared(LOOKS, weight=_bytes)
def cells(name: str, given: Given, point: str, blocks: Blocks, edits: Edits = ()) -> tuple[np.ndarray, ...]:
    """A point's vectors in blocks, each told by its entry that is largest in size, and where that stands.
    Not to be changed."""
    return analysis.pooled(_vectors(name, given, point, edits), *blocks)


def _vectors(name: str, given: Given, point: str, edits: Edits) -> np.ndarray:
    return trace(name, given, edits)[point][0].float().cpu().numpy()


@shared(40 * PROMPTS)
def checked_cells(name: str, given: Given, point: str, blocks: Blocks, edits: Edits = ()) -> Check:
    found = cells(name, given, point, blocks, edits)
    return derived.check_pooled(_vectors(name, given, point, edits), *blocks, *found)


@shared(LOOKS, weight=_bytes)
def heads(
    name: str, given: Given, point: str, blocks: Blocks, sized: bool, edits: Edits = ()
) -> tuple[np.ndarray]:
    """Attention weights [H, R, C] in blocks, each told by its largest; −∞ where all are masked. sized: times
    the size of the values. Not to be changed."""
    return (analysis.largest(_heads(name, given, point, sized, edits), *blocks),)


def _heads(name: str, given: Given, point: str, sized: bool, edits: Edits) -> np.ndarray:
    run = trace(name, given, edits)
    pattern = run[point][0]
    if sized:
        pattern = analysis.value_sized(pattern, run[point.removesuffix("pattern") + "v"][0])
    found = weights.hatched(run, point, pattern)
    return found if found.ndim == 3 else found[None]  # of an attention without heads


@shared(40 * PROMPTS)
def checked_in_blocks(
    name: str, given: Given, point: str, blocks: Blocks, sized: bool, edits: Edits = ()
) -> Check:
    """The check that what stands for a block of weights is its largest."""
    (found,) = heads(name, given, point, blocks, sized, edits)
    return derived.check_largest(_heads(name, given, point, sized, edits), *blocks, found)


@shared(LOOKS, weight=_bytes)
def best(
    name: str, given: Given, point: str, at: tuple[int, ...] | None, count: int, edits: Edits = ()
) -> tuple[np.ndarray, np.ndarray]:
    """The most probable answers [N, count] at these positions (None: there are no positions), and how probable
    they are; not to be changed."""
    scores = trace(name, given, edits)[point][0]
    shares = (scores[None] if at is None else scores[list(at)]).softmax(-1)
    found = shares.topk(min(count, shares.shape[-1]))
    return found.indices.cpu().numpy(), found.values.cpu().numpy()


@shared(LOOKS, weight=_bytes)
def probable(
    name: str, given: Given, point: str, at: tuple[int, ...] | None, count: int, edits: Edits
) -> tuple[np.ndarray]:
    """How probable those answers are without the what-ifs; not to be changed."""
    scores = trace(name, given)[point][0]
    shares = (scores[None] if at is None else scores[list(at)]).softmax(-1).cpu().numpy()
    ids, _ = best(name, given, point, at, count, edits)
    return (np.take_along_axis(shares, ids, -1),)


@shared(16)
def learned(text: str, kind: str, size: int) -> training.Trained:
    """A tokenizer that learned from a text."""
    with no_panics():
        return training.train(text, kind, size)


@shared(PROMPTS)
def checked_training(text: str, kind: str, size: int) -> tuple[bool, str]:
    """Whether the tokenizers library learns the same, and the sentence that says so."""
    return check_training(learned(text, kind, size), text)


@shared(16)
def replayed(text: str, kind: str, size: int) -> bytes:
    """All merges of a training, as the browser plays them."""
    return replay(learned(text, kind, size))
