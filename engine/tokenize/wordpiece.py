"""BERT's vocabulary: words cut into its longest pieces; "##" marks a piece that continues a word."""

import re
from collections.abc import Container
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer

from engine.tokenize.merges import check_text

MASK = "[MASK]"
UNKNOWN = "[UNK]"
ENDS = ("[CLS]", "[SEP]")


class WordPieceTokenizer:
    """A WordPiece tokenizer.json (Wu et al. 2016). A text is put between [CLS] and [SEP]; a [MASK] typed in
    the text is the mask."""

    def __init__(self, path: Path):
        try:
            self.inner = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ValueError(f"{path.name} is not a tokenizer of the tokenizers library: {error}") from None
        if type(self.inner.model).__name__ != "WordPiece":
            raise ValueError(f"{path.name} is {type(self.inner.model).__name__}; WordPiece is needed here")
        missing = [token for token in (*ENDS, MASK) if self.inner.token_to_id(token) is None]
        if missing:
            raise ValueError(f"{path.name} has no {', '.join(missing)}")
        self.inner.no_truncation()
        self.inner.no_padding()
        self.special = {t.content: i for i, t in self.inner.get_added_tokens_decoder().items()}
        self.start, self.end, self.mask = (self.inner.token_to_id(token) for token in (*ENDS, MASK))

    @classmethod
    def read(cls, path: Path) -> "WordPieceTokenizer":
        """The tokenizer of a tokenizer.json."""
        return cls(path)

    def write(self, path: Path) -> None:
        """Save it as tokenizer.json."""
        self.inner.save(str(path))

    def __len__(self) -> int:
        return self.inner.get_vocab_size()

    @cached_property
    def names(self) -> dict[int, str]:
        """Token id -> the entry as the vocabulary writes it."""
        return {id: token for token, id in self.inner.get_vocab().items()}

    def _pieces(self, text: str) -> list[int]:
        """The ids of the text alone."""
        return self.inner.encode(check_text(text), add_special_tokens=False).ids

    def encode(self, text: str) -> list[int]:
        """Token ids of `text` between [CLS] and [SEP]."""
        return [self.start, *self._pieces(text), self.end]

    def segments(self, ids: list[int]) -> list[int]:
        """Which text each token belongs to: 0 up to the first [SEP], 1 after it."""
        after = ids.index(self.end) + 1 if self.end in ids else len(ids)
        return [int(t >= after) for t in range(len(ids))]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The span of characters of each token; (0, 0) for [CLS] and [SEP]."""
        return [(0, 0), *self.inner.encode(check_text(text), add_special_tokens=False).offsets, (0, 0)]

    def words(self, text: str) -> list[str]:
        """The words and signs of a text as they are cut into pieces; [MASK] and its like stay whole."""
        kept = "|".join(map(re.escape, self.special))
        words = []
        for part in re.split(f"({kept})", check_text(text)):
            if part in self.special:
                words.append(part)
            else:
                normal = self.inner.normalizer.normalize_str(part) if self.inner.normalizer else part
                words += [word for word, _ in self.inner.pre_tokenizer.pre_tokenize_str(normal)]
        return words

    def encode_pair(self, first: str, second: str) -> tuple[list[int], list[int]]:
        """[CLS] first [SEP] second [SEP], and which of the two each token belongs to (its segment)."""
        a, b = self.encode(first), [*self._pieces(second), self.end]
        return a + b, [0] * len(a) + [1] * len(b)

    def decode(self, ids: list[int]) -> str:
        """Words with single spaces: the original spacing is not kept."""
        return self.inner.decode(ids, skip_special_tokens=False).replace(" ##", "")

    def bytes_of(self, id: int) -> bytes:
        """The entry as the vocabulary writes it, "##" included."""
        if id not in self.names:
            raise KeyError(f"there is no token {id}; ids go from 0 to {len(self) - 1}")
        return self.names[id].encode()


def cuts(word: str, known: Container[str], longest: int = 100) -> list[list[str]]:
    """A word cut step by step: the first entry is the word, in each further one the longest piece that the
    vocabulary knows is cut off the front of the rest (Wu et al. 2016); the last are its tokens.

    A word with a rest of which no piece is known, or of more than `longest` letters, is [UNK].
    """
    steps, pieces, rest = [[word]], [], word
    while rest and rest not in known:
        ends = range(len(rest) - 1, len("##") if pieces else 0, -1)
        end = next((end for end in ends if rest[:end] in known), None)
        if end is None or len(word) > longest:
            return [[word], [UNKNOWN]]
        pieces.append(rest[:end])
        rest = "##" + rest[end:]
        steps.append([*pieces, rest])
    return steps if len(word) <= longest else [[word], [UNKNOWN]]
