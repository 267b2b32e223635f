"""A tokenizer of one's own, learned from a text: by byte-pair encoding in this project's own code, WordPiece
and Unigram by the tokenizers library. Each can be saved as a tokenizer.json."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from operator import add
from pathlib import Path

import regex
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from engine.tokenize.hub import LETTERS, SPACE
from engine.tokenize.learning import Step, learn
from engine.tokenize.library import Vocabulary, check_text, said
from engine.tokenize.merges import joins
from engine.tokenize.wordpiece import PREFIX

# Where GPT-2 splits a text before any merge: contractions, words with their space, numbers, signs, spaces.
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LONGEST = 10_000_000  # characters of a text to learn from
LARGEST = 100_000  # entries
BYTES = {byte: letter for letter, byte in LETTERS.items()}  # byte -> the letter that the file has for it
ESCAPED = regex.compile("[\udc80-\udcff]|[^\udc80-\udcff]+")  # a byte that is no text, or a run of text


class Trained(Vocabulary):
    """What `train` gives.

    kind        by which it was learned
    inner       the same as the tokenizers library has it
    vocabulary  entry -> id, in the order of the ids; the unknown, where there is one, is 0
    """

    kind = ""

    def __init__(self, inner: Tokenizer, text: str):
        self.inner, self._text = inner, text
        self.vocabulary = dict(sorted(inner.get_vocab().items(), key=lambda entry: entry[1]))
        self._entries = list(self.vocabulary)
        self.unknown = None if self.kind == "byte-bpe" else 0

    def __len__(self) -> int:
        return len(self._entries)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text; the name of the unknown written in it is text."""
        return self.run(text).ids

    def run(self, text: str):
        """What the tokenizers library makes of a text."""
        check_text(text)
        with said("the tokenizers library cannot read this text"):
            return self.inner.encode(text, add_special_tokens=False)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids; a ValueError where there is none of an id."""
        self._check(ids)
        return self.inner.decode(list(ids), skip_special_tokens=False)

    def _check(self, ids: Sequence[int]) -> None:
        if not isinstance(ids, Iterable):
            raise ValueError(f"token ids are a list of whole numbers; this is {type(ids).__name__}")
        for id in ids:
            if type(id) is not int or not 0 <= id < len(self):
                raise ValueError(
                    f"there is no token {id!r:.40}; ids are whole numbers from 0 to {len(self) - 1:,}"
                )

    def token(self, id: int) -> str:
        """The entry as the file writes it; a ValueError where there is none of that id."""
        self._check([id])
        return self._entries[id]

    def bytes_of(self, id: int) -> bytes:
        """The bytes that an entry is written with; a KeyError where there is none of that id."""
        if not 0 <= id < len(self):
            raise KeyError(f"there is no token {id}; ids go from 0 to {len(self) - 1}")
        return self._entries[id].encode()

    def save(self, path: str | Path) -> None:
        """A tokenizer.json, which the tokenizers library opens and which then gives the same ids."""
        Path(path).write_text(self.inner.to_str(pretty=True), encoding="utf-8")


class BytePair(Trained):
    """Byte-pair encoding of characters; each is an entry, and those that the text lacks are unknown."""

    kind = "bpe"

    def __init__(self, inner: Tokenizer, text: str, steps: list[Step]):
        super().__init__(inner, text)
        self.steps = steps
        self._known: dict[str, list[int]] = {}  # of pieces that were cut before

    def encode(self, text: str) -> list[int]:
        """Token ids of a text; neighbours that are unknown are an unknown each."""
        return [id for piece in self.pieces(text) for id in self._cut(piece)]

    def pieces(self, text: str) -> list[str]:
        """The pieces that merges never cross, as the vocabulary writes them."""
        return [piece for piece, _ in self.inner.pre_tokenizer.pre_tokenize_str(check_text(text))]

    def _cut(self, piece: str) -> list[int]:
        if piece not in self._known:
            self._known[piece] = [self.vocabulary.get(part, self.unknown) for part in self.parts(piece)]
        return self._known[piece]

    def parts(self, piece: str) -> list[str]:
        """The parts that a piece is cut into; a character that is no entry is one by itself."""
        ends = dict(enumerate(range(1, len(piece) + 1)))  # of each part, by where it begins
        for _, i in self.joins(piece):
            ends[i] = ends.pop(ends[i])
        return [piece[i:end] for i, end in ends.items()]

    def joins(self, piece: str) -> Iterator[tuple[int, int]]:
        """Which merges put a piece together, in their order: the number of each, from 0, and the character of
        the piece at which the left one of the two begins."""
        return joins(piece, self._rank)

    @cached_property
    def _rank(self) -> Callable[[str, str], int | None]:
        order = {step.pair: n for n, step in enumerate(self.steps)}
        return lambda a, b: order.get((a, b))


class ByteBytePair(BytePair):
    """Byte-pair encoding of bytes: any text, and any bytes, can be cut and put together again."""

    kind = "byte-bpe"

    def encode_bytes(self, data: bytes) -> list[int]:
        """Token ids of bytes, of text or not; a ValueError where it is something else."""
        if not isinstance(data, bytes | bytearray):
            raise ValueError(f"bytes are cut here; this is {type(data).__name__}. `encode` cuts a text")
        runs = ESCAPED.findall(data.decode("utf-8", "surrogateescape"))
        return [id for run in runs for id in self._of_run(run)]

    def _of_run(self, run: str) -> list[int]:
        if "\udc80" <= run[0] <= "\udcff":
            return [self.vocabulary[BYTES[ord(run) - 0xDC00]]]
        return self.encode(run)

    def decode_bytes(self, ids: Sequence[int]) -> bytes:
        """The bytes of token ids; a ValueError where there is none of an id."""
        self._check(ids)
        return b"".join(map(self.bytes_of, ids))

    def bytes_of(self, id: int) -> bytes:
        """The bytes of one token; a KeyError where there is none of that id."""
        super().bytes_of(id)
        return bytes(LETTERS[letter] for letter in self._entries[id])


class WordPiece(Trained):
    """BERT's kind: words in small letters without accents, cut by their longest pieces; ## continues a word."""

    kind = "wordpiece"

    @cached_property
    def steps(self) -> list[Step]:
        """How the vocabulary grew: the library chooses pairs by their count, as byte-pair encoding does, and
        not by the score that WordPiece was published with."""
        alphabet = [entry for entry in self._entries if len(entry.removeprefix(PREFIX)) == 1]
        ids = [self._entries[0], *alphabet]
        return learn(_pieces(_words(self.inner, self._text)), ids, len(self), _continued)[1]

    @cached_property
    def scores(self) -> dict[str, float]:
        """Entry -> count(ab) / (count(a) · count(b)) of the two parts that it was made of, then."""
        return {_continued(*step.pair): step.score for step in self.steps}


class Unigram(Trained):
    """T5's kind: entries with probabilities, cut so that their product is largest; ▁ is a space."""

    kind = "unigram"

    @cached_property
    def scores(self) -> dict[str, float]:
        """Entry -> the natural logarithm of its probability; of the unknown 0, as the file has it."""
        return dict(map(tuple, json.loads(self.inner.to_str())["model"]["vocab"]))


def train(text: str, kind: str = "bpe", size: int = 1000) -> Trained:
    """A tokenizer learned from a text.

    kind  "bpe" (of characters), "byte-bpe", "wordpiece" or "unigram"
    size  entries in all; there may be fewer, where the text has no more to learn
    A ValueError where the text is no text or empty, or where its characters alone are more than `size`.
    """
    if kind not in tuple(KINDS):
        raise ValueError(f"there is no kind {kind!r:.40} of tokenizer; kinds are {', '.join(KINDS)}")
    check_text(text, LONGEST)
    if type(size) is not int or not 1 <= size <= LARGEST:
        raise ValueError(f"size is a whole number of entries up to {LARGEST:,}, not {size!r:.40}")
    if not text.strip():
        raise ValueError("there is nothing to learn from: the text is empty. Give a text with some words")
    return KINDS[kind](text, size)


def opened(path: Path, text: str) -> Trained:
    """A WordPiece or Unigram tokenizer that learned from a text, from the file that it was saved as."""
    inner = Tokenizer.from_file(str(path))
    return (Unigram if isinstance(inner.model, models.Unigram) else WordPiece)(inner, text)


def _bpe(text: str, size: int) -> BytePair:
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(GPT2), "isolated")
    words, unknown = _words(inner, text), _unheard("<unk>", text)
    alphabet = _fitting([unknown, *sorted(set(text))], size, "characters")
    ids, steps = learn(Counter({tuple(word): n for word, n in words.items()}), alphabet, size)
    inner.model = models.BPE(ids, [step.pair for step in steps], unk_token=unknown)
    inner.decoder = decoders.Fuse()
    return BytePair(inner, text, steps)


def _byte_bpe(text: str, size: int) -> ByteBytePair:
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = _fitting(sorted(LETTERS), size, "bytes")
    ids, steps = learn(Counter({tuple(word): n for word, n in _words(inner, text).items()}), alphabet, size)
    inner.model = models.BPE(ids, [step.pair for step in steps])
    inner.decoder = decoders.ByteLevel()
    return ByteBytePair(inner, text, steps)


def _wordpiece(text: str, size: int) -> WordPiece:
    inner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    inner.normalizer, inner.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece(PREFIX, cleanup=False)
    letters = {part for word in _pieces(_words(inner, text)) for part in word}
    if not letters:
        raise ValueError("there is nothing to learn from: after normalisation the text is empty")
    # In a set order: the library's own is another at each run, and with it what is chosen of equal counts.
    alphabet = _fitting(["[UNK]", *sorted(letters, key=lambda part: (len(part), part))], size, "letters")
    trainer = trainers.WordPieceTrainer(vocab_size=size, show_progress=False, special_tokens=alphabet)
    return WordPiece(_trained(inner, text, trainer), text)


def _unigram(text: str, size: int) -> Unigram:
    inner, unknown = Tokenizer(models.Unigram()), _unheard("<unk>", text)
    inner.normalizer, inner.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace(SPACE)
    inner.decoder = decoders.Metaspace(SPACE)
    letters = sorted({letter for word in _words(inner, text) for letter in word})
    _fitting([unknown, *letters], size, "characters")
    trainer = trainers.UnigramTrainer(
        vocab_size=size, show_progress=False, special_tokens=[unknown], unk_token=unknown
    )
    return Unigram(ordered(_trained(inner, text, trainer)), text)


KINDS: dict[str, Callable[[str, int], Trained]] = {
    "bpe": _bpe,
    "byte-bpe": _byte_bpe,
    "wordpiece": _wordpiece,
    "unigram": _unigram,
}


def _trained(inner: Tokenizer, text: str, trainer) -> Tokenizer:
    """The tokenizer as the library trains it; nothing written in a text is a token of its own."""
    with said("the tokenizers library cannot learn from this text"):
        inner.train_from_iterator([text], trainer)
        return Tokenizer.from_str(json.dumps(json.loads(inner.to_str()) | {"added_tokens": []}))


DEALT = 1e-4  # by which the scores of letters are apart that have no probability of their own


def ordered(inner: Tokenizer) -> Tokenizer:
    """A Unigram vocabulary, the most probable entries first, the same at each run. The library adds up in an
    order by chance, so the last digits vary; and letters that it has to keep without a probability of their own
    get the least score and those just above it, one each, by chance: here in their own order."""
    parts = json.loads(inner.to_str())
    unknown, *entries = parts["model"]["vocab"]
    scores = {entry: round(score, 8) for entry, score in entries}
    least = min(scores.values())
    dealt = sorted(entry for entry, score in scores.items() if len(entry) == 1 and _is_dealt(score - least))
    scores |= zip(dealt, sorted((scores[entry] for entry in dealt), reverse=True), strict=True)
    found = sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))
    parts["model"]["vocab"] = [unknown, *map(list, found)]
    return Tokenizer.from_str(json.dumps(parts))


def _is_dealt(above: float) -> bool:
    return abs(above / DEALT - round(above / DEALT)) < 1e-3 and above < 1000 * DEALT


def _words(inner: Tokenizer, text: str) -> Counter[str]:
    """The pieces of a text, as they are after the normalizer, with how often each occurs."""
    normal = inner.normalizer.normalize_str(text) if inner.normalizer else text
    with said("the tokenizers library cannot read this text"):
        return Counter(piece for piece, _ in inner.pre_tokenizer.pre_tokenize_str(normal))


def _pieces(words: Counter[str]) -> Counter[tuple[str, ...]]:
    """Words in the letters that WordPiece begins with."""
    return Counter({(word[0], *(PREFIX + letter for letter in word[1:])): n for word, n in words.items()})


def _continued(a: str, b: str) -> str:
    return a + b.removeprefix(PREFIX)


def join_of(kind: str) -> Callable[[str, str], str]:
    """How two neighbours are written as one, in a kind of tokenizer."""
    return _continued if kind == "wordpiece" else add


def _unheard(name: str, text: str) -> str:
    """A name for the unknown that does not occur in the text."""
    while name in text:
        name = f"<{name}>"
    return name


def _fitting(alphabet: list[str], size: int, what: str) -> list[str]:
    if len(alphabet) > size:
        raise ValueError(
            f"size {size:,} is too small: this text needs an entry for each of its {what}, {len(alphabet):,} "
            f"in all. Take {len(alphabet):,} or more, or a text with fewer different characters"
        )
    return alphabet
