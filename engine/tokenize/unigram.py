"""T5's vocabulary: pieces with probabilities; a text is cut so that their product is largest."""

from functools import cached_property
from heapq import nlargest
from itertools import count, takewhile
from pathlib import Path

from engine.tokenize.hub import BYTE, SPACE, steps_of, strips_of
from engine.tokenize.library import JsonVocabulary, told

END, PAD = "</s>", "<pad>"  # a decoder begins with the padding
SENTINEL = "<extra_id_{}>"  # stands for a hidden span, counted from 0 (Raffel et al. 2019)
PENALTY = 10.0  # how much less than the least of all entries a letter counts that is none


class UnigramTokenizer(JsonVocabulary):
    """A Unigram tokenizer.json (Kudo 2018) that writes spaces as ▁. A text ends with </s>; a special token
    written in the text, such as <extra_id_0>, is that token. Those that stand for hidden spans belong to a text
    as its words do: they are none of `special`."""

    def __init__(self, path: Path):
        super().__init__(path)
        kind, cutters = self.parts["model"]["type"], steps_of(self.parts["pre_tokenizer"])
        spaces = [step.get("replacement") for step in cutters if step["type"] == "Metaspace"]
        if kind != "Unigram" or spaces != [SPACE]:
            cut = f"{kind} cut by {cutters[-1]['type'] if cutters else None}"
            raise ValueError(f"{path.name} is {cut}; Unigram with spaces as {SPACE} is needed here")
        if self.inner.token_to_id(END) is None:
            raise ValueError(f"{path.name} has no {END}")
        self.end = self.inner.token_to_id(END)
        self.ends, self.unknown = (self.end,), self.parts["model"]["unk_id"]
        names = takewhile(self.added.__contains__, map(SENTINEL.format, count()))
        self.sentinels = tuple(self.added[name] for name in names)
        self.special = {name: id for name, id in self.special.items() if id not in self.sentinels}
        self.strips = min(
            max(map(strips_of, steps_of(self.parts["decoder"] or self.parts["pre_tokenizer"]))), 1
        )

    @classmethod
    def read(cls, path: Path) -> "UnigramTokenizer":
        """The tokenizer of a tokenizer.json."""
        return cls(path)

    def write(self, path: Path) -> None:
        """Save it as tokenizer.json."""
        self.inner.save(str(path))

    @property
    def start(self) -> int | None:
        """The id of the token that a decoder reads first, if there is one."""
        return self.special.get(PAD)

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, the end token last."""
        return [*self.run(text).ids, self.end]

    def decode(self, ids: list[int]) -> str:
        """The text of the tokens, without the space that stands before its first word."""
        return told(self, ids)

    @cached_property
    def scores(self) -> dict[str, float]:
        """Entry -> the logarithm of its probability."""
        return dict(map(tuple, self.parts["model"]["vocab"]))

    @cached_property
    def _least(self) -> float:
        return min(self.scores.values()) - PENALTY

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.scores))

    def cuts(self, word: str, count: int = 1) -> list[tuple[float, list[str]]]:
        """The most probable ways to cut a word (spaces as ▁) into entries, the best first, each with the sum of
        its entries' scores: by the Viterbi algorithm. A letter that is no entry stands for itself."""
        best: list[list[tuple]] = [[(0.0, None, "")]]  # to each place: score, the way before, the last piece
        for end in range(1, len(word) + 1):
            ways = []
            for start in range(max(0, end - self._longest), end):
                piece = word[start:end]
                score = self.scores.get(piece, self._least if len(piece) == 1 else None)
                ways += [] if score is None else [(way[0] + score, way, piece) for way in best[start]]
            best.append(nlargest(count, ways, key=lambda way: way[0]))
        return [(way[0], _pieces(way)) for way in best[-1]]

    def score(self, pieces: list[str]) -> float:
        """The logarithm of the probability of a way to cut."""
        return sum(self.scores.get(piece, self._least) for piece in pieces)

    def is_byte(self, id: int) -> bool:
        """Whether an entry is written as a single byte, <0xE2>."""
        return bool(BYTE.fullmatch(self._entries.get(id, "")))

    def bytes_of(self, id: int) -> bytes:
        """The bytes that an entry stands for, the space before a word included."""
        token = self.token(id)
        if byte := BYTE.fullmatch(token):
            return bytes([int(byte[1], 16)])
        return token.encode() if token in self.added else token.replace(SPACE, " ").encode()


def names_sentinels(path: Path) -> bool:
    """Whether a tokenizer.json has sentinels, told from its text alone."""
    return f'"{SENTINEL.format(0)}"' in path.read_text("utf-8", "replace")


def _pieces(way: tuple) -> list[str]:
    pieces = []
    while way[1] is not None:
        pieces.append(way[2])
        way = way[1]
    return pieces[::-1]
