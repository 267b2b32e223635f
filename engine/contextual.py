"""Words as a model has them in some sentences, and which of them are nearest to a word, after every block.

Vectors of one layer have much in common; it is taken off, as the average of all these words' vectors, before
cosines are taken (Mu & Viswanath 2018).
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.analysis import ends
from engine.trace import Trace, run

AT_ONCE = 32  # texts of one run
FILE = Path(__file__).parents[1] / "assets" / "vectors" / "sentences.toml"


@dataclass(frozen=True)
class Sentences:
    """Sentences in which words are met; of some words, which sense each sentence has it in.

    senses  word -> sense -> the numbers of its sentences
    """

    texts: tuple[str, ...]
    senses: dict[str, dict[str, tuple[int, ...]]]


@cache
def shipped() -> Sentences:
    """Those that come with the project, written for this."""
    told = tomllib.loads(FILE.read_text("utf-8"))
    texts, senses = list(told["sentences"]), {}
    for word, each in told["senses"].items():
        senses[word] = {}
        for sense, some in each.items():
            senses[word][sense] = tuple(range(len(texts), len(texts) + len(some)))
            texts += some
    return Sentences(tuple(texts), senses)


@dataclass(frozen=True, eq=False)
class Met:
    """The words of some texts that are one token each.

    words    [N], in small letters; texts: [N], the number of the text that each stands in
    vectors  [L + 1, N, D], before the first block and after each
    """

    words: list[str]
    texts: list[int]
    vectors: Tensor

    @property
    def middle(self) -> Tensor:
        """What they have in common [L + 1, 1, D]."""
        return self.vectors.mean(1, keepdim=True)


def whole_words(model, tokens: list[bytes]) -> dict[int, str]:
    """Which of a text's tokens are a whole word, by position: the word in small letters."""
    pieces = hasattr(model.tokenizer, "words")  # of WordPiece: what goes on begins with ##
    found = {}
    for t, token in enumerate(tokens):
        after = tokens[t + 1] if t + 1 < len(tokens) else b""
        word = token.decode("utf-8", "replace")
        begins = pieces or word[:1] == " " or not _letter(tokens[t - 1][-1:] if t else b"")
        goes_on = after.startswith(b"##") if pieces else _letter(after[:1])
        if begins and not goes_on and len(word.strip()) > 1 and word.strip().isalpha():
            found[t] = word.strip().lower()
    return found


def _letter(byte: bytes) -> bool:
    return byte.isalpha() or byte >= b"\x80"


@torch.inference_mode()
def meet(model, texts: tuple[str, ...]) -> Met:
    """The words of texts as a model that reads text has them."""
    words, places, vectors = [], [], []
    for first in range(0, len(texts), AT_ONCE):
        some = list(texts[first : first + AT_ONCE])
        trace = run(model, some)
        for row in range(len(some)):
            at = whole_words(model, trace.tokens(row))
            words += at.values()
            places += [first + row] * len(at)
            vectors.append(stream(trace, row)[:, list(at)])
    return Met(words, places, torch.cat(vectors, 1))


def stream(trace: Trace, row: int = 0) -> Tensor:
    """The vectors of a text's tokens before the first block and after each [L + 1, T, D], in float64."""
    return torch.stack([trace[name][row].cpu().double() for name in ends(trace.model.config)])


def cosines(vectors: Tensor, met: Met) -> Tensor:
    """Of one word's vectors [L + 1, D] with those of all words met [L + 1, N], what all have in common taken
    off."""
    return F.cosine_similarity(vectors[:, None] - met.middle, met.vectors - met.middle, dim=-1)


def nearest(found: Tensor, met: Met, word: str, count: int) -> list[list[int]]:
    """After each block the words met whose cosines [L + 1, N] are largest: others than `word`, none twice."""
    return [_best(row.argsort(descending=True, stable=True).tolist(), met, word, count) for row in found]


def _best(order: list[int], met: Met, word: str, count: int) -> list[int]:
    first = {}
    for i in order:
        if met.words[i] != word:
            first.setdefault(met.words[i], i)
    return list(first.values())[:count]


def same_sense(met: Met, word: str, senses: dict[str, tuple[int, ...]]) -> tuple[list[float], int, float]:
    """Of how many sentences with `word` the nearest other one has it in the same sense: after each block
    (of equally near ones the share of them), how many sentences there are, and how many it would be by
    chance."""
    sense = {number: name for name, numbers in senses.items() for number in numbers}
    pairs = enumerate(zip(met.words, met.texts, strict=True))
    at = [i for i, (other, text) in pairs if other == word and text in sense]
    own = torch.tensor([[sense[met.texts[i]] == sense[met.texts[j]] for j in at] for i in at]).double()
    others = 1 - torch.eye(len(at), dtype=torch.float64)
    hits = []
    for layer in met.vectors[:, at] - met.middle:
        near = F.cosine_similarity(layer[:, None], layer[None], dim=-1) - 2 * (1 - others)
        best = (near >= near.amax(1, keepdim=True) - 1e-6).double() * others
        hits.append(float(((best * own).sum(1) / best.sum(1)).sum()))
    return hits, len(at), float(((own * others).sum(1) / others.sum(1)).sum())
