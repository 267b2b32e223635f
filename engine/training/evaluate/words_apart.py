"""What word vectors know, beside what counting, chance and shortcuts know: odd ones out, who stood where."""

from collections.abc import Callable

import numpy as np

from engine.training.data.words import GRAMMAR
from engine.training.evaluate import report
from engine.vectors import WordVectors

SEED, PAIRS, NEAR = 1_000_003, 2000, 2  # pairs of words no further apart than NEAR
COLUMNS = ("these vectors", "counted (PPMI)", "random vectors", "frequency", "spelling")
ODD, COMPANY = "odd one out", "which of two words stood beside it"

Alike = Callable[[str, str], float]  # how alike two words are


def items() -> list[tuple[list[str], str]]:
    """Three words that belong together, and the one that does not, of each line."""
    lines = (GRAMMAR / "odd_one_out.txt").read_text("utf-8").splitlines()
    return [(together.split(), odd.strip()) for together, odd in (line.split("|") for line in lines)]


def known(ids: dict[str, int]) -> list[tuple[list[str], str]]:
    """Those of which all words have a vector."""
    return [(together, odd) for together, odd in items() if all(word in ids for word in (*together, odd))]


def odd_one(words: list[str], alike: Alike) -> str:
    """Of several words the one that is least like the others, on average; of equals the first."""
    return min(words, key=lambda word: sum(alike(word, other) for other in words if other != word))


def company(texts: list[list[str]], ids: dict[str, int], kept: np.ndarray, count: int = PAIRS) -> list[tuple]:
    """Words of held-out texts, each with one that stood near it and one drawn from the same texts: frequent
    words as rarely as in training."""
    draw = np.random.default_rng(SEED)
    rows = [np.array([ids[word] for word in text if word in ids], np.int64) for text in texts]
    rows = [row[draw.random(len(row)) < kept[row]] for row in rows]
    rows = [row for row in rows if len(row) > NEAR]
    every, found = np.concatenate(rows) if rows else np.zeros(0, np.int64), []
    sizes = np.array([len(row) for row in rows], float)
    for _ in range(4 * count if rows else 0):
        row = rows[draw.choice(len(rows), p=sizes / sizes.sum())]
        at, away = draw.integers(0, len(row) - NEAR), draw.integers(1, NEAR + 1)
        word, near, other = row[at], row[at + away], every[draw.integers(len(every))]
        if len({word, near, other}) == 3:
            found.append((int(word), int(near), int(other)))
        if len(found) == count:
            break
    return found


class Counted:
    """Positive pointwise mutual information of words with their neighbours, of those rows that are asked for
    (Church & Hanks 1990; Bullinaria & Levy 2007)."""

    def __init__(self, read, wanted: list[int], window: int = 5):
        V, place = len(read.words), np.full(len(read.words), -1)
        place[wanted] = np.arange(len(wanted))
        table = np.zeros(len(wanted) * V, np.int32)
        for row in read.rows:
            for away in range(1, min(window, len(row) - 1) + 1):
                for a, b in ((row[:-away], row[away:]), (row[away:], row[:-away])):
                    there = place[a] >= 0
                    np.add.at(table, place[a][there] * V + b[there], 1)
        table = table.reshape(len(wanted), V).astype(np.float32)
        beside = (read.counts / read.counts.sum()).astype(np.float32)
        rows = table.sum(1, keepdims=True).clip(1)
        with np.errstate(divide="ignore"):
            self.rows = np.maximum(0, np.log(table / rows / beside))
        self.place = {id: i for i, id in enumerate(wanted)}

    def beside(self, word: int, other: int) -> float:
        """The information of a pair."""
        return float(self.rows[self.place[word], other])

    def alike(self, word: int, other: int) -> float:
        """The cosine of two words' rows."""
        a, b = self.rows[self.place[word]], self.rows[self.place[other]]
        return float(a @ b / max(1e-12, np.linalg.norm(a) * np.linalg.norm(b)))


def spelling(word: str, other: str) -> float:
    """How many of two words' pairs of letters are the same (Dice 1945)."""
    a, b = ({f"^{w}$"[i : i + 2] for i in range(len(w) + 1)} for w in (word, other))
    return 2 * len(a & b) / (len(a) + len(b))


def rows_of(found: WordVectors, read, held: list[list[str]], often: float) -> list[dict]:
    """The rows of the card's table: the vectors, counting, chance as vectors, and two shortcuts."""
    ids, asked = found.ids, known(found.ids)
    beside = company(held, ids, read.kept(often))
    wanted = sorted({ids[w] for words, odd in asked for w in (*words, odd)} | {a for a, _, _ in beside})
    counts = Counted(read, wanted)
    draw = np.random.default_rng(SEED).standard_normal(found.table.shape).astype(np.float32)
    chance = WordVectors(found.words, draw)
    logs = np.log(read.counts.clip(1))
    near: dict[str, Callable[[int, int], float]] = {
        COLUMNS[0]: lambda a, b: float(found.directions[a] @ found.directions[b]),
        COLUMNS[1]: counts.alike,
        COLUMNS[2]: lambda a, b: float(chance.directions[a] @ chance.directions[b]),
        COLUMNS[3]: lambda a, b: -abs(float(logs[a] - logs[b])),
        COLUMNS[4]: lambda a, b: spelling(found.words[a], found.words[b]),
    }
    odd = [_odd(asked, ids, alike) for alike in near.values()]
    stood = near | {COLUMNS[1]: counts.beside, COLUMNS[3]: lambda a, b: float(logs[b])}
    pairs = [_stood(beside, by) for by in stood.values()]
    measured = ((ODD, odd, 0.25), (COMPANY, pairs, 0.5))
    asked = [(name, hits, chance) for name, hits, chance in measured if hits[0]]
    return [report.row(name, [report.share(one, chance) for one in hits]) for name, hits, chance in asked]


def _stood(beside: list[tuple], alike: Callable[[int, int], float]) -> list[bool]:
    """Whether the word that stood there is the more alike, for each; where both are equally so, a coin says."""
    coin = np.random.default_rng(SEED).random(len(beside)) < 0.5
    each = ((alike(a, near), alike(a, other)) for a, near, other in beside)
    return [bool(heads) if x == y else x > y for (x, y), heads in zip(each, coin, strict=True)]


def _odd(asked: list[tuple[list[str], str]], ids: dict[str, int], alike) -> list[bool]:
    """Whether the odd word is found, for each item; the words are asked in the order of the alphabet."""
    own = lambda a, b: alike(ids[a], ids[b])  # noqa: E731
    return [odd_one(sorted((*together, odd)), own) == odd for together, odd in asked]
