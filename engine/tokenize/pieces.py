"""What comes before the vocabulary: a text is normalised, then split into pieces that no token crosses."""

import json
from dataclasses import dataclass

import regex
from tokenizers import normalizers

from engine.tokenize.bpe import RankTokenizer
from engine.tokenize.hub import steps_of
from engine.tokenize.library import JsonVocabulary
from engine.tokenize.plain import Bytes, Listed
from engine.tokenize.public import Public
from engine.tokenize.training import GPT2, Trained

# What the tokenizers library's own splitters do, as regular expressions
PATTERNS = {
    "ByteLevel": GPT2,
    "BertPreTokenizer": r"[^\s\p{P}$+<=>^`|~]+|[\p{P}$+<=>^`|~]",
    "Metaspace": r"▁[^▁]*|[^▁]+",
}


@dataclass(frozen=True)
class Split:
    """A text on its way to the vocabulary.

    normal      the text after the normalizer; normalizer is its name, empty where there is none
    pieces      what the pattern, a regular expression, finds in it, one after the other
    """

    normal: str
    normalizer: str
    pieces: list[str]
    pattern: str


def split_of(tokenizer, text: str) -> Split:
    """How a tokenizer splits a text. An entry that the library finds before all else, as a [MASK] that is
    written in a text for BERT, is split here like any other text."""
    if isinstance(tokenizer, Bytes):
        return Split(text, "", list(text), ".")
    if isinstance(tokenizer, Listed):
        normal = tokenizer.normal(text)
        return Split(normal, "lower" if tokenizer.lower else "", tokenizer.pieces(text), tokenizer.pattern)
    if isinstance(tokenizer, RankTokenizer | Public):
        return Split(text, "", regex.findall(tokenizer.split, text), tokenizer.split)
    if isinstance(tokenizer, Trained | JsonVocabulary):
        return _of_library(tokenizer.inner, text)
    raise ValueError(f"how {type(tokenizer).__name__} splits a text is not known here")


def _of_library(inner, text: str) -> Split:
    normal = inner.normalizer.normalize_str(text) if inner.normalizer else text
    cutter, pattern = inner.pre_tokenizer, _pattern(json.loads(inner.to_str())["pre_tokenizer"])
    found = cutter.pre_tokenize_str(normal) if cutter else [(normal, (0, len(normal)))]
    if pattern == PATTERNS["Metaspace"]:
        return Split(normal, _name(inner.normalizer), [piece for piece, _ in found], pattern)
    return Split(normal, _name(inner.normalizer), [normal[start:end] for _, (start, end) in found], pattern)


def _pattern(cutter: dict | None) -> str:
    """The regular expression of a file's splitter, of several that of the first that has one; empty: none."""
    for step in steps_of(cutter):
        given = step.get("pattern")
        if isinstance(given, dict) and "Regex" in given:
            return given["Regex"]
        if step["type"] in PATTERNS and step.get("use_regex", True):
            return PATTERNS[step["type"]]
    return ""


def _name(normalizer: normalizers.Normalizer | None) -> str:
    return type(normalizer).__name__ if normalizer else ""
