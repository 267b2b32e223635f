"""Counts words and what follows them in a folder of texts: python -m engine.training.ngrams FOLDER [FILE]"""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from engine.decode.ngrams import EDGE, PIECES, SHIPPED, Followers, Ngrams
from engine.training.data.corpus import named, split_files, texts_of

LEAST = (5, 3, 4, 4)  # a word, a run of two, of three, of four is counted from so many on


def count(texts: Iterable[str], least: tuple[int, ...] = LEAST) -> Ngrams:
    """The n-grams of texts, each with its own beginning; `least`: as LEAST, one for each length.

    A run is left out where its beginning is, or where a word of it is unknown.
    """
    pieces = [PIECES.findall(text) for text in texts]
    often = Counter(piece for text in pieces for piece in text)
    words = [word for word, n in often.most_common() if n >= least[0] and "\0" not in word]
    ids = {word: id for id, word in enumerate(words)}
    V, spelling = len(words) + 1, np.zeros((EDGE + 1, EDGE + 1), np.int64)
    for word, n in often.items():
        if word not in ids:
            path = [EDGE, *word.encode(), EDGE]
            np.add.at(spelling, (path[:-1], path[1:]), n)
    rows = [np.array([ids.get(piece, V - 1) for piece in text], np.int64) for text in pieces]
    counts = np.bincount(np.concatenate(rows), minlength=V)
    counts[-1] = max(1, counts[-1])  # there is always more than what was seen
    longer, row = [], rows  # of the run that ends at each place; −1: left out
    for fewest in least[1:]:
        before = [np.concatenate([[-1], own[:-1]]) for own in row]
        keys = [np.where((b >= 0) & (r < V - 1), b * V + r, -1) for b, r in zip(before, rows, strict=True)]
        if not longer:
            keys = [np.where(b < V - 1, key, -1) for b, key in zip(before, keys, strict=True)]
        every, seen = np.unique(np.concatenate(keys), return_counts=True)
        kept = (seen >= fewest) & (every >= 0)
        if not kept.any():
            break
        table = Followers(every[kept], seen[kept])
        longer.append(table)
        row = [_places(table.keys, key) for key in keys]
    return Ngrams(words, counts, longer, spelling)


def _places(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each of `wanted` stands in ascending keys; −1: nowhere."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, -1)


def main() -> None:
    """Count all texts but those held out, measure on those, and write the file."""
    folder, *more = map(Path, sys.argv[1:])
    file = more[0] if more else SHIPPED
    train, held_out = split_files(folder, None, 0)  # as a language model is trained
    found = count(texts_of(train))
    text = "\n".join(texts_of(held_out))
    found.measured = tuple(found.bits_per_byte(text, n) for n in range(len(found.longer) + 1))
    found.save(file)
    sizes = [found.unknown, *(len(table.keys) for table in found.longer)]
    print(f"{file}: {file.stat().st_size:,} bytes; words, runs of two, three, …: {sizes}")
    print(f"held out: {named(held_out)}, {len(text.encode()):,} bytes")
    for n, bits in enumerate(found.measured):
        print(f"from the last {n} words: {bits:.3f} bits per byte")


if __name__ == "__main__":
    main()
