"""BERT's vocabulary: words cut into the longest pieces that it has; "##" stands before a piece that goes on."""

from collections.abc import Container
from itertools import groupby
from pathlib import Path

from engine.tokenize.library import JsonVocabulary

MASK = "[MASK]"
UNKNOWN = "[UNK]"
ENDS = ("[CLS]", "[SEP]")
PREFIX = "##"


class WordPieceTokenizer(JsonVocabulary):
    """A WordPiece tokenizer.json (Wu et al. 2016). A text stands between [CLS] and [SEP]; a [MASK] written in
    the text is the mask."""

    def __init__(self, path: Path):
        super().__init__(path)
        model = self.parts["model"]
        if model["type"] != "WordPiece":
            raise ValueError(f"{path.name} is {model['type']}; WordPiece is needed here")
        for setting, usual in (("continuing_subword_prefix", PREFIX), ("unk_token", UNKNOWN)):
            if model[setting] != usual:
                raise ValueError(f"{path.name} has {setting} {model[setting]!r}; only {usual!r} is read here")
        missing = [token for token in (*ENDS, MASK) if self.inner.token_to_id(token) is None]
        if missing:
            raise ValueError(f"{path.name} has no {', '.join(missing)}")
        self.start, self.end, self.mask = (self.inner.token_to_id(token) for token in (*ENDS, MASK))
        self.longest = model["max_input_chars_per_word"]  # letters of a word that is cut; longer ones are [UNK]

    @classmethod
    def read(cls, path: Path) -> "WordPieceTokenizer":
        """The tokenizer of a tokenizer.json."""
        return cls(path)

    def write(self, path: Path) -> None:
        """Save it as tokenizer.json."""
        self.inner.save(str(path))

    @property
    def names(self) -> dict[int, str]:
        """Token id -> the entry as the vocabulary writes it."""
        return self._entries

    def encode(self, text: str) -> list[int]:
        """Token ids of `text` between [CLS] and [SEP]."""
        return [self.start, *self.run(text).ids, self.end]

    def segments(self, ids: list[int]) -> list[int]:
        """Which text each token belongs to: 0 up to the first [SEP], 1 after it."""
        after = ids.index(self.end) + 1 if self.end in ids else len(ids)
        return [int(t >= after) for t in range(len(ids))]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where in the text each token stands, from a character up to another; its ends nowhere: (0, 0)."""
        return [(0, 0), *self.run(text).offsets, (0, 0)]

    def words(self, text: str) -> list[str]:
        """The words and signs of a text as they are cut into pieces; [MASK] and its like stay whole."""
        read, names = self.run(text), self.names
        tokens = zip(read.word_ids, read.ids, read.offsets, strict=True)
        words = []
        for _, word in groupby(tokens, lambda token: token[0]):
            _, ids, spans = zip(*word, strict=True)
            added = names[ids[0]] in self.added and names[ids[0]] != UNKNOWN
            words.append(names[ids[0]] if added else self._normal(text[spans[0][0] : spans[-1][1]]))
        return words

    def _normal(self, word: str) -> str:
        return self.inner.normalizer.normalize_str(word).strip() if self.inner.normalizer else word

    def encode_pair(self, first: str, second: str) -> tuple[list[int], list[int]]:
        """[CLS] first [SEP] second [SEP], and which of the two each token belongs to (its segment)."""
        a, b = self.encode(first), [*self.run(second).ids, self.end]
        return a + b, [0] * len(a) + [1] * len(b)

    def decode(self, ids: list[int]) -> str:
        """Words with single spaces: what stood between them is not kept."""
        if all(id in self.names for id in ids):
            return self.inner.decode(ids, skip_special_tokens=False).replace(f" {PREFIX}", "")
        return " ".join(self.shown(id).decode() for id in ids).replace(f" {PREFIX}", "")

    def bytes_of(self, id: int) -> bytes:
        """The entry as the vocabulary writes it, "##" included."""
        return self.token(id).encode()


def cuts(word: str, known: Container[str], longest: int = 100) -> list[list[str]]:
    """A word cut step by step: the first entry is the word, in each further one the longest piece that the
    vocabulary knows is cut off the front of the rest (Wu et al. 2016); the last are its tokens.

    A word with a rest of which no piece is known, or of more than `longest` letters, is [UNK].
    """
    if len(word) > longest:
        return [[word], [UNKNOWN]]
    steps, pieces, rest = [[word]], [], word
    while rest and rest not in known:
        ends = range(len(rest) - 1, len(PREFIX) if pieces else 0, -1)
        end = next((end for end in ends if rest[:end] in known), None)
        if end is None:
            return [[word], [UNKNOWN]]
        pieces.append(rest[:end])
        rest = PREFIX + rest[end:]
        steps.append([*pieces, rest])
    return steps
