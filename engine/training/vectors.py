"""Word vectors by skip-gram with negative sampling (Mikolov et al. 2013): like company, like vectors.

    python -m engine.training vectors FOLDER

Each word has two vectors: v where it is the word in the middle, u where it stands beside one. For a word c and
a neighbour o, and k words n drawn at random, the loss is −log σ(v_c · u_o) − Σ_n log σ(−v_c · u_n). The v are
kept.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding

from engine import vectors
from engine.training.data.corpus import how_many, named, split_files, text_files, texts_of
from engine.training.evaluate import report, words_apart
from engine.training.options import PROGRAM, SEED, Option, Parser, add, real, whole
from engine.training.progress import counted, say, show

CARD = Path(__file__).parent / "cards" / "vectors.md"
CHUNK = 200_000  # words whose pairs are drawn and shuffled together
POWER = 0.75  # of a word's frequency, by which negatives are drawn
LEAST = 1e-4  # the rate at the end, as a share of that at the beginning

OPTIONS = {
    "words": Option(10_000, whole(10, 200_000), "most frequent words that get a vector"),
    "width": Option(80, whole(1, 4096), "numbers of a vector"),
    "window": Option(5, whole(1, 100), "words to each side that are neighbours, at most"),
    "negatives": Option(5, whole(1, 100), "words drawn at random against each neighbour"),
    "epochs": Option(3, whole(1, 1000), "times that the texts are read"),
    "batch": Option(1024, whole(1, 10**6), "pairs of a step"),
    "rate": Option(0.05, real(1e-6, 10), "learning rate at the beginning; it falls to nothing"),
    "often": Option(1e-4, real(1e-9, 1), "words more frequent than this are partly left out"),
    "out": Option(str(vectors.SHIPPED), str, "the folder that they are written to"),
} | SEED


@dataclass(frozen=True, eq=False)
class Read:
    """Texts as rows of word ids, without the words that are not known; how often each word stands there [V]."""

    words: tuple[str, ...]
    rows: list[np.ndarray]
    counts: np.ndarray

    @property
    def negatives(self) -> Tensor:
        """How probable each word is to be drawn as a negative [V]."""
        weights = torch.from_numpy(self.counts.astype(np.float64) ** POWER)
        return weights / weights.sum()

    def kept(self, often: float) -> np.ndarray:
        """The share of each word's occurrences that is read [V]: √(often / its frequency), at most all."""
        return np.minimum(1.0, np.sqrt(often * self.counts.sum() / self.counts.clip(1)))


def read_texts(texts: list[list[str]], most: int) -> Read:
    """The most frequent words of texts, and the texts in their ids."""
    often = Counter(word for text in texts for word in text)
    words = tuple(word for word, _ in sorted(often.items(), key=lambda item: (-item[1], item[0]))[:most])
    ids = {word: i for i, word in enumerate(words)}
    rows = [np.array([ids[word] for word in text if word in ids], np.int64) for text in texts]
    return Read(words, rows, np.array([often[word] for word in words]))


def gradients(c: Tensor, o: Tensor, n: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of the loss, with respect to the vectors of words c [N, D], of their neighbours o [N, D] and of negatives
    n [N, K, D]."""
    wrong = (c * o).sum(-1, keepdim=True).sigmoid() - 1  # σ(c · o) − 1, [N, 1]
    taken = (n * c[:, None]).sum(-1, keepdim=True).sigmoid()  # σ(c · n), [N, K, 1]
    return wrong * o + (taken * n).sum(1), wrong * c, taken * c[:, None]


def step(v: Tensor, u: Tensor, centres: Tensor, neighbours: Tensor, negatives: Tensor, rate: float) -> None:
    """One step down the gradient, in place: v and u [V, D], centres and neighbours [N], negatives [N, K]."""
    dc, do, dn = gradients(embedding(centres, v), embedding(neighbours, u), embedding(negatives, u))
    v.index_add_(0, centres, dc, alpha=-rate)
    u.index_add_(0, neighbours, do, alpha=-rate)
    u.index_add_(0, negatives.flatten(), dn.flatten(0, 1), alpha=-rate)


def pairs(row: np.ndarray, window: int, draw: np.random.Generator) -> np.ndarray:
    """The pairs of a word and a neighbour [N, 2] in a row of ids: each word looks 1 to `window` words far."""
    reach, found = draw.integers(1, window + 1, len(row)), []
    for away in range(1, min(window, len(row) - 1) + 1):
        left, right = row[:-away], row[away:]
        ahead, back = reach[:-away] >= away, reach[away:] >= away
        found += [np.stack([left, right], 1)[ahead], np.stack([right, left], 1)[back]]
    return np.concatenate(found) if found else np.zeros((0, 2), np.int64)


def shuffled(
    read: Read, options: argparse.Namespace, draw: np.random.Generator
) -> Iterator[tuple[int, np.ndarray]]:
    """All pairs of one reading of the texts, a chunk after the other in random order, and its size in words."""
    kept = read.kept(options.often)
    for i in draw.permutation(len(read.rows)):
        row = read.rows[i]
        for first in range(0, len(row), CHUNK):
            part = row[first : first + CHUNK]
            found = pairs(part[draw.random(len(part)) < kept[part]], options.window, draw)
            yield len(part), draw.permutation(found)


def learn(read: Read, options: argparse.Namespace) -> vectors.WordVectors:
    """Word vectors from texts; the same for the same seed."""
    draw, random = np.random.default_rng(options.seed), torch.Generator().manual_seed(options.seed)
    V, D = len(read.words), options.width
    v, u = (torch.rand(V, D, generator=random) - 0.5) / D, torch.zeros(V, D)
    chances, done, every = read.negatives, 0, options.epochs * sum(map(len, read.rows))
    for _ in range(options.epochs):
        for size, found in shuffled(read, options, draw):
            rate = options.rate * max(LEAST, 1 - done / every)
            for part in torch.from_numpy(found).split(options.batch):
                drawn = torch.multinomial(chances, len(part) * options.negatives, True, generator=random)
                step(v, u, part[:, 0], part[:, 1], drawn.view(len(part), -1), rate)
            done += size
            show(f"learning: {done / every:.0%}")
    return vectors.WordVectors(read.words, v.numpy())


def main(words: list[str]) -> None:
    """Learn word vectors from a folder of text files, measure them, and write them with their card."""
    parser = Parser(prog=f"{PROGRAM} vectors", description=main.__doc__, allow_abbrev=False)
    parser.add_argument(
        "path", metavar="FOLDER", help="text files (*.txt, UTF-8), searched through all folders"
    )
    parser.add_argument("--about", default="", help="what the text is, a phrase for the card")
    add(parser, OPTIONS)
    options = parser.parse_args(words)
    text_files(Path(options.path))
    train, held = split_files(Path(options.path), None, options.seed)  # as a language model is trained
    begun = time.monotonic()
    texts = [vectors.words_of(text) for text in counted(texts_of(train), "reading", len(train))]
    read = read_texts(texts, options.words)
    found, out = learn(read, options), Path(options.out)
    minutes = (time.monotonic() - begun) / 60
    found.save(out)
    unseen = [vectors.words_of(text) for text in texts_of(held)]
    rows = words_apart.rows_of(vectors.read(out), read, unseen, options.often)
    report.write(out / "scores.json", {"columns": list(words_apart.COLUMNS), "rows": rows})
    facts = vars(options) | {
        "about": options.about or f"the texts of {Path(options.path).resolve().stem}",
        "many": len(read.words),
        "tokens": int(read.counts.sum()),
        "files": how_many(train),
        "held": named(held),
        "held_count": how_many(held, "whole book"),
        "minutes": minutes,
        "table": report.table(rows, words_apart.COLUMNS),
    }
    (out / "card.md").write_text(CARD.read_text("utf-8").format(**facts), encoding="utf-8")
    say(f"complete: {out / 'card.md'}")
