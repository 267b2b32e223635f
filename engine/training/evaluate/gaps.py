"""How well hidden spans are filled: bits a token, and single words of unseen sentences, beside counts."""

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from engine import masked
from engine.decode import beam_search
from engine.spans import fill, runs_of, told
from engine.tokenize.unigram import SENTINEL
from engine.tokenize.wordpiece import MASK
from engine.training.data.pairs import sentences_of
from engine.training.data.stretches import Stretches
from engine.training.evaluate.baseline import Trigram
from engine.training.evaluate.language import SEED
from engine.training.evaluate.report import Score, mean, row, share

COLUMNS = ("this model", "random start", "most frequent", "counts", "wordfinder")
ASKED, FEWEST, BEST = 500, 20, 5  # gaps; that are asked at least; guesses that count
BATCHES, ROWS = 40, 16  # batches of the test, and how many times a context's tokens each has
LENGTHS = 6, 40  # words of a sentence with a gap
WRITTEN = 8  # tokens for a gap, its sentinels included
INNER = re.compile(r"(?<= )[A-Za-z]+(?=[ ,.;:!?])")  # a word that stands behind a space
PARTS = re.compile(r"[A-Za-z']+|[^\sA-Za-z']")

Guess = Callable[["Gap"], list[str]]


@dataclass(frozen=True)
class Gap:
    """A sentence of which one word is hidden; `again`: the whole sentence stands before it."""

    before: str
    word: str
    after: str
    again: bool = False

    def text(self, sign: str) -> str:
        """With a sign in the word's place."""
        whole = f"{self.before}{self.word}{self.after} " if self.again else ""
        return f"{whole}{self.before}{sign}{self.after}"

    @property
    def beside(self) -> tuple[str, str]:
        """The words or signs on both sides."""
        return PARTS.findall(self.before)[-1], PARTS.findall(self.after)[0]


def questions(texts: Iterable[str], count: int, fits: Callable[[str], bool]) -> list[Gap]:
    """So many gaps, one in a sentence, no sentence twice: the same for the same texts."""
    found = dict.fromkeys(one for text in texts for one in sentences_of(text))
    low, high = LENGTHS
    some = [one for one in found if low <= len(one.split()) <= high and INNER.search(one) and fits(one)]
    draw = random.Random(f"{SEED} gaps")
    gaps = []
    for sentence in draw.sample(some, min(count, len(some))):
        word = draw.choice(list(INNER.finditer(sentence)))
        gaps.append(Gap(sentence[: word.start()], word[0], sentence[word.end() :]))
    return [gap for gap in gaps if fits(gap.text(SENTINEL.format(0)))]


class Counts:
    """Words between two others, by counts: how often between both; then how often beside each."""

    def __init__(self, texts: Iterable[str], gaps: Sequence[Gap]):
        pairs = {gap.beside for gap in gaps}
        lefts, rights = {left for left, _ in pairs}, {right for _, right in pairs}
        self.words: Counter[str] = Counter()
        self.between, self.behind, self.ahead = defaultdict(Counter), defaultdict(Counter), defaultdict(Counter)
        for text in texts:
            parts = PARTS.findall(text)
            self.words.update(part for part in parts if part.isalpha())
            for a, b in pairwise(parts):
                if a in lefts and b.isalpha():
                    self.behind[a][b] += 1
                if b in rights and a.isalpha():
                    self.ahead[b][a] += 1
            for a, b, c in zip(parts, parts[1:], parts[2:], strict=False):
                if (a, c) in pairs and b.isalpha():
                    self.between[a, c][b] += 1

    def common(self, gap: Gap) -> list[str]:
        """The most frequent words of all."""
        return [word for word, _ in self.words.most_common(BEST)]

    def best(self, gap: Gap) -> list[str]:
        """The best words by counts."""
        left, right = gap.beside
        both, behind, ahead = self.between[left, right], self.behind[left], self.ahead[right]
        found = {word: behind[word] * ahead[word] / self.words[word] for word in behind.keys() & ahead.keys()}
        ranked = sorted(found, key=lambda word: (-both[word], -found[word], word))
        return [*ranked, *self.common(gap)][:BEST]


def filled(model: nn.Module) -> Guess:
    """What a span filler writes, and then what it finds most probable besides."""

    @cache
    def guesses(gap: Gap) -> list[str]:
        text = gap.text(SENTINEL.format(0))
        first = fill(model, text, WRITTEN).spans[0]
        beams = beam_search(model, text, BEST, 0.0, BEST, WRITTEN)
        sentinels = model.tokenizer.sentinels
        runs = [runs_of(beam.ids, sentinels).get(sentinels[0], ()) for beam in beams]
        others = [told(model.tokenizer, run).strip() for run in runs]
        return list(dict.fromkeys([first, *others]))[:BEST]

    return guesses


def masked_by(model: nn.Module) -> Guess:
    """What an encoder finds most probable for a mask."""
    return lambda gap: [guess.text for guess in masked.fill(model, gap.text(MASK), BEST)[0]]


def rows_of(name: str, gaps: Sequence[Gap], guessers: dict[str, Guess]) -> list[dict]:
    """Rows of the table, exact match and among the five best; none of a column that is not asked."""
    asked = {column: [guess(gap) for gap in gaps] for column, guess in guessers.items()}
    words, rows = [gap.word for gap in gaps], []
    for most, what in ((1, "exact match"), (BEST, "top-5 accuracy")) if gaps else ():
        scores = [_right(asked[column], words, most) if column in asked else None for column in COLUMNS]
        rows.append(row(f"{name}, {what}", scores))
    return rows


def _right(answers: list[list[str]], words: list[str], most: int) -> Score:
    """How often a word is among so many first guesses, capitals aside."""
    pairs = zip(answers, words, strict=True)
    return share([word.lower() in (guess.lower() for guess in guesses[:most]) for guesses, word in pairs])


@torch.inference_mode()
def bits(models: Sequence[nn.Module], held: Stretches, counts: Trigram, batches: int) -> list[Score]:
    """Bits for each hidden token of unseen texts: of models, all of the target before it known; of how frequent
    it is; and of the two tokens before it in the whole text."""
    found: list[list[float]] = [[] for _ in range(len(models) + 2)]
    sizes: list[int] = []
    for step in range(batches):
        texts, hidden = held.drawn(SEED, step, ROWS, held.context)
        ids, target, labels = held.batch(SEED, step, ROWS, held.context)
        words = ~torch.isin(labels, torch.tensor([*held.tokenizer.sentinels, held.tokenizer.end]))
        sizes += words.sum(-1).tolist()
        for model, each in zip(models, found, strict=False):
            nats = -model(ids, target).log_softmax(-1).gather(-1, labels[..., None])[..., 0]
            each += ((nats * words).sum(-1) / math.log(2)).tolist()
        for text, gone in zip(texts, hidden, strict=True):
            places = np.flatnonzero(gone).tolist()
            found[-2].append(-sum(math.log2(counts.one[text[t]]) for t in places))
            found[-1].append(-sum(math.log2(counts.after(text[:t])[text[t]]) for t in places))
    return [mean(each, sizes, sum(sizes)) for each in found]
