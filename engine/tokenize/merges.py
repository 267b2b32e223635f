"""Merges inside a word, step by step, and the tokens that share a character."""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import regex

from engine.tokenize.library import check_text

__all__ = ["MergeList", "check_text", "graphemes", "joins", "merges", "rank_of"]

T = TypeVar("T", bytes, str)
STEPS = 256  # bytes of a piece whose merges are listed one by one: the list is as long as their square


class MergeList(dict):
    """Token bytes -> id, of a vocabulary whose ids do not say in which order its merges were learned.

    order     two neighbours -> how early their merge was learned
    whole     pieces that are a token as they are
    letters   the entries that a piece begins with, where these are characters; empty: it begins with its bytes
    """

    def __init__(
        self,
        ids: dict[bytes, int],
        pairs: Iterable[tuple[bytes, bytes]],
        whole: Iterable[bytes] = (),
        letters: Iterable[bytes] = (),
    ):
        super().__init__(ids)
        self.order = {pair: n for n, pair in enumerate(pairs)}
        self.whole, self.letters = frozenset(whole), frozenset(letters)

    def first(self, piece: bytes) -> list[bytes]:
        """What a piece is before any merge."""
        if piece in self.whole:
            return [piece]
        if not self.letters:
            return _bytes(piece)
        characters = (c.encode(errors="surrogateescape") for c in piece.decode(errors="surrogateescape"))
        return [part for c in characters for part in ([c] if c in self.letters else _bytes(c))]


def _bytes(piece: bytes) -> list[bytes]:
    return [bytes([b]) for b in piece]


def rank_of(ranks: dict[bytes, int]) -> Callable[[bytes, bytes], int | None]:
    """A function from two neighbours to how early their merge was learned; None: they are never joined."""
    if isinstance(ranks, MergeList):
        return lambda a, b: ranks.order.get((a, b))
    return lambda a, b: ranks.get(a + b)


def merges(piece: bytes, ranks: dict[bytes, int]) -> list[list[bytes]]:
    """Byte-pair encoding of one piece, step by step: the first entry is its bytes, the last its tokens.

    In each step the neighbours whose merge was learned first become one part (Sennrich et al. 2016): those
    whose joined bytes have the lowest rank or, of a MergeList, that stand first in it. Of a piece of more than
    STEPS bytes there are the first and the last entry alone.
    """
    parts = ranks.first(piece) if isinstance(ranks, MergeList) else _bytes(piece)
    rank, steps = rank_of(ranks), [parts]
    if len(parts) > STEPS:
        return [parts, _joined(parts, rank)]
    while len(parts) > 1:
        learned = [rank(a, b) for a, b in itertools.pairwise(parts)]
        known = [i for i, n in enumerate(learned) if n is not None]
        if not known:
            break
        i = min(known, key=lambda i: learned[i])
        parts = [*parts[:i], parts[i] + parts[i + 1], *parts[i + 2 :]]
        steps.append(parts)
    return steps


def _joined(parts: list[bytes], rank: Callable[[bytes, bytes], int | None]) -> list[bytes]:
    """The last step of the merges alone."""
    ends = dict(enumerate(range(1, len(parts) + 1)))  # of each part that is left, by where it begins
    for _, i in joins(parts, rank):
        ends[i] = ends.pop(ends[i])
    return [parts[i][:0].join(parts[i:end]) for i, end in ends.items()]


def joins(parts: Sequence[T], rank: Callable[[T, T], int | None]) -> Iterator[tuple[int, int]]:
    """The merges of a piece, in their order: when each was learned, and at which of the first parts the left
    one of the two begins. Neighbours wait in a heap, so that a long piece costs little more than its length."""
    parts, after = list(parts), list(range(1, len(parts) + 1))
    before, heap = list(range(-1, len(parts) - 1)), []

    def wait(i: int) -> None:
        j = after[i] if i >= 0 else len(parts)
        if j < len(parts) and (n := rank(parts[i], parts[j])) is not None:
            heapq.heappush(heap, (n, i, parts[i], parts[j]))

    for i in range(len(parts) - 1):
        wait(i)
    while heap:
        n, i, a, b = heapq.heappop(heap)
        j = after[i]
        if j >= len(parts) or (parts[i], parts[j]) != (a, b):
            continue  # one of them has become part of another
        parts[i], parts[j], after[i] = a + b, a[:0], after[j]
        yield n, i
        if after[i] < len(parts):
            before[after[i]] = i
        wait(before[i])
        wait(i)


def graphemes(tokens: list[bytes]) -> list[tuple[str, list[int]]]:
    """Group tokens so that no character a person sees is cut: (text, indices of its tokens).

    A group is one token where tokens end at character ends, several where a character spans them.
    Invalid UTF-8 is shown as U+FFFD.
    """
    text = b"".join(tokens).decode("utf-8", errors="replace")
    if text.encode() != b"".join(tokens):  # broken bytes: no characters to group by
        return [(t.decode("utf-8", errors="replace"), [i]) for i, t in enumerate(tokens)]
    ends = set()
    at = 0
    for character in regex.findall(r"\X", text):
        at += len(character.encode())
        ends.add(at)
    groups, start, at = [], 0, 0
    for i, token in enumerate(tokens):
        at += len(token)
        if at in ends or i == len(tokens) - 1:
            groups.append((b"".join(tokens[start : i + 1]).decode(), list(range(start, i + 1))))
            start = i + 1
    return groups
