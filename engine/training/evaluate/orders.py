"""What decoders can do that differ in their positions alone: reverse words, read on beyond the length that they
learned from, and tell where a character stands."""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.analysis import ends
from engine.model.transformer import Transformer
from engine.trace import run
from engine.training.data.orders import BEYOND, END, GIVEN, LEARNED, LETTERS, Words, ids_of, line_of
from engine.training.evaluate import causes
from engine.training.evaluate.baseline import Trigram
from engine.training.evaluate.causes import Cause, Heads, depends
from engine.training.evaluate.examples import best_head, without
from engine.training.evaluate.report import Score, mean, row
from engine.training.evaluate.report import share as share_of

REVERSED, BITS = "reversed", "bits per character"  # what the rows of the table begin with
ASKED, STRETCHES = 150, 160  # words of each length, stretches of the books; FEWEST: where only a part is asked
FEWEST = 10
FIRST = (32, 64, 128, 256)  # characters of a window
BIN = 8  # positions that share a point of the curve
AT_ONCE = 32  # windows
EXAMPLES = (5, 6, 7, 8)  # letters of the words
DIGITS = 7  # of the numbers by which a place is read off


# --- words reversed ------------------------------------------------------------------------------


def asked(words: Words, share: float, seed: int) -> Words:
    """Some held-out words of each length."""
    draw, most = random.Random(seed), max(FEWEST, int(share * ASKED))
    return {n: draw.sample(some, min(most, len(some))) for n, some in sorted(words.items())}


def reversing(model: Transformer, start: Transformer, words: Words, learned: Words) -> list[dict]:
    """Rows of the table: how many words are reversed to the letter, of the lengths that were learned
    and of longer ones, together and one by one. Beside it the random start, the word as it is, and the letter
    that the words of training have most often; chance: all letters, in any order."""
    ((letter, _),) = Counter(chain.from_iterable(chain.from_iterable(learned.values()))).most_common(1)
    guesses = {
        n: [*(written(one, some) for one in (model, start)), some, [letter * n] * len(some)]
        for n, some in words.items()
    }
    there = [[n for n in some if n in words] for some in (LEARNED, BEYOND)]
    spans = [span for some in there for span in (some, *([n] for n in some)) if span]
    rows = [_reversing(span, words, guesses) for span in spans]
    return list({one["name"]: one for one in rows}.values())


def _reversing(lengths: list[int], words: Words, guesses: dict[int, list[list[str]]]) -> dict:
    some = [word for n in lengths for word in words[n]]
    columns = zip(*(guesses[n] for n in lengths), strict=True)
    wrote = [list(chain.from_iterable(column)) for column in columns]
    right = [[guess == word[::-1] for guess, word in zip(each, some, strict=True)] for each in wrote]
    chance = float(np.mean([unordered(word) for word in some]))
    told = f"{lengths[0]} to {lengths[-1]}" if len(lengths) > 1 else lengths[0]
    return row(f"{REVERSED}, {told} letters", [*(share_of(hits, chance) for hits in right), None])


def unordered(word: str) -> float:
    """How probable it is that the letters of a word in a random order are the word reversed."""
    return math.prod(map(math.factorial, Counter(word).values())) / math.factorial(len(word))


@torch.inference_mode()
def written(model: Transformer, words: Sequence[str]) -> list[str]:
    """What the model writes after each of some words of one length, up to the end of the line or one character
    more than the word has: always the most probable one."""
    ids = torch.from_numpy(np.stack([ids_of(word + GIVEN) for word in words])).long()
    first = ids.shape[1]
    for _ in range(len(words[0]) + 1):
        ids = torch.cat([ids, model(ids)[:, -1:].argmax(-1)], 1)
    return ["".join(LETTERS[id] for id in each).partition(END)[0] for each in ids[:, first:].tolist()]


def probabilities(model: Transformer, words: Sequence[str], heads: Heads = ()) -> Tensor:
    """How probable each word [N] reversed is, as a whole, with some heads set to zero."""
    found = torch.zeros(len(words))
    for n in {len(word) for word in words}:
        places = [i for i, word in enumerate(words) if len(word) == n]
        ids = torch.from_numpy(np.stack([ids_of(line_of(words[i])) for i in places])).long()
        logs = run(model, ids[:, :-1], causes.without(heads))["logits"].log_softmax(-1)
        each = logs.gather(-1, ids[:, 1:, None])[:, -n - 1 :, 0]
        found[places] = each.sum(-1).exp()
    return found


# --- longer than in training ---------------------------------------------------------------------


def stretches(books: np.ndarray, share: float, length: int) -> Tensor:
    """Stretches of the books [N, length + 1], evenly apart."""
    count = max(FEWEST, int(share * STRETCHES))
    starts = np.linspace(0, len(books) - length - 1, count).astype(int)
    return torch.from_numpy(np.stack([books[a : a + length + 1] for a in starts])).long()


def shortcuts(books: np.ndarray, vocabulary: int) -> tuple[Callable[[Tensor], Tensor], Trigram]:
    """Two models that count: the characters alone, and three in a row. Called as a Transformer is."""
    logs = (torch.from_numpy(np.bincount(books, minlength=vocabulary)) + 1.0).log()
    return lambda ids: logs.expand(*ids.shape, -1), Trigram(books, vocabulary)


@torch.inference_mode()
def bits(model: Callable[[Tensor], Tensor], windows: Tensor) -> np.ndarray:
    """Bits of each character after the first of some windows [N, T + 1] -> [N, T]."""
    parts = []
    for some in windows.split(AT_ONCE):
        logits = model(some[:, :-1]).transpose(1, 2)
        parts.append(F.cross_entropy(logits, some[:, 1:], reduction="none") / math.log(2))
    return torch.cat(parts).double().numpy()


def losses(
    model: Transformer, start: Transformer, letters: Callable, trigram: Trigram, windows: Tensor
) -> tuple[list[dict], dict]:
    """Rows of the table: bits of a character among the first so many of a window, and further on; and the same
    by position, as a curve."""
    every = [bits(one, windows) for one in (model, start, letters, trigram)]
    length = windows.shape[1] - 1
    rows = [_bits(every, 0, end) for end in FIRST if end <= length]
    rows += [_bits(every, a, b) for a, b in pairwise(FIRST[1:]) if b <= length]
    bins = [(a, a + BIN) for a in range(0, length - BIN + 1, BIN)]
    points = [[_mean(each, a, b) for a, b in bins] for each in (every[0], every[3])]
    curve = {
        "size": BIN,
        "count": points[0][0].count,
        "bits": [point.value for point in points[0]],
        "intervals": [point.interval for point in points[0]],
        "3-gram": [point.value for point in points[1]],
    }
    return rows, curve


def _bits(every: list[np.ndarray], a: int, b: int) -> dict:
    model, start, letters, trigram = (_mean(each, a, b) for each in every)
    where = f"{a + 1} to {b}" if a else f"first {b}"
    return row(f"{BITS}, {where}", [model, start, None, letters, trigram], BITS)


def _mean(each: np.ndarray, a: int, b: int) -> Score:
    """The mean of the characters a … b − 1; whole windows are drawn again for its interval."""
    some = each[:, a:b]
    return mean(some.sum(1).tolist(), [some.shape[1]] * len(some), some.size)


# --- where a character stands --------------------------------------------------------------------


def places(model: Transformer, start: Transformer, fitted: Tensor, held: Tensor) -> list[dict]:
    """How well a character's place in a window is read off its vector by a line, before the first block and
    after each: a line is fitted to some windows [N, T] and asked of others. Beside it the same of the random
    start, and who always says the middle."""
    ours, theirs = ([_vectors(one, some) for some in (fitted, held)] for one in (model, start))
    found = []
    for i, (known, new, first, other) in enumerate(zip(*ours, *theirs, strict=True)):
        weights, offset = line(known)
        score, random_start = off(new, weights, offset), off(other, *line(first))
        found.append(
            {"after": i, "weights": weights.tolist(), "offset": offset, "error": score.value}
            | {"interval": score.interval, "random start": random_start.value, "count": score.count}
            | {"middle": float(np.abs(_middle(held.shape[1])).mean())}
        )
    return found


def _vectors(model: Transformer, windows: Tensor) -> list[np.ndarray]:
    """The stream [N, T, D] before the first block and after each."""
    trace = run(model, windows)
    return [trace[end].double().numpy() for end in ends(model.config)]


def _middle(length: int) -> np.ndarray:
    """How far each place is from the middle [T]."""
    return np.arange(length) - (length - 1) / 2


def line(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights [D] and an offset by which the place t is read off vectors [N, T, D]: least squares, held back a
    little (ridge)."""
    N, T, D = vectors.shape
    x, centre = vectors.reshape(-1, D), vectors.reshape(-1, D).mean(0)
    square = (x - centre).T @ (x - centre)
    square += 1e-4 * np.trace(square) / D * np.eye(D)
    weights = np.linalg.solve(square, (x - centre).T @ np.tile(_middle(T), N))
    weights = np.array([float(f"{w:.{DIGITS}g}") for w in weights])
    return weights, float(f"{(T - 1) / 2 - centre @ weights:.{DIGITS}g}")


def off(vectors: np.ndarray, weights: np.ndarray, offset: float) -> Score:
    """By how many places the line is off, on average."""
    each = np.abs(vectors @ weights + offset - np.arange(vectors.shape[1]))
    return mean(each.mean(1).tolist(), count=each.size)


def places_table(found: list[dict]) -> str:
    """The same in Markdown."""
    lines = ["| read off | n | off by | random start | always the middle |", "|:--|--:|--:|--:|--:|"]
    for one in found:
        low, high = one["interval"]
        where = f"after block {one['after'] - 1}" if one["after"] else "before block 0"
        told = f"{one['error']:.1f} ({low:.1f}–{high:.1f})"
        beside = f"{one['random start']:.1f} | {one['middle']:.1f}"
        lines.append(f"| {where} | {one['count']:,} | {told} | {beside} |")
    return "\n".join(lines)


# --- heads ---------------------------------------------------------------------------------------


def looks(model: Transformer, words: Words) -> Tensor:
    """How much each head [L, H] looks at the letter that is to be written next, on average over the letters of
    words of the lengths that were learned."""
    found, count = torch.zeros(model.config.layers, model.config.heads), 0
    for n in (n for n in LEARNED if n in words):
        ids = torch.from_numpy(np.stack([ids_of(line_of(word)) for word in words[n]])).long()[:, :-1]
        trace, t = run(model, ids), torch.arange(n)
        for layer in range(len(found)):
            pattern = trace[f"blocks.{layer}.attn.pattern"]  # [B, H, T, S]
            found[layer] += pattern[:, :, n + len(GIVEN) - 1 + t, n - 1 - t].sum((0, 2))
        count += n * len(words[n])
    return found / count


def looks_told(found: Tensor) -> str:
    """The best of them, in words."""
    layer, head = best_head(found[None])
    return f"head {head} of block {layer}, {found[layer, head]:.0%} on average"


def cause(model: Transformer, words: Words) -> Cause:
    """The heads without which words are reversed least."""
    some = [word for n in LEARNED for word in words.get(n, ())]
    random.Random(0).shuffle(some)
    return depends(model, some, probabilities, lambda before, after: before - after, causes.FALL)


# --- examples ------------------------------------------------------------------------------------


def examples(model: Transformer, words: Words, found: Tensor) -> Iterator[dict]:
    """A held-out word of each of some lengths, the first that comes out right, or else the first; where the
    head that looks most at the next letter looks there most, with that head."""
    layer, head = best_head(found[None])
    for n in (n for n in EXAMPLES if n in words):
        pairs = list(zip(words[n], written(model, words[n]), strict=True))
        word, wrote = next((pair for pair in pairs if pair[0] == pair[1][::-1]), pairs[0])
        right = wrote == word[::-1]
        wrong = f"“{word}”, not reversed: it writes “{wrote}”"
        note = f"“{word}” reversed, a word that was held out: {wrote}" if right else wrong
        yield (
            {"text": word + GIVEN, "note": note, "word": word, "writes": wrote}
            | (_looked(model, word, layer, head) if right else {})
        )


def _looked(model: Transformer, word: str, layer: int, head: int) -> dict:
    """Where a head looks before the first letter is written, and what is left of that letter without it."""
    text = word + GIVEN
    weights = run(model, text)[f"blocks.{layer}.attn.pattern"][0, head, -1]
    if int(weights.argmax()) != len(word) - 1:
        return {}
    place = dict(step="heads", layer=layer, head=head, token=len(text) - 1, key=len(word) - 1)
    return place | {"weight": float(weights.max())} | without(model, text, layer, head, place["token"])


def samples(model: Transformer, words: Words) -> str:
    """The first words of each length and what is written after them, in Markdown."""
    some = [(few[0], written(model, few[:1])[0]) for few in words.values()]
    return "\n".join(f"- {word} → `{guess or '∅'}`" for word, guess in some)
