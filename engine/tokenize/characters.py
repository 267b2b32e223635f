"""A vocabulary of single characters, of the models that learn small tasks."""

import json
from collections.abc import Sequence
from pathlib import Path

import regex

from engine.tokenize.library import Vocabulary, check_text

MOST = 10_000  # entries


class CharacterTokenizer(Vocabulary):
    """A text cut into its characters; one that is not in the list is refused.

    letters  all characters, each once, the entry's place its id
    end      the character that closes a text; empty: none does
    """

    FILE = "characters.json"

    def __init__(self, letters: str, end: str = ""):
        if not letters or len(letters) > MOST or len(set(letters)) < len(letters):
            raise ValueError(
                f"a vocabulary of characters has 1 to {MOST:,}, each once; here are {len(letters):,}"
            )
        if len(end) > 1 or (end and end not in letters):
            raise ValueError(f"the character that ends a text is one of the vocabulary, not {end[:10]!r}")
        self.letters, self.end = check_text(letters), end
        self.ids = {letter: id for id, letter in enumerate(letters)}
        self.special: dict[str, int] = {}
        self.ends = (self.ids[end],) if end else ()

    @classmethod
    def read(cls, path: Path) -> "CharacterTokenizer":
        """From a JSON file: {"characters": "abc", "end": "."}."""
        try:
            told = json.loads(path.read_text("utf-8"))
        except (ValueError, RecursionError):
            raise ValueError(f"{path.name} is not JSON") from None
        match told:
            case {"characters": str(letters), "end": str(end)}:
                return cls(letters, end)
        raise ValueError(f"{path.name} must be an object with characters and end, both texts")

    def write(self, path: Path) -> None:
        """Save it, as `read` reads it."""
        told = {"characters": self.letters, "end": self.end}
        path.write_text(json.dumps(told, ensure_ascii=False) + "\n", encoding="utf-8")

    def __len__(self) -> int:
        return len(self.letters)

    def pieces(self, text: str) -> list[str]:
        """The characters of a text."""
        return list(check_text(text))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where each character begins and ends."""
        return [(at, at + 1) for at in range(len(self.pieces(text)))]

    def encode(self, text: str) -> list[int]:
        """The ids of a text's characters; a ValueError names the first that is not in the list."""
        strange = next((letter for letter in check_text(text) if letter not in self.ids), None)
        if strange is not None:
            known = " ".join(letter for letter in self.letters[:60] if regex.match(r"\S", letter))
            raise ValueError(
                f"this model knows only the characters that it learned from, and {strange!r} is none: {known}"
            )
        return [self.ids[letter] for letter in text]

    def decode(self, ids: Sequence[int]) -> str:
        """The characters of ids."""
        return "".join(self.letters[id] for id in ids)

    def bytes_of(self, id: int) -> bytes:
        """The bytes of an entry; a KeyError where there is none of that id."""
        if not 0 <= id < len(self):
            raise KeyError(f"there is no entry {id}; they go from 0 to {len(self) - 1}")
        return self.letters[id].encode()
