"""Models that translate, from a file of sentence pairs: the Transformer of 2017, and what came before."""

import argparse
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from engine.analysis import certainty
from engine.config import CELLS, Config, PairConfig, RecurrentConfig
from engine.decode import generate, translate
from engine.model.build import fresh
from engine.tokenize import SentenceTokenizer
from engine.trace import run
from engine.training.data.bitext import (
    Bitext,
    Pair,
    most_similar,
    pair_file,
    read_pairs,
    split_pairs,
    words_of,
)
from engine.training.data.corpus import learn_vocabulary
from engine.training.data.pairs import NONE
from engine.training.data.words import words
from engine.training.evaluate import report
from engine.training.evaluate.intervals import DRAWS
from engine.training.evaluate.report import Score, mean, share
from engine.training.language import check_vocabulary
from engine.training.options import TOKENS, Option, pace, sizes, whole
from engine.training.progress import show
from engine.training.recurrent import ends, kinds, name_of, recurrent
from engine.training.run import Work
from engine.training.task import Material, Measured, Task

AIMS = {"exact match": ("≥", 0.35), "chrF": ("≥", 60.0)}  # of the Transformer: the others stand beside it
COLUMNS = ("this model", "random start", "most similar", "copying")
AT_ONCE = 128  # sentences translated together
LONG = 10**6
RATES = {"transformer": 0.008} | dict.fromkeys(CELLS, 0.02)  # with norms after the additions slower learns more
LENGTHS = {"": (0, LONG), ", up to 4 words": (0, 4)} | {f", {n} words": (n, n) for n in range(5, 9)}
LENGTHS |= {", 9 words or more": (9, LONG)}
SAMPLES, FEWEST = 8, 40  # sentences on the card; that are asked at least
EXAMPLES, TRIED = 6, 2 * AT_ONCE
DARK = set(words("examples.toml")["translation"]["dark"])
STATE = "starting from the state that the encoder ended in"
LOOK = "and at every token attends to the encoder's output for the English one"


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
    """The rate goes by the kind, where none is given."""
    options.rate = options.rate or RATES[options.kind]
    check_vocabulary(options.vocabulary, 258)


def read(options: argparse.Namespace, work: Work) -> Material:
    """The pairs of a file, some of its sentences held out with all their translations."""
    train, held = split_pairs(read_pairs(Path(options.path)), options.held_out, options.seed)
    tokenizer = _vocabulary(work, train, options)
    show("reading the pairs")
    data = Bitext.of(train, tokenizer, options.context)
    unseen = Bitext.of(pairs_of(held), tokenizer, options.context)
    told = f"{len(data):,} pairs to learn from; {len(held):,} sentences held out"
    return Material(data, unseen, told, tokenizer, test=(train, held))


def pairs_of(held: dict[str, list[str]]) -> list[Pair]:
    """Each sentence with each of its translations."""
    return [(source, target) for source, targets in held.items() for target in targets]


def _vocabulary(work: Work, pairs: list[Pair], options: argparse.Namespace) -> SentenceTokenizer:
    def learn(path: Path) -> None:
        show("learning the vocabulary")
        texts = (text for pair in pairs for text in pair)
        learn_vocabulary(texts, options.vocabulary - 1).write(path)  # and the start

    return SentenceTokenizer.read(work.once("vocabulary.tiktoken", learn))


# --- how well it does ----------------------------------------------------------------------------


def measure(model: nn.Module, material: Material, options, part: float, steps: int) -> Measured:
    """Translations against the right ones, with the random start and two simple rules beside it."""
    train, held = material.test
    facts = {
        "shape": _shape(model.config),
        "task": STATE if getattr(model.config, "attention", "") == "none" else LOOK,
        "context": model.config.context,
        "pairs": len(train),
        "held": len(held),
        "samples": "\n".join(_samples(model, held)),
    }
    rows = scores_of(model, train, held, options, part)
    return Measured(rows, COLUMNS, {"examples": list(examples_of(model, held))}, facts)


def examples_of(model: nn.Module, held: dict[str, list[str]]) -> Iterator[dict]:
    """Held-out sentences of a middling length that the model translates to the letter, those that it is surest
    of first, or just the first where it does so with none; with the step in which there is something to see.

    None of them has a word of DARK: they open a lesson.
    """
    some = [text for text in held if 5 <= len(text.split()) <= 8 and not words_of(text) & DARK][:TRIED]
    right = [text for text, guess in zip(some, written(model, some), strict=True) if guess in held[text]]
    right.sort(key=lambda text: -certainty(run(model, text, target=_own(model, text))))
    step = "states" if getattr(model.config, "attention", "") == "none" else "cross"
    for text in (right or some)[:EXAMPLES]:
        yield {"text": text, "note": text, "step": step}


def _own(model: nn.Module, text: str) -> list[int]:
    """What the model writes of a text, from its start on, as its decoder reads it."""
    return [model.start, *(step.id for step in generate(model, text))]


def scores_of(
    model: nn.Module, train: list[Pair], held: dict[str, list[str]], options, part: float = 1.0
) -> list[dict]:
    """Rows of the table: the model, its random start, the French of the most similar sentence, the English."""
    held = dict(list(held.items())[: max(FEWEST, int(part * len(held)))])
    asked = list(held)
    start = fresh(model.config, options.seed).requires_grad_(False).eval()
    start.tokenizer = model.tokenizer
    show("measuring: the most similar sentences")
    similar = [train[number][1] for number in most_similar([source for source, _ in train], asked)]
    show("measuring: translating")
    columns = [written(model, asked), written(start, asked), similar, asked]
    rows, aims = [], AIMS if options.kind == "transformer" else {}
    for metric, score in (("exact match", exact), ("chrF", chrf)):
        for part, (low, high) in LENGTHS.items():
            some = [i for i, text in enumerate(asked) if low <= len(text.split()) <= high]
            if some:
                right = [held[asked[i]] for i in some]
                scores = [score([column[i] for i in some], right) for column in columns]
                unit = metric if metric == "chrF" else report.SHARE
                rows.append(report.row(metric + part, scores, unit, aims.get(metric + part)))
    bits = [bits_per_token(one, pairs_of(held)) for one in (model, start)]
    return [*rows, report.row("bits per token", [*bits, None, None], "bits per token")]


def written(model: nn.Module, texts: list[str]) -> list[str]:
    """What the model writes for each text, always the most probable token."""
    found, tokenizer = {}, model.tokenizer
    longest = model.reads[0].context
    ids = {text: tokenizer.encode(text)[:longest] for text in texts}
    order = sorted(ids, key=lambda text: len(ids[text]))
    for first in range(0, len(order), AT_ONCE):
        some = order[first : first + AT_ONCE]
        width = len(ids[some[-1]])
        read = torch.tensor([ids[text] + [NONE] * (width - len(ids[text])) for text in some])
        for text, row in zip(some, translate(model, read.clamp_min(0), read != NONE).tolist(), strict=True):
            found[text] = tokenizer.decode([id for id in row if id not in tokenizer.special.values()])
    return [found[text] for text in texts]


def exact(guesses: list[str], translations: list[list[str]]) -> Score:
    """The share of guesses that are one of the translations."""
    return share([guess in right for guess, right in zip(guesses, translations, strict=True)])


def chrf(guesses: list[str], translations: list[list[str]]) -> Score:
    """chrF from 0 to 100, each guess against the nearest of its translations (Popović 2015); its interval by
    drawing the sentences again."""
    from sacrebleu.metrics import CHRF  # here: only who trains needs it

    most, metric = max(map(len, translations)), CHRF()
    rows = [right + [None] * (most - len(right)) for right in translations]
    found = metric.corpus_score(guesses, list(zip(*rows, strict=True)), n_bootstrap=DRAWS)
    told = json.loads(found.format(9, signature=metric.get_signature().format(), is_json=True))
    half = told.get("confidence_var", 0.0)  # nothing is told of a score of 0
    return Score(found.score, len(guesses), (max(0.0, found.score - half), min(100.0, found.score + half)))


@torch.inference_mode()
def bits_per_token(model: nn.Module, pairs: list[Pair]) -> Score:
    """Bits for each token of the translations, all those before it known; n is how many tokens they have."""
    data, bits, counts = Bitext.of(pairs, model.tokenizer, model.config.context), [], []
    for source, target in data.pairs.values():
        for first in range(0, len(source), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            ids, padding, before, labels = data.read(source[some], target[some])
            logits = model(ids, before, padding).transpose(1, 2)  # [B, V, T]
            nats = F.cross_entropy(logits, labels, ignore_index=NONE, reduction="none").sum(-1)
            bits += (nats / math.log(2)).tolist()
            counts += (labels != NONE).sum(-1).tolist()
    return mean(bits, counts, sum(counts))


def _shape(config: PairConfig | RecurrentConfig) -> str:
    """What the model is made of, in words."""
    if isinstance(config, RecurrentConfig):
        return f"A recurrent encoder-decoder ({name_of(config)})"
    blocks = [stack.layers for stack in config.stacks]
    return "The Transformer of 2017: {} blocks that read and {} that write".format(*blocks)


def _samples(model: nn.Module, held: dict[str, list[str]]) -> Iterator[str]:
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
        "tokens": Option(12_000_000, TOKENS, "how many to learn from"),
        "held_out": Option(2000, whole(1, 10**6), "English sentences kept to measure with"),
    },
    config=config,
    check=check,
    tokens=lambda options, config: options.tokens,
    read=read,
    measure=measure,
    rest=8,
    needs={"sacrebleu": ("sacrebleu", "for one of its scores alone")},
)


if __name__ == "__main__":
    from engine.training.__main__ import main as command

    sys.exit(command(["translation", *sys.argv[1:]]))
