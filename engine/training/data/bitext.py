"""Sentences in two languages: read, split by their English, made into batches; the most similar one found."""

import random
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.tokenize import SentenceTokenizer
from engine.training.data.corpus import check_text_file
from engine.training.data.pairs import NONE

Pair = tuple[str, str]


def pair_file(file: Path) -> list[Path]:
    """The file, if it holds pairs; a ValueError that says why it does not."""
    if not file.is_file():
        what = "is a folder: give a file" if file.is_dir() else "is not there"
        raise ValueError(f"{file} {what}; a file with lines of English, a tab, French is needed")
    check_text_file(file)
    read_pairs(file)
    return [file]


def read_pairs(file: Path) -> list[Pair]:
    """The lines "English<TAB>French" of a file, all spaces alike."""
    pairs = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        parts = [" ".join(part.split()) for part in line.split("\t")]
        if len(parts) < 2 or not all(parts[:2]):
            what = f"{line[:40]!r} is not two sentences with a tab between"
            raise ValueError(f"{file.name}, line {number}: {what}")
        pairs.append((parts[0], parts[1]))
    return pairs


def split_pairs(pairs: list[Pair], held_out: int, seed: int) -> tuple[list[Pair], dict[str, list[str]]]:
    """Pairs to learn from, and held-out sentences with all their translations, chosen by the seed.

    All pairs of one sentence fall on the same side.
    """
    sources = sorted({source for source, _ in pairs})
    if len(sources) <= held_out:
        raise ValueError(f"there are {len(sources)} different sentences; more than {held_out} are needed")
    held: dict[str, list[str]] = {source: [] for source in random.Random(seed).sample(sources, held_out)}
    train = []
    for source, target in pairs:
        if source in held:
            held[source].append(target)
        else:
            train.append((source, target))
    return train, held


def apart(train: list[Pair], held: dict[str, list[str]]) -> list[Pair]:
    """The pairs to learn from that have no held-out sentence in them, nor one of its translations: be it with
    other capitals or signs."""
    sources = {plain(source) for source in held}
    targets = {plain(target) for translations in held.values() for target in translations}
    return [pair for pair in train if plain(pair[0]) not in sources and plain(pair[1]) not in targets]


def alone(train: list[Pair], held: dict[str, list[str]]) -> set[str]:
    """The held-out sentences that are in no pair to learn from, and none of whose translations is."""
    sources, targets = ({plain(pair[side]) for pair in train} for side in (0, 1))
    return {
        source
        for source, translations in held.items()
        if plain(source) not in sources and targets.isdisjoint(map(plain, translations))
    }


def plain(text: str) -> str:
    """A text's words in lower case, without its signs; of a text of signs alone the signs."""
    return " ".join(re.findall(r"\w+", text.lower())) or text


@dataclass(frozen=True)
class Bitext:
    """Pairs as ids, and how the batches of a step are drawn from them.

    pairs      length of the longer sentence -> both sides of all pairs of that length, [N, length] each, END
               last, then NONE
    smoothing  share of the probability to be learned that all entries have alike (label smoothing, Szegedy et
               al. 2016)
    """

    pairs: dict[int, tuple[np.ndarray, np.ndarray]]
    start: int
    smoothing: float = 0.0

    @staticmethod
    def of(
        pairs: Iterable[Pair], tokenizer: SentenceTokenizer, context: int, smoothing: float = 0.0
    ) -> "Bitext":
        """Those of the pairs whose sentences both fit into `context` tokens."""
        rows = defaultdict(list)
        for pair in pairs:
            source, target = map(tokenizer.encode, pair)
            length = max(len(source), len(target))
            if length <= context:
                rows[length].append([row + [NONE] * (length - len(row)) for row in (source, target)])
        if not rows:
            raise ValueError(f"no pair of sentences fits into {context} tokens")
        both = {length: np.array(rows[length], dtype=np.int32) for length in sorted(rows)}
        rows = {length: (x[:, 0], x[:, 1]) for length, x in both.items()}
        return Bitext(rows, tokenizer.start, smoothing)

    def __len__(self) -> int:
        return sum(len(source) for source, _ in self.pairs.values())

    def batch(self, seed: int, step: int, count: int, context: int) -> tuple[Tensor, ...]:
        """Pairs of one length, about count · context tokens on each side: ids and padding [n, length], the
        target from its start on, and what comes after each of its tokens. The same for the same seed."""
        draw = np.random.default_rng([seed, step])
        tokens = np.array([length * len(source) for length, (source, _) in self.pairs.items()])
        length = int(draw.choice(list(self.pairs), p=tokens / tokens.sum()))  # each token is as likely
        source, target = self.pairs[length]
        rows = draw.integers(len(source), size=max(1, count * context // length))
        return self.read(source[rows], target[rows])

    def read(self, source: np.ndarray, target: np.ndarray) -> tuple[Tensor, ...]:
        """Rows of ids -> source, its padding mask, what the decoder reads, and its labels, all [B, T]."""
        ids, labels = (torch.from_numpy(x).long() for x in (source, target))
        return ids.clamp_min(0), ids != NONE, before(labels, self.start), labels

    def loss(self, model: nn.Module, ids: Tensor, padding: Tensor, target: Tensor, labels: Tensor) -> Tensor:
        """Nats for a token of the translation, all those before it known."""
        scores, right = model(ids, target, padding).flatten(0, 1), labels.flatten()
        return F.cross_entropy(scores, right, ignore_index=NONE, label_smoothing=self.smoothing)


def before(labels: Tensor, start: int) -> Tensor:
    """What a decoder reads [B, T] when it guesses the labels [B, T]: each one later, `start` first."""
    return torch.cat([torch.full_like(labels[:, :1], start), labels[:, :-1]], 1).clamp_min(0)


def most_similar(known: list[str], asked: list[str]) -> list[int]:
    """For each sentence asked, the number of the known one most similar to it: by the words that they share,
    rare ones counting more (cosine of TF-IDF, Salton & Buckley 1988)."""
    places = defaultdict(list)
    for number, text in enumerate(known):
        for word in words_of(text):
            places[word].append(number)
    weight = {word: np.log(len(known) / len(numbers)) ** 2 for word, numbers in places.items()}
    sizes = np.array([sum(weight[word] for word in words_of(text)) for text in known]) ** 0.5
    found = []
    for text in asked:
        shared = np.zeros(len(known))
        for word in words_of(text) & places.keys():
            shared[places[word]] += weight[word]
        found.append(int((shared / np.maximum(sizes, 1e-9)).argmax()))
    return found


def words_of(text: str) -> set[str]:
    """The different words of a text, in lower case."""
    return set(re.findall(r"\w+", text.lower()))
