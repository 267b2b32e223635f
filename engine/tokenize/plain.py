"""Tokenizers that learn nothing but a list: of characters, of words, or of the 256 bytes."""

import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import regex

from engine.tokenize.library import Vocabulary, check_text

SHIPPED = Path(__file__).parents[2] / "assets" / "tokenizers"
UNKNOWN = "<unk>"
WORD = r"\w+|[^\w\s]"  # a word, or a sign by itself; spaces are dropped


class Bytes(Vocabulary):
    """A text as its bytes in UTF-8: 256 entries, nothing is unknown, nothing is learned."""

    def __len__(self) -> int:
        return 256

    def encode(self, text: str) -> list[int]:
        """The bytes of a text."""
        return list(check_text(text).encode())

    def decode(self, ids: Sequence[int]) -> str:
        """The text of bytes; those that are no text become U+FFFD."""
        return b"".join(map(self.bytes_of, ids)).decode("utf-8", "replace")

    def bytes_of(self, id: int) -> bytes:
        """The byte of an id; a KeyError where there is none."""
        if not 0 <= id < 256:
            raise KeyError(f"there is no byte {id}")
        return bytes([id])


class Listed(Vocabulary):
    """A text cut by a pattern into parts that stand in a list, or are unknown.

    pattern  what one part is, as a regular expression
    joint    what stands between two parts when they are put together again
    lower    whether the text is read in small letters
    """

    def __init__(self, entries: Iterable[str], pattern: str, joint: str, lower: bool = False):
        self.entries = [UNKNOWN, *entries]
        self.ids = {entry: id for id, entry in enumerate(self.entries)}
        self.pattern, self.joint, self.lower, self.unknown = pattern, joint, lower, 0
        self._parts = regex.compile(pattern, regex.DOTALL)

    def __len__(self) -> int:
        return len(self.entries)

    def normal(self, text: str) -> str:
        """The text as it is cut."""
        return check_text(text).lower() if self.lower else check_text(text)

    def pieces(self, text: str) -> list[str]:
        """The parts of a text, known or not."""
        return self._parts.findall(self.normal(text))

    def encode(self, text: str) -> list[int]:
        """The ids of a text's parts; of those that are not in the list, the unknown's."""
        return [self.ids.get(part, 0) if part != UNKNOWN else 0 for part in self.pieces(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """The entries of ids, put together."""
        return self.joint.join(self.bytes_of(id).decode() for id in ids)

    def bytes_of(self, id: int) -> bytes:
        """The bytes of an entry; a KeyError where there is none of that id."""
        if not 0 <= id < len(self):
            raise KeyError(f"there is no entry {id}; they go from 0 to {len(self) - 1}")
        return self.entries[id].encode()


def characters(text: str) -> Listed:
    """The characters of a text as a vocabulary."""
    return Listed(sorted(set(check_text(text))), ".", "")


def words(known: Iterable[str]) -> Listed:
    """A vocabulary of whole words, in small letters."""
    found = dict.fromkeys(regex.findall(WORD, "\n".join(known).lower()))
    return Listed(found, WORD, " ", lower=True)


@cache
def excerpt() -> str:
    """The shipped text that small tokenizers learn from: nine chapters of Alice's Adventures in Wonderland."""
    return (SHIPPED / "alice.txt").read_text("utf-8")


@cache
def texts() -> dict[str, dict[str, str]]:
    """The shipped texts to try: `languages` (one sentence in twelve) and `ready`, name -> text."""
    return tomllib.loads((SHIPPED / "texts.toml").read_text("utf-8"))
