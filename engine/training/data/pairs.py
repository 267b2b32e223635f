"""What an encoder trains on: two passages of text, some tokens masked, and whether the second follows.

A pair that does not follow is made so that only its sense tells: its second passage is exactly as long as the
one that follows, stands amid a text of the same kind (the same book, where there is one), and has the names of
the first; seven of ten also have about as many words in common with it, and the same pronouns.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.masked import KEPT, SHARE, mask_tokens
from engine.model.transformer import Transformer
from engine.tokenize import WordPieceTokenizer
from engine.tokenize.library import JsonVocabulary
from engine.training.data.grammar import cell, grammar

ENDS = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(]*[A-Z])")
NONE = -100  # the label where nothing is to be predicted, as torch's cross-entropy wants it
BATCH = 512  # texts tokenized at once: faster with the tokenizers library
LOOKED_AT = 256  # places from which a passage that does not follow is chosen
ENOUGH = 3  # passages of one text to choose from; where it has fewer, other texts are looked at
LIKE = 0.7  # the share of those that are chosen by their words
APART = 2  # sentences, at least, between a passage and one of the same text that does not follow it
TRIES = 100
FOLLOWS = 2.0  # how much the answer of a row counts beside its words
NAMED = ("person", "story-aname")  # the grammar's rules that name somebody
PRONOUNS = ("he", "him", "his", "she", "her", "it", "its", "they", "them", "their", "i", "you", "we")


def sentences_of(text: str) -> list[str]:
    """The sentences of a text with one paragraph per line."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        end = 0
        for gap in ENDS.finditer(line):
            found.append(line[end : gap.end()].strip())
            end = gap.end()
        found.append(line[end:])
    return found


@dataclass(frozen=True)
class Sentences:
    """Texts as one long row of ids: sentence i is row[starts[i] : starts[i + 1]], of the text documents[i]."""

    row: np.ndarray
    starts: np.ndarray
    documents: np.ndarray
    _joints: dict = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.documents)

    @staticmethod
    def of(texts: Iterable[str], tokenizer: JsonVocabulary) -> "Sentences":
        """The sentences of texts as token ids, and which document each is from."""
        rows, documents = [], []
        for number, text in enumerate(texts):
            parts = sentences_of(text)
            for first in range(0, len(parts), BATCH):
                cut = tokenizer.inner.encode_batch(parts[first : first + BATCH], add_special_tokens=False)
                rows += [np.array(one.ids, dtype=np.uint16) for one in cut if one.ids]
            documents += [number] * (len(rows) - len(documents))
        starts = np.cumsum([0, *map(len, rows)])
        row = np.concatenate([np.array([], dtype=np.uint16), *rows])
        return Sentences(row, starts, np.array(documents, dtype=np.int32))

    def ids(self, first: int, last: int) -> list[int]:
        """The sentences from `first` to before `last`."""
        return self.row[self.starts[first] : self.starts[last]].tolist()

    def size(self, first: int, last: int) -> int:
        """How many tokens these are."""
        return int(self.starts[last] - self.starts[first])

    def joints(self, room: int) -> np.ndarray:
        """The sentences that fit into `room` tokens together with the one before them, of the same text."""
        if room not in self._joints:
            two = self.starts[2:] - self.starts[:-2] <= room
            self._joints[room] = 1 + np.flatnonzero(two & (self.documents[1:] == self.documents[:-1]))
        return self._joints[room]

    @cached_property
    def inside(self) -> np.ndarray:
        """Which sentences have one before them, of the same text."""
        return np.concatenate([[False], self.documents[1:] == self.documents[:-1]])

    def stretch(self, first: int, room: int) -> tuple[list[int], int]:
        """Whole sentences from `first` on, of one text, while they fit into `room` tokens (a longer one is
        cut), and the number of the sentence after them."""
        last = first + 1
        while last < len(self) and self.inside[last] and self.size(first, last + 1) <= room:
            last += 1
        return self.ids(first, last)[:room], last

    def around(self, joint: int, room: int, before: int) -> tuple[int, int]:
        """From where to where two passages reach that meet at `joint`: the first takes sentences while it has
        no more than `before` tokens, the second while both fit into `room`."""
        first, last = joint - 1, joint + 1
        while (
            self.inside[first] and self.size(first - 1, joint) <= before and self.size(first - 1, last) <= room
        ):
            first -= 1
        while last < len(self) and self.inside[last] and self.size(first, last + 1) <= room:
            last += 1
        return first, last

    def others(self, draw: np.random.Generator, first: int, joint: int, last: int) -> list[tuple[int, int]]:
        """Passages exactly as long as that from `joint` to `last`, which do not follow that from `first` to
        `joint`: of the same text, amid it, or of others where it has too few."""
        low, high = np.searchsorted(self.documents, [self.documents[joint], self.documents[joint] + 1])
        own = self._as_long(draw.integers(low, high, LOOKED_AT), self.size(joint, last))
        own = [(a, b) for a, b in own if b + APART <= first or a >= last + APART]
        if len(own) >= ENOUGH:
            return own
        found = self._as_long(draw.integers(0, len(self), LOOKED_AT), self.size(joint, last))
        return [(a, b) for a, b in found if not low <= a < high]

    def _as_long(self, places: np.ndarray, size: int) -> list[tuple[int, int]]:
        """Of passages of `size` tokens that begin at some of these places, amid a text: from where to where."""
        places = np.unique(places[self.inside[places]])
        lasts = np.searchsorted(self.starts, self.starts[places] + size)
        lasts = np.minimum(lasts, len(self))
        whole = self.starts[lasts] == self.starts[places] + size
        whole &= self.documents[lasts - 1] == self.documents[places]
        return list(zip(places[whole].tolist(), lasts[whole].tolist(), strict=True))


@dataclass(frozen=True)
class People:
    """Entries of a vocabulary that are somebody's name -> the pronoun; and those that are pronouns."""

    names: dict[int, str] = field(default_factory=dict)
    pronouns: frozenset[int] = frozenset()

    @staticmethod
    def of(tokenizer: WordPieceTokenizer) -> "People":
        """Those that the grammar knows."""
        named = [(cell(line, "name"), cell(line, "he")) for rule in NAMED for line in grammar().rules[rule]]
        names = {tokenizer.inner.token_to_id(name.lower()): he for name, he in named}
        known = {tokenizer.inner.token_to_id(word) for word in PRONOUNS}
        return People({id: he for id, he in names.items() if id is not None}, frozenset(known - {None}))

    def renamed(self, ids: list[int], first: list[int]) -> list[int]:
        """A passage in which people are called what those in the first are, each by one of the same pronoun."""
        there = [id for id in dict.fromkeys(first) if id in self.names]
        new: dict[int, int] = {}
        for id in (id for id in dict.fromkeys(ids) if id in self.names):
            free = [name for name in there if self.names[name] == self.names[id] and name not in new.values()]
            new[id] = free[0] if free else id
        return [new.get(id, id) for id in ids]


@dataclass(frozen=True)
class Source:
    """Sentences of one kind, the share of the rows that are made of them, how many of these are pairs (the
    others are one passage alone), how long rows may be at most for these texts, and what they are: books,
    generated or everyday."""

    sentences: Sentences
    share: float = 1.0
    pairs: float = 1.0
    longest: float = math.inf
    kind: str = "books"


@dataclass(frozen=True)
class Pairs:
    """Sentences to learn from, and how the rows of a step are drawn from them.

    lengths  tokens that the rows of a step have at most, drawn anew for each (none: the context); of short ones
             there are as many more
    people   of the vocabulary
    like     the share of pairs that do not follow which are chosen by their words, too
    masked   the share of the tokens that are to be predicted
    """

    sources: tuple[Source, ...]
    tokenizer: WordPieceTokenizer
    lengths: tuple[int, ...] = ()
    people: People = People()
    like: float = LIKE
    masked: float = SHARE

    def batch(self, seed: int, step: int, count: int, context: int) -> tuple[Tensor, ...]:
        """The rows of `step`: ids, segments, padding, labels [N, T], and whether the second passage follows [N]
        (0: it does; NONE: there is no second). The same for the same seed, whatever came before. N · T is
        count · context."""
        draw, rows = np.random.default_rng([seed, step]), []
        longest = min(context, int(draw.choice(self.lengths))) if self.lengths else context
        many = count * context // longest
        while len(rows) < many:
            rows += self._rows(draw, longest)[: many - len(rows)]
        ids, segments, padding = (torch.tensor(part) for part in list(zip(*rows, strict=True))[:3])
        special = ~padding.bool() | (ids == self.tokenizer.start) | (ids == self.tokenizer.end)
        random = torch.Generator().manual_seed(int(draw.integers(2**62)))
        of = (self.tokenizer.mask, len(self.tokenizer), random, self.masked)
        read, done = mask_tokens(ids, special, *of)
        labels = ids.masked_fill(done == KEPT, NONE)
        return read, segments, padding.bool(), labels, torch.tensor([row[3] for row in rows])

    def _rows(self, draw: np.random.Generator, longest: int) -> list[tuple[list, list, list, int]]:
        """A passage alone; or one with what follows it, and the same with what does not."""
        source = self.source(draw, longest)
        for _ in range(TRIES if draw.random() < source.pairs else 0):
            if drawn := self.pair(draw, source.sentences, longest):
                first, *seconds = drawn
                return [(*self.joined(first, two, longest), label) for label, two in enumerate(seconds)]
        return [self._alone(draw, source.sentences, longest)]

    def source(self, draw: np.random.Generator, longest: int) -> Source:
        """One of the kinds of text, by their shares."""
        fitting = [source for source in self.sources if longest <= source.longest] or self.sources
        shares = np.array([source.share for source in fitting])
        return fitting[draw.choice(len(fitting), p=shares / shares.sum())]

    def of(self, kind: str) -> tuple[Source, ...]:
        """The sources of one kind."""
        return tuple(source for source in self.sources if source.kind == kind)

    def share(self, kind: str) -> float:
        """How much of all that is read is of one kind."""
        return sum(self.share_of(i) for i, source in enumerate(self.sources) if source.kind == kind)

    def share_of(self, number: int) -> float:
        """How much of all that is read is of one of the sources."""
        lengths, found = self.lengths or (math.inf,), []
        for longest in lengths:
            fitting = [source for source in self.sources if longest <= source.longest]
            one = self.sources[number]
            found.append(one.share * (longest <= one.longest) / sum(source.share for source in fitting))
        return sum(found) / len(lengths)

    def _alone(
        self, draw: np.random.Generator, source: Sentences, longest: int
    ) -> tuple[list, list, list, int]:
        ids, _ = source.stretch(int(draw.integers(len(source))), longest - 2)
        ids = [self.tokenizer.start, *ids, self.tokenizer.end]
        rest = [0] * (longest - len(ids))
        return ids + rest, [0] * longest, [1] * len(ids) + rest, NONE

    def pair(
        self, draw: np.random.Generator, source: Sentences, longest: int
    ) -> tuple[list[int], list[int], list[int]] | None:
        """A passage of whole sentences, the one that follows, and one that does not. None: there is nothing
        that could stand in its place."""
        room = longest - 3
        if not len(joints := source.joints(room)):
            return None
        joint = int(joints[draw.integers(len(joints))])
        first, last = source.around(joint, room, int(draw.integers(1, room)))
        one, two, end = source.ids(first, joint), source.ids(joint, last), source.ids(joint - 1, joint)
        places = source.others(draw, first, joint, last)
        draw.shuffle(places)
        told = (self._told(source, place, one, int(source.documents[joint])) for place in places)
        others = [other for before, other in told if before != end and other != two]
        if not others:
            return None
        some = others if draw.random() < self.like else others[:1]  # the most alike, or one by chance
        return one, two, min(some, key=lambda other: self._unlike(one, two, other))

    def _told(
        self, source: Sentences, place: tuple[int, int], first: list[int], document: int
    ) -> tuple[list[int], list[int]]:
        """The sentence before a passage, and the passage; of another text than `document` with the names of the
        first."""
        before, passage = source.ids(place[0] - 1, place[0]), source.ids(*place)
        if source.documents[place[0]] == document:
            return before, passage
        renamed = self.people.renamed(before + passage, first)
        return renamed[: len(before)], renamed[len(before) :]

    def _unlike(self, one: list[int], two: list[int], other: list[int]) -> int:
        """How differently two passages go with a first one: in words that it has, too, and in pronouns."""
        pronouns = (set(two) ^ set(other)) & self.people.pronouns
        return abs(shared(one, two) - shared(one, other)) + len(pronouns)

    def joined(self, first: list[int], second: list[int], context: int) -> tuple[list, list, list]:
        """Two passages as one row of `context` ids, with its segments and padding."""
        start, end = self.tokenizer.start, self.tokenizer.end
        ids = [start, *first, end, *second, end]
        segments = [0] * (len(first) + 2) + [1] * (len(second) + 1)
        rest = [0] * (context - len(ids))
        return ids + rest, segments + rest, [1] * len(ids) + rest

    @staticmethod
    def loss(
        model: Transformer, ids: Tensor, segments: Tensor, padding: Tensor, labels: Tensor, follows: Tensor
    ) -> Tensor:
        """Nats for a hidden word, plus FOLLOWS times those for whether the second passage follows."""
        x = model.stream(ids, model.context(ids, padding), segments)
        words = F.cross_entropy(model.unembed(x[labels != NONE]), labels[labels != NONE])
        return words + FOLLOWS * F.cross_entropy(model.follows(x), follows, ignore_index=NONE)


def shared(first: list[int], second: list[int]) -> int:
    """How many different entries of the second passage the first has, too."""
    return len(set(first) & set(second))
