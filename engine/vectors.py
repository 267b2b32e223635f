"""Fixed word vectors: one for each word, the same in every sentence (Mikolov et al. 2013)."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import regex
from safetensors.numpy import load_file, save_file

from engine.load.files import read_json

SHIPPED = Path(__file__).parents[1] / "assets" / "vectors"
FILE, WORDS, NAME = "vectors.safetensors", "words.txt", "vectors"
WORD = regex.compile(r"\p{L}+(?:['’]\p{L}+)*")


def words_of(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return [word.replace("’", "'") for word in WORD.findall(text.lower())]


@dataclass(frozen=True, eq=False)
class WordVectors:
    """The vector of each word [V, D]."""

    words: tuple[str, ...]
    table: np.ndarray

    @cached_property
    def ids(self) -> dict[str, int]:
        """The row of each word."""
        return {word: i for i, word in enumerate(self.words)}

    @cached_property
    def directions(self) -> np.ndarray:
        """The vectors at length 1 [V, D]."""
        return self.table / np.linalg.norm(self.table, axis=1, keepdims=True).clip(1e-12)

    def cosines(self, word: str) -> np.ndarray:
        """Of a word's vector with those of all words [V]; a KeyError where it has none."""
        return self.directions @ self.directions[self.ids[word]]

    def nearest(self, word: str, count: int) -> list[tuple[str, float]]:
        """The words whose vectors have the largest cosine with this word's, and the cosines."""
        found = self.cosines(word)
        best = np.argsort(-found, kind="stable")[: count + 1]
        return [(self.words[i], float(found[i])) for i in best if i != self.ids[word]][:count]

    def save(self, folder: Path) -> None:
        """Write the table in float16, and the words, a line each."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({NAME: self.table.astype(np.float16)}, folder / FILE)
        (folder / WORDS).write_text("\n".join(self.words) + "\n", encoding="utf-8")


def read(folder: Path) -> WordVectors:
    """The word vectors of a folder; a ValueError where table and words do not fit together."""
    words = tuple((folder / WORDS).read_text("utf-8").split())
    table = load_file(folder / FILE)[NAME].astype(np.float32)
    if table.ndim != 2 or len(table) != len(words):
        raise ValueError(f"{folder}: {FILE} has the shape {list(table.shape)} for {len(words):,} words")
    return WordVectors(words, table)


@cache
def shipped() -> WordVectors | None:
    """The word vectors that come with the project; None where they were not made."""
    return read(SHIPPED) if (SHIPPED / FILE).is_file() else None


@cache
def measured() -> dict:
    """What was measured of them; empty where there are none."""
    return read_json(SHIPPED / "scores.json") if (SHIPPED / "scores.json").is_file() else {}
