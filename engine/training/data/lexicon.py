"""Which word of one language stands for which of another, learned from sentence pairs alone: IBM's model 1."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

ENGLISH = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")  # don't and Tom's are one word each
FRENCH = re.compile(r"\w+['’-]?|[^\w\s]")  # j' and as- are words of their own
ROUNDS = 5
NOTHING = ""  # what a word of the target can stand for that has no counterpart
TIGHT = re.compile(r"(?<=['’-]) | (?=[.,])")  # no blank is written there


@dataclass(frozen=True)
class Lexicon:
    """t(f | e): how probable each word f of the target is for each word e of the source (Brown et al. 1993).

    source, target  word, in lower case -> its number; NOTHING is a word of the source
    keys            e · number of target words + f, of those that occur together, sorted
    shares          t(f | e) of each
    """

    source: dict[str, int]
    target: dict[str, int]
    keys: np.ndarray
    shares: np.ndarray

    @staticmethod
    def of(pairs: Iterable[tuple[str, str]], rounds: int = ROUNDS) -> "Lexicon":
        """Learned in so many rounds of expectation and maximisation, from even shares on."""
        source, target = {NOTHING: 0}, {}
        rows = [
            (_numbers(source, [NOTHING, *words(one, ENGLISH)]), _numbers(target, words(two, FRENCH)))
            for one, two in pairs
        ]
        pairs_of_words = [np.add.outer(f, e * len(target)).ravel() for e, f in rows]  # all e of each f together
        keys, cells = np.unique(np.concatenate(pairs_of_words), return_inverse=True)
        sizes = np.concatenate([np.full(len(f), len(e)) for e, f in rows])
        starts, words_e = np.concatenate([[0], np.cumsum(sizes)[:-1]]), keys // len(target)
        shares = np.ones(len(keys))
        for _ in range(rounds):
            each = shares[cells]
            counts = np.bincount(cells, each / np.repeat(np.add.reduceat(each, starts), sizes))
            shares = counts / np.bincount(words_e, counts)[words_e]
        return Lexicon(source, target, keys, shares)

    def best(self) -> dict[str, str]:
        """The most probable target word of every source word."""
        names, found = list(self.target), {}
        firsts = np.searchsorted(self.keys, np.arange(len(self.source) + 1) * len(self.target))
        for word, number in self.source.items():
            some = slice(firsts[number], firsts[number + 1])
            found[word] = names[self.keys[some][self.shares[some].argmax()] % len(self.target)]
        return found

    def table(self, source: Sequence[str], target: Sequence[str]) -> np.ndarray:
        """t(f | e) [T, 1 + S] for the words of a pair, NOTHING first; 0 for those that never stood together."""
        found = np.zeros((len(target), 1 + len(source)))
        for j, f in enumerate(target):
            for i, e in enumerate([NOTHING, *source]):
                found[j, i] = self._share(e.lower(), f.lower())
        return found

    def _share(self, e: str, f: str) -> float:
        if e not in self.source or f not in self.target:
            return 0.0
        key = self.source[e] * len(self.target) + self.target[f]
        place = int(np.searchsorted(self.keys, key))
        return float(self.shares[place]) if place < len(self.keys) and self.keys[place] == key else 0.0


def words(text: str, pattern: re.Pattern) -> list[str]:
    """The words and signs of a text in lower case."""
    return pattern.findall(text.lower())


def word_for_word(lexicon: Lexicon, texts: Sequence[str]) -> Iterator[str]:
    """Each word's most probable translation, in the order of the source; what is not known is left out."""
    best = lexicon.best()
    for text in texts:
        found = TIGHT.sub("", " ".join(best[word] for word in words(text, ENGLISH) if word in best))
        yield found[:1].upper() + found[1:]


def _numbers(known: dict[str, int], some: list[str]) -> np.ndarray:
    return np.array([known.setdefault(word, len(known)) for word in some], dtype=np.int64)
