"""Models that translate, from a file of sentence pairs: the Transformer of 2017, and what came before."""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from engine.analysis import certainty
from engine.config import CELLS, Config, PairConfig, RecurrentConfig
from engine.decode import generate
from engine.model.build import fresh
from engine.tokenize import SentenceTokenizer
from engine.trace import run
from engine.training.data.bitext import (
    Bitext,
    Pair,
    alone,
    apart,
    pair_file,
    read_pairs,
    split_pairs,
    words_of,
)
from engine.training.data.corpus import learn_vocabulary
from engine.training.data.lexicon import Lexicon
from engine.training.data.words import words
from engine.training.evaluate import alignment, report
from engine.training.evaluate.translation import (
    AT_ONCE,
    COLUMNS,
    FEWEST,
    PENALTY,
    WIDTH,
    Translations,
    bits_per_token,
    columns_of,
    pairs_of,
    rows_of,
    searched,
    signature,
    written,
)
from engine.training.language import check_vocabulary
from engine.training.options import SHARE, TOKENS, Option, pace, sizes, whole
from engine.training.progress import show
from engine.training.recurrent import ends, kinds, name_of, recurrent
from engine.training.run import CARDS, Work
from engine.training.task import Material, Measured, Task

# of the Transformer: the others stand beside it
AIMS = {"exact match": ("≥", 0.35), "chrF": ("≥", 68.0)}
RATES = {"transformer": 0.008} | dict.fromkeys(CELLS, 0.02)  # with norms after the additions slower learns more
# of the Transformer, which without them learns by heart: after three rounds a token costs 0.9 bits where it was
# read, 1.5 where it was not
REGULAR = {"dropout": 0.15, "smoothing": 0.1}
WATCHED = 50  # of so many sentences to learn from one watches the learning, at most
SAMPLES = 8  # sentences on the card
EXAMPLES, TRIED = 6, 2 * AT_ONCE
DARK = set(words("examples.toml")["translation"]["dark"])
STATE = "starting from the state that the encoder ended in"
LOOK = "and at every token attends to the encoder's output for the English one"
WATCH = " {:,} of the other pairs are not learned from, either: they watch the learning."
BLIND = "It has no attention: nothing could align."
SHORT = "That was not measured: the sentences that were aligned by hand are too long for it."


@dataclass(frozen=True)
class Asked:
    """What measuring asks: the pairs that were learned from, the sentences held out, and those of them that are
    in no pair of the file but their own, nor are their translations."""

    train: list[Pair]
    held: Translations
    alone: set[str]


def transformer(options: argparse.Namespace, vocabulary: int) -> PairConfig:
    """The Transformer of 2017: norms after the additions, waves as positions, one table for all three."""
    both = dict(
        vocabulary=vocabulary,
        context=options.context,
        width=options.width,
        layers=options.layers,
        heads=options.heads,
        mlp_width=4 * options.width,
        post_norm=True,
        positions="sinusoidal",
        scale_embedding=True,
        activation="relu",
    )
    encoder = Config(**both, causal=False, ending="nothing")
    decoder = Config(**both, memory=options.width)
    return PairConfig(encoder, decoder, **ends(vocabulary), shared=True)


def config(options: argparse.Namespace, vocabulary: int) -> PairConfig | RecurrentConfig:
    """The config of the kind that was asked for."""
    return (transformer if options.kind == "transformer" else recurrent)(options, vocabulary)


def check(options: argparse.Namespace) -> None:
    """Rate, dropout and smoothing go by the kind, where none is given."""
    options.rate = options.rate or RATES[options.kind]
    for name, usual in REGULAR.items():
        if getattr(options, name) is None:
            setattr(options, name, usual if options.kind == "transformer" else 0.0)
    if options.dropout and options.kind != "transformer":
        raise ValueError("--dropout is for the Transformer: of recurrent kinds nothing is dropped")
    check_vocabulary(options.vocabulary, 258)


def read(options: argparse.Namespace, work: Work) -> Material:
    """The pairs of a file, some of its sentences held out with all their translations; and some more, which
    watch the learning, so that nobody looks at the first."""
    train, held = split_pairs(read_pairs(Path(options.path)), options.held_out, options.seed)
    lone = alone(train, held)
    train = train if options.overlap else apart(train, held)
    sentences = len({source for source, _ in train})
    watched = max(0, min(options.watched, -(-sentences // WATCHED), sentences - 1))
    train, seen = split_pairs(train, watched, options.seed)
    tokenizer = _vocabulary(work, train, options)
    show("reading the pairs")
    data = Bitext.of(train, tokenizer, options.context, options.smoothing or 0.0)
    watch = Bitext.of(pairs_of(seen), tokenizer, options.context) if seen else None
    told = f"{len(data):,} pairs to learn from; {len(held):,} sentences held out"
    return Material(data, watch, told, tokenizer, test=Asked(train, held, lone))


def _vocabulary(work: Work, pairs: list[Pair], options: argparse.Namespace) -> SentenceTokenizer:
    def learn(path: Path) -> None:
        show("learning the vocabulary")
        texts = (text for pair in pairs for text in pair)
        learn_vocabulary(texts, options.vocabulary - 1).write(path)  # and the start

    return SentenceTokenizer.read(work.once("vocabulary.tiktoken", learn))


# --- how well it does ----------------------------------------------------------------------------


def measure(model: nn.Module, material: Material, options, part: float, steps: int) -> Measured:
    """Translations against the right ones, with the random start and simple rules beside it; and whether its
    attention aligns words."""
    test = material.test
    show("measuring: which word stands for which")
    lexicon = Lexicon.of(test.train)
    blind = getattr(model.config, "attention", "") == "none"
    aligns = {} if blind else alignment.measured(model, lexicon)
    facts = {
        "shape": _shape(model.config),
        "task": STATE if blind else LOOK,
        "context": model.config.context,
        "pairs": len(test.train),
        "held": len(test.held),
        "watched": WATCH.format(len(material.held)) if material.held else "",
        "apart": _apart(test, options),
        "regular": _regular(options),
        "signature": signature(),
        "beam": WIDTH,
        "penalty": PENALTY,
        "alignment": _alignment(blind, aligns, test.train),
        "samples": "\n".join(_samples(model, test.held)),
    }
    rows = scores_of(model, test, lexicon, options, part)
    scores = {"test": _sign(test.held, part)} | ({"alignment": aligns} if aligns else {})
    examples = list(examples_of(model, test.held, aligns))
    return Measured(rows, COLUMNS, {"examples": examples}, facts, scores)


def scores_of(model: nn.Module, test: Asked, lexicon: Lexicon, options, part: float = 1.0) -> list[dict]:
    """Rows of the table: the model, its random start, and rules that need none."""
    held = dict(list(test.held.items())[: max(FEWEST, int(part * len(test.held)))])
    start = fresh(model.config, options.seed).requires_grad_(False).eval()
    start.tokenizer = model.tokenizer
    columns = columns_of((model, start), test.train, list(held), lexicon)
    show("measuring: beam search")
    beams = list(searched(model, list(held)))
    rows = rows_of(columns, beams, held, test.alone, AIMS if options.kind == "transformer" else {})
    show("measuring: bits per token")
    bits = [bits_per_token(one, pairs_of(held)) for one in (model, start)]
    return [*rows, report.row("bits per token", bits + [None] * (len(COLUMNS) - 2), "bits per token")]


def examples_of(model: nn.Module, held: Translations, told: dict | None = None) -> Iterator[dict]:
    """Held-out sentences of a middling length that the model translates to the letter, those that it is surest
    of first, or just the first where it does so with none; with the step in which there is something to see,
    and the head that aligns best.

    None of them has a word of DARK: they open a lesson.
    """
    some = [text for text in held if 5 <= len(text.split()) <= 8 and not words_of(text) & DARK][:TRIED]
    right = [text for text, guess in zip(some, written(model, some), strict=True) if guess in held[text]]
    right.sort(key=lambda text: -certainty(run(model, text, target=_own(model, text))))
    blind = getattr(model.config, "attention", "") == "none"
    place = {"step": "states" if blind else "cross"}
    if told and len(told["heads"]) > 1 and told["heads"][0]["aligns"]:
        place |= {name: told["heads"][0][name] for name in ("layer", "head")}
    for text in (right or some)[:EXAMPLES]:
        yield {"text": text, "note": text} | place


def _own(model: nn.Module, text: str) -> list[int]:
    """What the model writes of a text, from its start on, as its decoder reads it."""
    return [model.start, *(step.id for step in generate(model, text))]


def _sign(held: Translations, part: float) -> str:
    """The same for two models that were asked the same sentences."""
    return hashlib.sha256(json.dumps([held, part]).encode()).hexdigest()[:16]


def _apart(test: Asked, options) -> str:
    """What of the held-out sentences can be among what was learned from."""
    few = len(test.held) - len(test.alone)
    if options.overlap:
        return f"Of {few:,} of them the sentence or a translation is in a pair that it learned from, too."
    return (
        "It read no pair in which one of them or one of their translations stands, be it with other capitals "
        f"or signs ({few:,} of them have such pairs in the file)."
    )


def _regular(options) -> str:
    """What keeps it from learning by heart."""
    named = {"dropout": options.dropout, "label smoothing": options.smoothing}
    told = " and ".join(f"{name} of {value:g}" for name, value in named.items() if value)
    return f", with {told}" if told else ""


def _alignment(blind: bool, told: dict, train: list[Pair]) -> str:
    """The alignment errors and what they say, for the card."""
    if not told:
        return BLIND if blind else SHORT
    asked = {pair.source: [pair.target] for pair in alignment.aligned()}
    known = len(asked) - len(alone(train, asked))
    parts = dict(table=alignment.table(told), verdict=alignment.verdict(told), pairs=told["pairs"])
    parts |= dict(known=known or "none", stands="stands" if known < 2 else "stand")
    return (CARDS / "alignment.md").read_text("utf-8").format(**parts).strip()


def _shape(config: PairConfig | RecurrentConfig) -> str:
    """What the model is made of, in words."""
    if isinstance(config, RecurrentConfig):
        return f"A recurrent encoder-decoder ({name_of(config)})"
    blocks = [stack.layers for stack in config.stacks]
    return "The Transformer of 2017: {} blocks that read and {} that write".format(*blocks)


def _samples(model: nn.Module, held: Translations) -> Iterator[str]:
    """The first of the held-out sentences, in the order in which they were drawn."""
    some = list(held)[:SAMPLES]
    for text, guess in zip(some, written(model, some), strict=True):
        yield f"- {text} → *{guess}* ({'; '.join(held[text])})"


TASK = Task(
    name="translation",
    about="a model that translates, from a file of sentence pairs",
    reads=("FILE", "lines of English, a tab, French (UTF-8)", pair_file),
    options=sizes(vocabulary=6000, context=24, width=192, layers=3, heads=6)
    | pace(batch=64, rate=None, warm_up=200)
    | kinds()
    | {
        "tokens": Option(19_200_000, TOKENS, "how many to learn from"),
        "dropout": Option(None, SHARE, "share of the numbers that a step drops (by its kind)"),
        "smoothing": Option(None, SHARE, "label smoothing (by its kind)"),
        "held_out": Option(1000, whole(1, 10**6), "English sentences kept to measure with"),
        "watched": Option(500, whole(0, 10**6), "more of them, kept to watch the learning by"),
        "overlap": Option(False, None, "learn from pairs that share a translation with a held-out one, too"),
    },
    config=config,
    check=check,
    tokens=lambda options, config: options.tokens,
    read=read,
    measure=measure,
    rest=8,
    needs={"sacrebleu": ("sacrebleu", "for two of its scores alone")},
)


if __name__ == "__main__":
    from engine.training.__main__ import main as command

    sys.exit(command(["translation", *sys.argv[1:]]))
