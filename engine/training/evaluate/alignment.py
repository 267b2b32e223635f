"""Does cross-attention align words? Its weights against sentence pairs that were aligned by hand.

The model reads a pair's English and is made to write its French (forced decoding). A French word is linked to
the English word with the largest weight, tokens joined to words. Its weights stand in the row from which the
word is predicted, and once more in the next row, where it has been read (Chen et al. 2020): which of the two a
head is asked for, and which head is the best, is chosen on one half of the pairs and measured on the other.

The alignment error rate (Och & Ney 2003) of links A, where S are the sure ones by hand and P all by hand:

    AER = 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|)
"""

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.config import RecurrentConfig
from engine.trace import run
from engine.trace.tap import Edit
from engine.training.data.lexicon import ENGLISH, FRENCH, Lexicon
from engine.training.evaluate.report import Score, mean

FILE = Path(__file__).parents[3] / "assets" / "alignments" / "en_fr.toml"
ROWS = ("predicted", "read")  # the word stands after the token of the row, or is that token
TOGETHER = 3  # heads that are set to zero together
LOGITS = "decoder.logits"
Link = tuple[int, int]  # of a word of the target, and one of the source
Links = frozenset[Link]


@dataclass(frozen=True)
class Aligned:
    """A pair of sentences, and which of their words belong together."""

    source: str
    target: str
    sure: Links
    possible: Links  # the sure ones among them

    @staticmethod
    def of(told: dict) -> "Aligned":
        """From its entry in the file."""
        cells = [cell.replace("-", "").split(",") for cell in told["links"].split()]
        every = [(j, link) for j, cell in enumerate(cells) for link in cell if link]
        sure = frozenset((j, int(link)) for j, link in every if not link.startswith("?"))
        return Aligned(told["en"], told["fr"], sure, frozenset((j, int(link.strip("?"))) for j, link in every))

    @property
    def words(self) -> tuple[list[str], list[str]]:
        """The words and signs of both sentences."""
        return ENGLISH.findall(self.source), FRENCH.findall(self.target)

    def right(self, found: Links) -> int:
        """|A ∩ S| + |A ∩ P|."""
        return len(found & self.sure) + len(found & self.possible)


@cache
def aligned() -> tuple[Aligned, ...]:
    """The shipped pairs that were aligned by hand."""
    return tuple(map(Aligned.of, tomllib.loads(FILE.read_text("utf-8"))["pair"]))


def error(pairs: Sequence[Aligned], found: Sequence[Links]) -> Score:
    """The alignment error rate of these links, its interval by drawing the pairs again."""
    sizes = [len(links) + len(pair.sure) for pair, links in zip(pairs, found, strict=True)]
    wrong = [size - pair.right(links) for size, pair, links in zip(sizes, pairs, found, strict=True)]
    return mean(wrong, sizes, len(pairs))


# --- what a model's weights link ------------------------------------------------------------------


def of_words(tokens: Sequence[bytes], text: str, pattern) -> Tensor:
    """Which word each token is of [tokens, words]: by the share of its bytes; of blanks and ends nothing."""
    bytes_of = [len(text[: match.start()].encode()) for match in pattern.finditer(text)]
    ends = [len(text[: match.end()].encode()) for match in pattern.finditer(text)]
    found, at = torch.zeros(len(tokens), len(ends)), 0
    for token, piece in enumerate(tokens):
        for word, (start, end) in enumerate(zip(bytes_of, ends, strict=True)):
            found[token, word] = max(0, min(at + len(piece), end) - max(at, start))
        at += len(piece)
    return found / found.sum(-1, keepdim=True).clamp_min(1)


def weights(model: nn.Module, pair: Aligned) -> Tensor:
    """The weights of every head while the pair's French is forced, by words [rows, L, H, T, S]."""
    tokenizer, text = model.tokenizer, pair.target
    ids, written = tokenizer.encode(pair.source), tokenizer.encode(text)[:-1]  # without the end
    trace = run(model, pair.source, target=[model.start, *written])
    if isinstance(model.config, RecurrentConfig):
        pattern = trace["decoder.cross.weights"][None]  # [L=1, H=1, T, S]
    else:
        layers = range(model.config.decoder.layers)
        pattern = torch.stack([trace[f"decoder.blocks.{i}.cross.pattern"][0] for i in layers])
    there = of_words([*map(tokenizer.bytes_of, ids[:-1]), b""], pair.source, ENGLISH)
    own = of_words([*map(tokenizer.bytes_of, written)], text, FRENCH)
    own = own / own.sum(0).clamp_min(1e-9)  # of a word's tokens the mean
    shares = pattern.cpu().float() @ there
    return torch.stack([own.T @ shares[..., row : row + len(written), :] for row in range(len(ROWS))])


def linked(table: Tensor | np.ndarray) -> Links:
    """Every word of the target with that of the source that has the most [T, S]."""
    return frozenset(enumerate(torch.as_tensor(table).argmax(-1).tolist()))


@dataclass(frozen=True)
class Way:
    """A head's weights in one of the rows, or the average of all heads', and what they link in each pair."""

    layer: int | None
    head: int | None
    row: str
    links: tuple[Links, ...]


def ways(model: nn.Module, pairs: Sequence[Aligned]) -> list[Way]:
    """Every head in both rows, and the average of all."""
    tables, found = [weights(model, pair) for pair in pairs], []
    _, layers, heads, *_ = tables[0].shape
    for number, row in enumerate(ROWS):
        for layer in range(layers):
            for head in range(heads):
                links = tuple(linked(table[number, layer, head]) for table in tables)
                found.append(Way(layer, head, row, links))
        mixed = tuple(linked(table[number].mean((0, 1))) for table in tables)
        found.append(Way(None, None, row, mixed))
    return found


def chosen(pairs: Sequence[Aligned], some: Sequence[Way]) -> Way:
    """The way with the smallest error, with the links in each half of the pairs that the best way on the other
    half has: nothing is measured on what it was chosen by."""

    def best(numbers: Sequence[int]) -> Way:
        few = [pairs[i] for i in numbers]
        return min(some, key=lambda way: error(few, [way.links[i] for i in numbers]).value)

    halves = [range(first, len(pairs), 2) for first in (0, 1)]
    by_half = [best(halves[1]), best(halves[0])]
    links = tuple(by_half[i % 2].links[i] for i in range(len(pairs)))
    return replace(best(range(len(pairs))), links=links)


# --- what it is measured against ------------------------------------------------------------------


def baselines(pairs: Sequence[Aligned], lexicon: Lexicon | None = None) -> dict[str, Score]:
    """What needs no attention: the diagonal, a word by chance, and IBM's model 1 with what it learned."""
    found = {"diagonal": error(pairs, [diagonal(*map(len, pair.words)) for pair in pairs]), "even": even(pairs)}
    if lexicon is not None:
        found["IBM model 1"] = error(pairs, [by_lexicon(lexicon, pair) for pair in pairs])
    return found


def diagonal(source: int, target: int) -> Links:
    """Every word with the one that stands as far from the beginning, as a share of the whole."""
    return frozenset((j, min(source - 1, int((j + 0.5) / target * source))) for j in range(target))


def even(pairs: Sequence[Aligned]) -> Score:
    """The error to be expected where all words of the source have the same weight, and one is drawn."""
    sizes = [len(pair.words[1]) + len(pair.sure) for pair in pairs]
    right = [(len(pair.sure) + len(pair.possible)) / len(pair.words[0]) for pair in pairs]
    return mean([size - one for size, one in zip(sizes, right, strict=True)], sizes, len(pairs))


def by_lexicon(lexicon: Lexicon, pair: Aligned) -> Links:
    """Every word with the most probable one, where that is not none of them."""
    table = lexicon.table(*pair.words)
    return frozenset((j, int(i) - 1) for j, i in enumerate(table.argmax(-1)) if i)


# --- what is told ---------------------------------------------------------------------------------


def readable(model: nn.Module) -> list[Aligned]:
    """The pairs that were aligned by hand, as far as the model can read and write them."""
    longest, length = model.config.context, lambda text: len(model.tokenizer.encode(text))
    return [pair for pair in aligned() if max(length(pair.source), length(pair.target)) <= longest]


def measured(model: nn.Module, lexicon: Lexicon | None = None) -> dict:
    """For scores.json: the error of every head, of the best, of their average, of the baselines; and what the
    French costs without the heads that align. Nothing for a model that can read fewer than two pairs."""
    if len(pairs := readable(model)) < 2:
        return {}
    told = ways(model, pairs)
    simple = baselines(pairs, lexicon)
    alone = [way for way in told if way.layer is not None]
    heads = []
    for layer, head in sorted({(way.layer, way.head) for way in alone}):
        one = chosen(pairs, [way for way in alone if (way.layer, way.head) == (layer, head)])
        heads.append(_told(pairs, one))
        heads[-1]["aligns"] = heads[-1]["interval"][1] < simple["diagonal"].value
    heads.sort(key=lambda one: one["error"])
    return {
        "pairs": len(pairs),
        "words": sum(len(pair.words[1]) for pair in pairs),
        "heads": heads,
        "best": _told(pairs, chosen(pairs, alone)),
        "average": _told(pairs, chosen(pairs, [way for way in told if way.layer is None])),
        "baselines": {name: {"error": x.value, "interval": x.interval} for name, x in simple.items()},
        "without": without(model, pairs, [one for one in heads if one["aligns"]][:TOGETHER]),
    }


def _told(pairs: Sequence[Aligned], way: Way) -> dict:
    found = error(pairs, way.links)
    return dict(layer=way.layer, head=way.head, row=way.row, error=found.value, interval=found.interval)


def without(model: nn.Module, pairs: Sequence[Aligned], heads: Sequence[dict]) -> dict:
    """Bits a token of the French, as it is and with these heads set to zero."""
    places = [(one["layer"], one["head"]) for one in heads]
    before, after = (forced(model, pairs, edits) for edits in ((), gone(model, places)))
    intervals = [before.interval, after.interval]
    return dict(heads=places, before=before.value, after=after.value, intervals=intervals)


def gone(model: nn.Module, heads: Sequence[tuple[int, int]]) -> tuple[Edit, ...]:
    """The edits that set heads of cross-attention to zero: of a recurrent model all that it finds by looking
    back."""
    if isinstance(model.config, RecurrentConfig):
        return (Edit("decoder.cross.context", "zero"),) if heads else ()
    return tuple(Edit(f"decoder.blocks.{i}.cross.z", "zero", at={"H": head}) for i, head in heads)


def forced(model: nn.Module, pairs: Sequence[Aligned], edits: tuple[Edit, ...] = ()) -> Score:
    """Bits a token of the pairs' French and its end, all tokens before known."""
    bits, counts = [], []
    for pair in pairs:
        ids = model.tokenizer.encode(pair.target)
        logits = run(model, pair.source, edits, target=[model.start, *ids[:-1]])[LOGITS][0]
        nats = -logits.log_softmax(-1)[torch.arange(len(ids)), torch.tensor(ids)]
        bits.append(float(nats.sum()) / math.log(2))
        counts.append(len(ids))
    return mean(bits, counts, len(pairs))


def table(told: dict) -> str:
    """The errors in Markdown: the heads that align, the best as chosen on the other half, the average, the
    baselines."""
    lines = ["|  | n | row | alignment error rate |", "|:--|--:|:--|--:|"]
    named = [(called(one, told), one) for one in told["heads"] if one["aligns"] or one is told["heads"][0]]
    if len(told["heads"]) > 1:
        named += [("the best head, chosen on the other half", told["best"] | {"row": ""})]
        named += [("all heads, averaged", told["average"])]
    named += list(told["baselines"].items())
    for name, one in named:
        low, high = one["interval"]
        cells = (
            name,
            told["pairs"],
            one.get("row", ""),
            f"{one['error']:.1%} ({low * 100:.1f}–{high * 100:.1f})",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def called(one: dict, told: dict) -> str:
    """A head by its place; the look back of a recurrent model has no other beside it."""
    return f"block {one['layer']}, head {one['head']}" if len(told["heads"]) > 1 else "the look back"


def verdict(told: dict) -> str:
    """How many heads align, and what the French costs without them."""
    count, several = sum(one["aligns"] for one in told["heads"]), len(told["heads"]) > 1
    diagonal, cost = told["baselines"]["diagonal"]["error"], told["without"]
    if not count:
        who = "No head aligns" if several else "The look back does not align"
        return f"{who} better than the diagonal ({diagonal:.1%})."
    who = f"{count} of {len(told['heads'])} heads" if several else "The look back"
    before, after = map(_cell, (cost["before"], cost["after"]), cost["intervals"])
    names = " and ".join(called(dict(layer=i, head=h), told) for i, h in cost["heads"])
    return (
        f"{who} align{'s' * (count == 1)} better than the diagonal ({diagonal:.1%}). A token of these French "
        f"sentences costs {before} bits; with {names} set to zero {after}."
    )


def _cell(value: float, interval: Sequence[float]) -> str:
    return f"{value:.2f} ({interval[0]:.2f}–{interval[1]:.2f})"
