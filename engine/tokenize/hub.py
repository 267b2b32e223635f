"""The vocabulary of a checkpoint from elsewhere: a tokenizer.json, run by the tokenizers library."""

import re
from functools import cached_property
from itertools import groupby
from pathlib import Path

from tokenizers import pre_tokenizers

from engine.tokenize.library import LONGEST, JsonVocabulary, told
from engine.tokenize.merges import MergeList

SPACE = "▁"  # how SentencePiece writes a space (Kudo & Richardson 2018)
BYTE = re.compile(r"<0x([0-9A-F]{2})>")  # how it writes an entry for a single byte
PARTS = ("normalizer", "pre_tokenizer", "decoder")


class JsonTokenizer(JsonVocabulary):
    """A BPE tokenizer.json: byte-level (GPT-2's layout, LLaMA 3's), or of characters with ▁ for a space (LLaMA
    2's). The tokens that its post-processor puts around a text are put there; a special token spelled out in
    the text is text."""

    def __init__(self, path: Path):
        super().__init__(path)
        model, cutters = self.parts["model"], steps_of(self.parts["pre_tokenizer"])
        steps = [step for part in PARTS for step in steps_of(self.parts[part])]
        self.byte_level = any(
            step["type"] == "ByteLevel" for step in (*steps_of(self.parts["normalizer"]), *cutters)
        )
        if model["type"] != "BPE" or not (self.byte_level or any(map(_writes_spaces, steps))):
            cut = cutters[-1]["type"] if cutters else None
            raise ValueError(
                f"{path.name} is {model['type']} cut by {cut}; only byte-level BPE, or BPE that writes spaces "
                f"as {SPACE}, is read here"
            )
        for setting in ("continuing_subword_prefix", "end_of_word_suffix"):
            if model.get(setting):
                raise ValueError(f"{path.name} has {setting} {model[setting]!r}: only BPE without is read here")
        self.inner.encode_special_tokens = True
        self.strips = 0 if self.byte_level else max(map(_strips, steps_of(self.parts["decoder"])), default=0)

    @cached_property
    def ranks(self) -> MergeList:
        """Token bytes -> id, with the merges in the order in which they were learned."""
        model, plain = self.parts["model"], self.inner.get_vocab(with_added_tokens=False)
        ids = {self._bytes(token): id for token, id in sorted(plain.items(), key=lambda t: t[1])}
        pairs = [tuple(map(self._bytes, pair)) for pair in model["merges"]]
        whole = [self._bytes(token) for token in plain] if model.get("ignore_merges") else []
        whole += [name.encode() for name in self.added if name not in self.special]
        letters = [] if self.byte_level else [self._bytes(token) for token in plain if len(token) == 1]
        return MergeList(ids, pairs, whole, letters)

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, between those that the post-processor puts around it."""
        return self.run(text, ends=True).ids

    def decode(self, ids: list[int]) -> str:
        """The text of token ids; bytes that are no text become U+FFFD."""
        if not self.byte_level:
            return told(self, ids)
        return b"".join(map(self.shown, ids)).decode("utf-8", errors="replace")

    def bytes_of(self, id: int) -> bytes:
        """The bytes of one token; a KeyError where there is none of that id."""
        token = self.token(id)
        return token.encode() if token in self.added else self._bytes(token)

    def is_byte(self, id: int) -> bool:
        """Whether an entry is written as a single byte, <0xE2>."""
        return not self.byte_level and bool(BYTE.fullmatch(self._entries.get(id, "")))

    def pieces(self, text: str) -> list[bytes]:
        """The pieces that merges never cross, as the text is after its normalizer."""
        read = self.run(text)
        tokens = zip(read.word_ids, read.ids, strict=True)
        return [b"".join(self.bytes_of(id) for _, id in piece) for _, piece in groupby(tokens, lambda t: t[0])]

    def _bytes(self, token: str) -> bytes:
        """The bytes that an entry of the vocabulary is written for."""
        if self.byte_level:
            return bytes(LETTERS[c] for c in token) if LETTERS.keys() >= set(token) else token.encode()
        byte = BYTE.fullmatch(token)
        return bytes([int(byte[1], 16)]) if byte else token.replace(SPACE, " ").encode()


def steps_of(part: dict | None) -> list[dict]:
    """The steps of one part of a tokenizer.json: a sequence of them, a single one or none."""
    inside = [value for value in (part or {}).values() if isinstance(value, list)]
    return inside[0] if part and part["type"] == "Sequence" else [part] if part else []


def _writes_spaces(step: dict) -> bool:
    """Whether a step turns spaces into ▁ or back."""
    pattern = step.get("pattern")
    pair = {pattern.get("String") if isinstance(pattern, dict) else None, step.get("content")}
    return step.get("replacement") == SPACE or step.get("prepend") == SPACE or pair == {" ", SPACE}


def _strips(step: dict) -> int:
    """How many spaces a step of the decoder takes off the beginning of a text."""
    if step["type"] == "Metaspace":
        return 0 if step.get("prepend_scheme") == "never" else LONGEST
    return step.get("start", 0) if step["type"] == "Strip" and step.get("content") == " " else 0


def _letters() -> dict[str, int]:
    """GPT-2's writing of the 256 bytes as visible letters, letter -> byte (Radford et al. 2019)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}


LETTERS = _letters()
assert set(LETTERS) == set(pre_tokenizers.ByteLevel.alphabet())
