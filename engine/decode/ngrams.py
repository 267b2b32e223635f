"""n-grams: the next word by counting what followed the last one, two or three words in a text (Shannon 1948).

The last words choose a die. Its sides are the words that followed them, each as wide as it was frequent.
"""

import lzma
from dataclasses import dataclass
from functools import cache
from numbers import Integral
from pathlib import Path

import numpy as np
import regex
import torch
from safetensors.numpy import load as unpack
from safetensors.numpy import save as pack

from engine.decode.choosing import draw
from engine.tokenize.bpe import SPLIT

SHIPPED = Path(__file__).parents[2] / "assets" / "ngrams" / "books.safetensors.xz"
PIECES = regex.compile(SPLIT)  # a word with the space before it, a number, signs, or spaces: together the text
DISCOUNT = 1.6  # taken off a count, and given to shorter contexts (Ney et al. 1994)
SHARE = 0.75  # of a count, that at most is taken off
EDGE = 256  # in spellings: before the first and after the last byte
SMALL = 0.05  # added to every count of a spelling


@dataclass(frozen=True, eq=False)
class Followers:
    """Which word followed which words, how often: runs of n + 1 words, n = 1, 2, …

    keys    row · V + word, ascending [N]: the row of the first n words among the runs of n, and the last word
    counts  of each [N]
    """

    keys: np.ndarray
    counts: np.ndarray


class Ngrams:
    """Counts of words, and of what followed one, two, … of them; what is rare is left out.

    words     the known words; every other is `unknown`, spelled byte by byte
    counts    how often each was there, the unknown last [V]
    longer    a Followers for runs of 2, of 3, … words, none of them empty
    spelling  how often a byte followed another in unknown words [257, 257]
    measured  bits per byte of text that was not counted, from the last 0, 1, … words; empty: not measured
    """

    measured: tuple[float, ...] = ()

    def __init__(self, words: list[str], counts: np.ndarray, longer: list[Followers], spelling: np.ndarray):
        self.words, self.counts, self.longer, self.spelling = words, counts, longer, spelling
        self.ids = {word: id for id, word in enumerate(words)}
        self.V, self.unknown = len(counts), len(words)
        self.rest = [
            self._rest(n) for n in range(len(longer))
        ]  # of each row, what is left for shorter contexts

    def _rest(self, n: int) -> np.ndarray:
        table, before = self.longer[n], self._counts(n)
        taken = np.bincount(table.keys // self.V, _less(table.counts), minlength=len(before))
        return 1 - taken / np.maximum(before, 1)

    def _counts(self, n: int) -> np.ndarray:
        """How often each run of n + 1 words was there."""
        return self.counts if n == 0 else self.longer[n - 1].counts

    def split(self, text: str) -> list[int]:
        """The ids of a text's words."""
        return [self.ids.get(piece, self.unknown) for piece in PIECES.findall(text)]

    def followers(self, before: list[int], n: int) -> tuple[np.ndarray, np.ndarray]:
        """The words that followed the last n of `before`, and how often, the most frequent first; n = 0: every
        known word."""
        if n == 0:
            words, counts = np.arange(self.unknown), self.counts[:-1]
        else:
            row = self._row(before[-n:]) if len(before) >= n else None
            words, counts = self._after(row, n)
        order = np.argsort(-counts, kind="stable")
        return words[order], counts[order]

    def _after(self, row: int | None, n: int) -> tuple[np.ndarray, np.ndarray]:
        if row is None or n > len(self.longer):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        table = self.longer[n - 1]
        a, b = np.searchsorted(table.keys, [row * self.V, (row + 1) * self.V])
        return table.keys[a:b] % self.V, table.counts[a:b]

    def _row(self, words: list[int]) -> int | None:
        """Where a run of words stands in its table; None: it was not there, or was left out."""
        row = words[0]
        for table, word in zip(self.longer, words[1:], strict=False):
            key = row * self.V + word
            row = int(np.searchsorted(table.keys, key))
            if row == len(table.keys) or table.keys[row] != key:
                return None
        return row

    def probabilities(self, before: list[int], n: int = 3) -> np.ndarray:
        """The probability of every word after `before` [V], the unknown last, from its last n words: counts
        less a discount, which goes to the probabilities from one word less."""
        p = self.counts / self.counts.sum()
        for k in range(1, min(n, len(self.longer), len(before)) + 1):
            row = self._row(before[-k:])
            if row is None:
                break
            words, counts = self._after(row, k)
            p = p * self.rest[k - 1][row]
            p[words] += _less(counts) / self._counts(k - 1)[row]
        return p

    def times(self, before: list[int], n: int) -> int:
        """How often the last n of `before` were there together, whatever followed; n = 0: all known words."""
        if n == 0:
            return int(self.counts[:-1].sum())
        row = self._row(before[-n:]) if 0 < n <= min(len(before), len(self.longer)) else None
        return 0 if row is None else int(self._counts(n - 1)[row])

    def throw(self, before: list[int], n: int, u: float) -> int:
        """The word on which u, 0 ≤ u < 1, falls on the die of the last n words: first its sides, the widest
        first, as wide as the words that followed were frequent; what is left of it is the words that were too
        rare to be kept, for which the die of one word less is thrown, with u's place among them."""
        words, counts = self.followers(before, n)
        if n == 0:
            return int(words[draw(torch.from_numpy(counts / counts.sum()), u)])
        kept = counts.sum() / max(1, self.times(before, n))
        if u < kept:
            return int(words[draw(torch.from_numpy(counts / counts.sum()), u / kept)])
        return self.throw(before, n - 1, (u - kept) / (1 - kept))

    def write(self, text: str, count: int, n: int = 3, seed: int = 0) -> list[str]:
        """The next `count` words after a text, each thrown with the die of the last n; the same seed gives the
        same words."""
        for name, value in (("count", count), ("n", n), ("seed", seed)):
            if not isinstance(value, Integral) or isinstance(value, bool) or not 0 <= value < 2**63:
                raise ValueError(f"{name} is {value!r}; it is a whole number from 0 upwards")
        ids, random, written = self.split(text), torch.Generator().manual_seed(seed), []
        for _ in range(count):
            u = torch.rand((), generator=random, dtype=torch.float64).item()
            ids.append(self.throw(ids, min(n, len(ids), len(self.longer)), u))
            written.append(self.words[ids[-1]])
        return written

    def bits(self, text: str, n: int = 3) -> np.ndarray:
        """−log2 of the probability of each word of a text after the n before it [N]; an unknown word costs its
        spelling, too."""
        ids = np.array(self.split(text), np.int64)
        p = self.counts[ids] / self.counts.sum()
        row = ids  # of the run of k words that ends at each place; −1: it was not there
        known = np.ones(len(ids), bool)  # whether the words before were there
        for k in range(1, min(n, len(self.longer)) + 1):
            before = np.concatenate([[-1], row[:-1]])[: len(ids)]
            known, table = known & (before >= 0), self.longer[k - 1]
            key = before * self.V + ids
            place = np.minimum(np.searchsorted(table.keys, key), len(table.keys) - 1)
            hit = known & (table.keys[place] == key)
            own = np.where(hit, _less(table.counts[place]), 0)
            mixed = own / np.maximum(self._counts(k - 1)[before], 1) + self.rest[k - 1][before] * p
            p = np.where(known, mixed, p)
            row = np.where(hit, place, -1)
        spelled = [
            self._spelled(x) if id == self.unknown else 0.0
            for x, id in zip(PIECES.findall(text), ids, strict=True)
        ]
        return -np.log2(p) + np.array(spelled)

    def bits_per_byte(self, text: str, n: int = 3) -> float:
        """Bits that a byte of a text costs on average."""
        return float(self.bits(text, n).sum()) / max(1, len(text.encode()))

    def _spelled(self, word: str) -> float:
        """−log2 of the probability of an unknown word's bytes."""
        path = np.array([EDGE, *word.encode(), EDGE])
        counts = self.spelling + SMALL
        shares = counts[path[:-1], path[1:]] / counts.sum(-1)[path[:-1]]
        return -float(np.log2(shares).sum())

    def save(self, path: Path) -> None:
        """Write all of it, in few bytes."""
        words = "\0".join(self.words).encode()
        told = {"words": np.frombuffer(words, np.uint8), "counts": _planes(self.counts, 4)}
        told["measured"] = np.array(self.measured)
        told["spelling"] = _planes(self.spelling.ravel(), 4)
        for n, table in enumerate(self.longer, 2):
            gaps = np.diff(table.keys, prepend=0)
            told |= {f"{n}.gaps": _planes(gaps, 8), f"{n}.counts": _planes(table.counts, 4)}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lzma.compress(pack(told), preset=9 | lzma.PRESET_EXTREME))

    @classmethod
    def read(cls, path: Path) -> "Ngrams":
        """What `save` wrote; a ValueError if it is no such file."""
        try:
            told = unpack(lzma.decompress(path.read_bytes()))
            words = told["words"].tobytes().decode().split("\0")
            longer = []
            while (n := len(longer) + 2) and f"{n}.gaps" in told:
                keys = np.cumsum(_whole(told[f"{n}.gaps"]))
                longer.append(Followers(keys, _whole(told[f"{n}.counts"])))
            spelling = _whole(told["spelling"]).reshape(EDGE + 1, EDGE + 1)
            found = cls(words, _whole(told["counts"]), longer, spelling)
        except Exception as error:
            raise ValueError(f"{path.name} holds no counts of words: {error}") from None
        found.measured = tuple(told["measured"].tolist())
        return found


def _less(counts: np.ndarray) -> np.ndarray:
    return counts - np.minimum(DISCOUNT, SHARE * counts)


def _planes(x: np.ndarray, size: int) -> np.ndarray:
    """Whole numbers as planes of bytes [size, N], the low bytes first: so they pack well."""
    return np.ascontiguousarray(x.astype(f"<u{size}").view(np.uint8).reshape(-1, size).T)


def _whole(planes: np.ndarray) -> np.ndarray:
    """What `_planes` was made from, as int64 [N]."""
    size = len(planes)
    return np.ascontiguousarray(planes.T).view(f"<u{size}")[:, 0].astype(np.int64)


@cache
def shipped() -> Ngrams:
    """The counts of the books that the shipped language models learned from."""
    return Ngrams.read(SHIPPED)
