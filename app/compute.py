"""The only place with caches: what is expensive and shared between visitors, keyed by names and text.

Not Streamlit's caches: a hit in them costs a tenth of a millisecond, and a step makes dozens.
"""

import numpy as np
import torch

import engine
from app.edits import Edits
from app.edits import fitting as edits_that_fit
from app.markup import Tree, tree
from app.mathml import mathml
from app.shared import shared
from app.trouble import no_panics
from engine import analysis, device
from engine.decode import Decoding, steps_of
from engine.images import Pixels, from_signs
from engine.tokenize import merges
from engine.tokenize.merges import check_text
from engine.tokenize.wordpiece import cuts
from engine.trace import Trace
from engine.worked import Check, Worked, check, derived
from engine.worked.rerun import check_lens, check_run, work_choice, work_lens

Given = str | tuple[str, str]  # a text or an image in signs, and beside it what a decoder reads of it
LONGEST = 10_000  # characters of a text that is computed on
PROMPTS = 128  # of which something is remembered, for all visitors together
LOOKS = 48 * 2**20  # bytes of what is remembered of pictures of whole runs, of each kind
TOKENS = 4096  # of remembered traces; one whose every block was looked into holds 0.15 MB a token


@shared()
def model(name: str):
    torch.set_num_threads(1)  # many visitors, few cores: one thread each is fastest
    with no_panics():
        return engine.load(name)


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


def _read_by(trace: Trace) -> int:
    """Of how many tokens, or patches, a trace is."""
    first = trace.model.reads[0]
    tokens = first.context if first.image else trace.ids.numel()
    return tokens + (0 if trace.target is None else trace.target.numel())


@shared(TOKENS, weight=_read_by)
def _trace(name: str, given: Given, edits: Edits) -> Trace:
    with no_panics():
        return _run(name, given, edits)


def _run(name: str, given: Given, edits: Edits) -> Trace:
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


@shared(PROMPTS)
def fitting(name: str, given: Given, edits: Edits) -> tuple[Edits, list[str]]:
    """Those of the edits that can be made in a run, and why each of the others cannot; not to be changed."""
    return edits_that_fit(trace(name, given), edits)


@shared(1000)
def merged(name: str, piece: bytes) -> list[list[bytes]]:
    """How the bytes of a piece are merged, step by step; not to be changed."""
    return merges(piece, model(name).tokenizer.ranks)


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
    steps = engine.generate(reader, _read(reader, text), target=list(read))
    return (*read, *(step.id for step in steps))


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


@shared(PROMPTS)
def sampled(
    name: str, given: Given, point: str, at: tuple[int, ...], decoding: Decoding, edits: Edits = ()
) -> dict[str, torch.Tensor]:
    """The sampler's steps from the scores of a point at one position (`at`; empty: the point has only one)."""
    return steps_of(trace(name, given, edits)[point][(0, *at)].cpu(), decoding)


@shared(10 * PROMPTS)
def answer(name: str, given: Given, point: str, at: tuple[int, ...], edits: Edits = ()) -> torch.Tensor:
    """The probability of every answer, at one position where there are several."""
    return trace(name, given, edits)[point][(0, *at)].cpu().double().softmax(-1)


@shared(10 * PROMPTS)
def choice_by_hand(
    name: str, given: Given, point: str, at: tuple[int, ...], decoding: Decoding, edits: Edits = ()
) -> Worked:
    """The arithmetic of the probability of an entry after temperature and cuts."""
    shown = sampled(name, given, point, at[:-1], decoding, edits)["probabilities"]
    return work_choice(trace(name, given, edits), point, at, decoding, float(shown[at[-1]]))


@shared(10 * PROMPTS)
def checked_choice(
    name: str, given: Given, point: str, at: int, decoding: Decoding, edits: Edits = ()
) -> tuple[Check, Check]:
    """The checks of each entry's probability after temperature and cuts, and of the cumulative ones."""
    steps = sampled(name, given, point, (at,), decoding, edits)
    logits, shown = trace(name, given, edits)[point][0, at], steps["probabilities"]
    together = shown.sort(descending=True).values.cumsum(-1)
    return derived.check_choice(logits, decoding, shown), derived.check_cumulative(logits, decoding, together)


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


def _bytes(found: tuple) -> int:
    return sum(x.nbytes if isinstance(x, np.ndarray) else _bytes(x) for x in found)


def cells(
    run: Trace, point: str, sizes: tuple[int, int], before: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """A point's vectors in blocks, each told by its entry that is largest in size, and where that stands."""
    return analysis.pooled(run[point][0].float().cpu().numpy(), sizes, before)


def weights(
    run: Trace, point: str, rows: tuple[int, ...], columns: tuple[int, ...], sized: bool
) -> tuple[np.ndarray]:
    """Attention weights [H, R, C]: the largest from each of these rows, and columns, to the next; −∞ where all
    are masked. sized: times the size of the values."""
    found, masked = run[point][0], run[run.table[point].sources[0]][0]
    if sized:
        found = analysis.value_sized(found, run[point.removesuffix("pattern") + "v"][0])
    found, hidden = found.float().cpu().numpy(), masked.cpu().numpy() == -np.inf
    found = np.where(hidden, np.float32(-np.inf), found)
    for axis, starts in ((1, rows), (2, columns)):
        if len(starts) < found.shape[axis]:
            found = np.maximum.reduceat(found, starts, axis)
    return (found,)


@shared(LOOKS, weight=_bytes)
def glance(name: str, given: Given, wanted: tuple[tuple, ...], edits: Edits = ()) -> list[tuple]:
    """What a picture of the whole run shows: wanted are calls of `cells` and `weights`, [(function, point, …)],
    those of a block together. Not to be changed."""
    run = trace(name, given, edits)
    return [make(run, *of) for make, *of in wanted]


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


CACHES = [cached for cached in list(globals().values()) if hasattr(cached, "cache_clear")]
