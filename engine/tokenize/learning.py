"""How byte-pair encoding learns its vocabulary: the most frequent pair of neighbours becomes one part, again
and again (Sennrich et al. 2016)."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from operator import add
from typing import NamedTuple

Pair = tuple[str, str]
RIVALS = 8  # pairs that are remembered of each step, the chosen one among them


class Step(NamedTuple):
    """One merge.

    pair    the two neighbours that become one part
    count   how often they stood side by side in the text
    parts   how often each of them stood there
    tokens  of the whole text, after this merge
    rivals  the most frequent pairs of this moment, the chosen one first: (pair, count, score)
    """

    pair: Pair
    count: int
    parts: tuple[int, int]
    tokens: int
    rivals: tuple[tuple[Pair, int, float], ...]

    @property
    def score(self) -> float:
        """count(ab) / (count(a) · count(b)), by which WordPiece compares pairs (Schuster & Nakajima 2012)."""
        return self.rivals[0][2]


class Words:
    """The different words of a text, each in its parts, and how often parts and pairs of neighbours occur.

    A merge counts again only the words that it is in, and of those only where it is.
    """

    def __init__(self, words: Mapping[tuple[str, ...], int], ids: Mapping[str, int]):
        self.words, self.often, self.ids = [list(word) for word in words], list(words.values()), ids
        self.parts, self.pairs, self.tokens = Counter(), Counter(), 0
        self._where, self._changed = defaultdict(set), set()
        self._heap = []  # (−count, ids of the pair, pair); a count may be out of date
        for i in range(len(self.words)):
            self._count(i, self.words[i], 1)
        self._wait()

    def _count(self, i: int, parts: Sequence[str], sign: int) -> None:
        """Add parts of a word that stand side by side to the counts, or take them out."""
        n = sign * self.often[i]
        self.tokens += n * len(parts)
        for part in parts:
            self.parts[part] += n
        for pair in pairwise(parts):
            self.pairs[pair] += n
            self._changed.add(pair)
            if sign > 0:
                self._where[pair].add(i)

    def _wait(self) -> None:
        for a, b in self._changed:
            heapq.heappush(self._heap, (-self.pairs[a, b], self.ids[a], self.ids[b], (a, b)))
        self._changed.clear()

    def best(self, count: int) -> list[tuple[Pair, int, float]]:
        """The most frequent pairs, with their counts and scores; of equally frequent ones first that whose
        first part, then whose second part, is the older entry, as in the tokenizers library."""
        found = {}
        while self._heap and len(found) < count:
            entry = heapq.heappop(self._heap)
            if -entry[0] == self.pairs[entry[3]] > 0:
                found[entry[3]] = entry
        for entry in found.values():
            heapq.heappush(self._heap, entry)
        return [(pair, -entry[0], self._score(pair)) for pair, entry in found.items()]

    def _score(self, pair: Pair) -> float:
        return self.pairs[pair] / (self.parts[pair[0]] * self.parts[pair[1]])

    def merge(self, pair: Pair, joined: str) -> None:
        """Make one part of these neighbours, wherever they are."""
        for i in self._where.pop(pair):
            word, after = self.words[i], merged(self.words[i], pair, joined)
            if len(after) < len(word):
                start, end = _changes(word, after)
                self._count(i, word[start : len(word) - end], -1)
                self._count(i, after[start : len(after) - end], 1)
                self.words[i] = after
        self._wait()


def _changes(word: list[str], after: list[str]) -> tuple[int, int]:
    """How many parts of a word, before and after a merge, are the same at its beginning and at its end, but for
    the one beside the change, which gets another neighbour."""
    start = next(i for i, (a, b) in enumerate(zip(word, after, strict=False)) if a != b)
    end = next((i for i, (a, b) in enumerate(zip(word[::-1], after[::-1], strict=False)) if a != b), 0)
    return max(0, start - 1), max(0, min(end, len(after) - start - 1) - 1)


def merged(word: Sequence[str], pair: Pair, joined: str) -> list[str]:
    """A word after a merge, from left to right: of a a a the first two are joined."""
    parts, i, (a, b), last = [], 0, pair, len(word) - 1
    while i <= last:
        whole = word[i] == a and i < last and word[i + 1] == b
        parts.append(joined if whole else word[i])
        i += 1 + whole
    return parts


def learn(
    words: Mapping[tuple[str, ...], int],
    alphabet: Sequence[str],
    size: int,
    join: Callable[[str, str], str] = add,
) -> tuple[dict[str, int], list[Step]]:
    """The vocabulary (entry -> id) that byte-pair encoding learns, and its merges.

    words     the words of the text in their first parts, each with how often it occurs
    alphabet  the entries before any merge, in the order of their ids
    size      entries in all; fewer, where every word has become one part
    """
    ids = {entry: id for id, entry in enumerate(alphabet)}
    text, steps = Words(words, ids), []
    while len(ids) < size and (rivals := text.best(RIVALS)):
        pair, count, _ = rivals[0]
        joined, parts = join(*pair), (text.parts[pair[0]], text.parts[pair[1]])
        ids.setdefault(joined, len(ids))
        text.merge(pair, joined)
        steps.append(Step(pair, count, parts, text.tokens, tuple(rivals)))
    return ids, steps
