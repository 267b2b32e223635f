"""The vocabulary of a Hugging Face checkpoint: a tokenizer.json, run by the tokenizers library."""

import json
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer, pre_tokenizers

from engine.tokenize.merges import check_text


class JsonTokenizer:
    """A byte-level BPE tokenizer.json (GPT-2's layout)."""

    def __init__(self, path: Path):
        try:
            self.inner = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ValueError(f"{path.name} is not a tokenizer of the tokenizers library: {error}") from None
        parts = json.loads(self.inner.to_str())  # as the library normalises it: old files lack the type
        kind, cutter = parts["model"]["type"], parts["pre_tokenizer"] or {}
        cutters = [part.get("type") for part in (cutter, *cutter.get("pretokenizers", []))]
        if kind != "BPE" or "ByteLevel" not in cutters:
            raise ValueError(f"{path.name} is {kind} cut by {cutters[-1]}; only byte-level BPE is read here")
        self.inner.no_truncation()
        self.inner.no_padding()
        self.inner.encode_special_tokens = True  # special tokens typed in the text are plain text
        self.special = {t.content: i for i, t in self.inner.get_added_tokens_decoder().items()}

    @cached_property
    def ranks(self) -> dict[bytes, int]:
        """Token bytes -> how early it was learned; merges join the lowest first."""
        vocabulary = self.inner.get_vocab(with_added_tokens=False)
        return {_bytes(token): id for token, id in sorted(vocabulary.items(), key=lambda t: t[1])}

    def __len__(self) -> int:
        return self.inner.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, without special tokens around them."""
        return self.inner.encode(check_text(text), add_special_tokens=False).ids

    def decode(self, ids: list[int]) -> str:
        """The text of token ids; bytes that are no text become U+FFFD."""
        return b"".join(self.bytes_of(i) for i in ids).decode("utf-8", errors="replace")

    def bytes_of(self, id: int) -> bytes:
        """The bytes of one token; a KeyError if there is none of that id."""
        token = self.inner.id_to_token(id)
        if token is None:
            raise KeyError(f"there is no token {id}; ids go from 0 to {len(self) - 1}")
        return token.encode() if token in self.special else _bytes(token)

    def pieces(self, text: str) -> list[bytes]:
        """The pieces that merges never cross."""
        cut = self.inner.pre_tokenizer.pre_tokenize_str(check_text(text))
        return [_bytes(piece) for piece, _ in cut]


def _letters() -> dict[str, int]:
    """GPT-2's visible letters for the 256 bytes, letter -> byte (Radford et al. 2019)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}


LETTERS = _letters()
assert set(LETTERS) == set(pre_tokenizers.ByteLevel.alphabet())


def _bytes(token: str) -> bytes:
    return bytes(LETTERS[c] for c in token)
