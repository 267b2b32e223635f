"""Byte-level BPE from a rank file, run by tiktoken."""

import base64
from functools import cached_property
from pathlib import Path

import regex
import tiktoken

from engine.tokenize.library import Vocabulary, check_text, said

# Where text is split before any merge: contractions, words with their space, numbers, signs, spaces.
SPLIT = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
END, START, BEGIN = "<|endoftext|>", "<|startoftext|>", "<|begin|>"


class RankTokenizer(Vocabulary):
    """A tiktoken.Encoding over `ranks` (token bytes -> id), with END as the entry after the last rank."""

    names: tuple[str, ...] = (END,)  # of the special tokens, in the order of their ids
    prefix: tuple[int, ...] = ()  # the ids that stand before every text

    def __init__(self, ranks: dict[bytes, int], split: str = SPLIT):
        self.ranks, self.split = ranks, split
        self.special = {name: len(ranks) + i for i, name in enumerate(self.names)}
        self.ends = (self.special[END],)
        self.encoding = tiktoken.Encoding(
            "glassbox", pat_str=split, mergeable_ranks=ranks, special_tokens=self.special
        )

    @classmethod
    def read(cls, path: Path) -> "RankTokenizer":
        """From a tiktoken rank file: base64 of the token's bytes, a space, its rank, one per line."""
        ranks = {}
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                token, rank = line.split()
                ranks[base64.b64decode(token, validate=True)] = int(rank)
            except ValueError:
                raise ValueError(f"{path.name}, line {number}: {line[:40]!r} is not 'base64 rank'") from None
        if sorted(ranks.values()) != list(range(len(ranks))):
            raise ValueError(f"{path.name}: the ranks must be 0, 1, 2, … without a gap")
        lacking = [byte for byte in range(256) if bytes([byte]) not in ranks]
        if lacking:
            raise ValueError(f"{path.name} has no entry for the byte {lacking[0]}; it needs all 256")
        return cls(ranks)

    def write(self, path: Path) -> None:
        """Save the entries and their ranks, in tiktoken's format."""
        lines = (base64.b64encode(t) + f" {r}".encode() for t, r in self.ranks.items())
        path.write_bytes(b"\n".join(lines) + b"\n")

    def __len__(self) -> int:
        return len(self.ranks) + len(self.special)

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`; a special token spelled out in it is plain text."""
        return self.encode_file(check_text(text))

    def encode_file(self, text: str) -> list[int]:
        """The same of a text of any length, without what stands before or after a whole one."""
        with said("tiktoken cannot read this text"):
            return self.encoding.encode_ordinary(check_text(text, len(text)))

    def decode(self, ids: list[int]) -> str:
        """The text of token ids; bytes that are no text become U+FFFD."""
        return b"".join(map(self.shown, ids)).decode("utf-8", errors="replace")

    def bytes_of(self, id: int) -> bytes:
        """The bytes of one token; a KeyError where there is none of that id."""
        if not 0 <= id < len(self):
            raise KeyError(f"there is no token {id}; ids go from 0 to {len(self) - 1}")
        return self.encoding.decode_single_token_bytes(id)

    def pieces(self, text: str) -> list[bytes]:
        """The pieces that merges never cross."""
        return [p.encode() for p in self._pattern.findall(check_text(text))]

    @cached_property
    def _pattern(self):
        return regex.compile(self.split)


class BeginTokenizer(RankTokenizer):
    """The same with BEGIN before every text, as newer models have it."""

    names = (END, BEGIN)

    @property
    def prefix(self) -> tuple[int, ...]:
        """The id of BEGIN."""
        return (self.special[BEGIN],)

    def encode(self, text: str) -> list[int]:
        """BEGIN and the token ids of `text`; a special token spelled out in it is plain text."""
        return [*self.prefix, *super().encode(text)]


class SentenceTokenizer(RankTokenizer):
    """The same for models that read one text and write another: END after every text, and START, the entry
    after it, with which a decoder begins."""

    names = (END, START)

    @property
    def start(self) -> int:
        """The id of the token that a decoder reads first."""
        return self.special[START]

    @property
    def end(self) -> int:
        """The id of the token that ends a sentence."""
        return self.special[END]

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, END last; a special token spelled out in it is plain text."""
        return [*super().encode(text), self.end]
