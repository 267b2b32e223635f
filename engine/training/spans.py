"""Models that fill spans (T5's kind), from a folder of text files."""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from engine.config import Config, PairConfig
from engine.model.build import fresh
from engine.spans import fill
from engine.tokenize import UnigramTokenizer
from engine.tokenize.hub import SPACE
from engine.tokenize.sentinels import SENTINELS, SPECIAL, learn_unigram
from engine.tokenize.unigram import END, PAD, SENTINEL
from engine.tokenize.wordpiece import MASK
from engine.training import run as training
from engine.training.data.corpus import FOLDER, how_many, named, split_files, texts_of, title
from engine.training.data.mix import FIRST
from engine.training.data.pairs import Sentences
from engine.training.data.stretches import LEAST, Stretches
from engine.training.data.words import words
from engine.training.evaluate import gaps, report
from engine.training.evaluate.baseline import Trigram
from engine.training.options import HELD_OUT, TOKENS, Option, pace, sizes, whole
from engine.training.progress import counted, show
from engine.training.run import Work
from engine.training.task import Material, Measured, Task

BUCKETS = 32  # of distances, as in T5
FEWEST = 20  # stretches of sentences on either side
LETTERS = 200 + SENTINELS  # entries that a vocabulary has at least
SHORTEST, LONGEST = 24, 120  # tokens of a context: of the longest, spans need all sentinels
SHOWN = 0.1  # the least probability of what an example writes
TRIED = words("examples.toml")["spans"]
LOOKED_AT = 200  # steps over which it is counted how much is hidden
ONE_TOKEN = "one word hidden that is one token for both"


@dataclass(frozen=True)
class Held:
    """The texts that no training sees and those that it reads: their files."""

    files: list[Path]
    learned: list[Path]


def config(options: argparse.Namespace, vocabulary: int) -> PairConfig:
    """T5's parts: relative positions, RMSNorm, no biases, scores that are not divided by √d_k, last vectors
    divided by √D; one table for all three."""
    both = dict(
        vocabulary=vocabulary,
        context=options.context,
        width=options.width,
        heads=options.heads,
        mlp_width=4 * options.width,
        attention_bias=False,
        mlp_bias=False,
        norm="rms",
        norm_eps=1e-6,
        activation="relu",
        positions="relative",
        buckets=BUCKETS,
        max_distance=options.context,
        scale_scores=False,
    )
    encoder = Config(**both, layers=options.layers, causal=False, ending="nothing")
    decoder = Config(**both, layers=options.decoder_layers, memory=options.width, scale_logits=True)
    return PairConfig(encoder, decoder, start=SPECIAL.index(PAD), end=SPECIAL.index(END), shared=True)


def check(options: argparse.Namespace) -> None:
    """A ValueError where no vocabulary can be so small, or no text so short."""
    if options.vocabulary < LETTERS:
        raise ValueError(
            f"--vocabulary {options.vocabulary} is too small: {LETTERS} or more hold letters and sentinels"
        )
    if not SHORTEST <= options.context <= LONGEST:
        raise ValueError(
            f"--context {options.context}: it is {SHORTEST} to {LONGEST}, as there are {SENTINELS} sentinels"
        )


def read(options: argparse.Namespace, work: Work) -> Material:
    """The sentences of a folder of texts, some whole texts held out."""
    train, held = split_files(Path(options.path), options.held_out, options.seed)
    tokenizer = _vocabulary(work, train, options)
    check_context(tokenizer, options)
    learned = _stretches(_sentences(work, train, tokenizer), tokenizer, options, "to learn from")
    show("reading the texts held out")
    unseen = _stretches(Sentences.of(texts_of(held), tokenizer), tokenizer, options, "held out")
    told = f"{len(learned.sentences):,} sentences of {how_many(train)}; {how_many(held)} held out"
    return Material(learned, unseen, told, tokenizer, test=Held(held, train))


def _vocabulary(work: Work, files: list[Path], options: argparse.Namespace) -> UnigramTokenizer:
    def learn(path: Path) -> None:
        show("learning the vocabulary")
        learn_unigram(paragraphs(files, FIRST), options.vocabulary).save(str(path))

    return UnigramTokenizer(work.once("tokenizer.json", learn))


def paragraphs(files: list[Path], characters: int) -> list[str]:
    """Every so many-th paragraph of the texts, so that they have about so many characters."""
    every = [line for text in texts_of(files) for line in text.splitlines() if line.strip()]
    return every[:: max(1, round(sum(map(len, every)) / characters))]


def _sentences(work: Work, files: list[Path], tokenizer: UnigramTokenizer) -> Sentences:
    def make(path: Path) -> None:
        made = Sentences.of(counted(texts_of(files), "reading", len(files)), tokenizer)
        np.savez(path, row=made.row, starts=made.starts, documents=made.documents)

    kept = np.load(work.once("books.npz", make))
    return Sentences(kept["row"], kept["starts"], kept["documents"])


def _stretches(sentences: Sentences, tokenizer: UnigramTokenizer, options, what: str) -> Stretches:
    found = Stretches(sentences, tokenizer, options.context)
    count = sum(len(found.of_length(length)[0]) for length in found.lengths)
    if count < FEWEST:
        raise ValueError(
            f"the texts {what} have {count} stretch{'es' * (count != 1)} of whole sentences of {LEAST} to "
            f"{options.context - 1} tokens; {FEWEST} are needed: give more"
        )
    return found


def check_context(tokenizer: UnigramTokenizer, options: argparse.Namespace) -> None:
    """A ValueError where a text of the test is longer than what the model can read."""
    longest = max(len(tokenizer.encode(text)) for text in (*TRIED["samples"], *TRIED["gaps"]))
    if longest > options.context:
        raise ValueError(
            f"the finished model is asked texts of up to {longest} tokens (of a vocabulary of "
            f"{len(tokenizer):,}): --context must be {longest} or more, not {options.context}"
        )


# --- how well it does ----------------------------------------------------------------------------


def measure(model: nn.Module, material: Material, options, share: float, steps: int) -> Measured:
    """Bits a hidden token, and single words of unseen sentences; counts, an encoder and its random start beside
    it."""
    held, learned = material.test, material.train
    rows = scores_of(model, material, options, share)
    hidden, spans = how_much(learned, options)
    blocks = [stack.layers for stack in model.reads]
    facts = {
        "context": model.config.context,
        "decoder_layers": blocks[1],
        "sentinels": len(model.tokenizer.sentinels),
        "hidden": hidden,
        "spans": spans,
        "held": named(held.files),
        "held_count": how_many(held.files, "whole book"),
        "encoder": _beside(held.files),
        "samples": "\n".join(_samples(model)),
    }
    return Measured(rows, gaps.COLUMNS, {"examples": list(examples_of(model))}, facts)


def scores_of(model: nn.Module, material: Material, options, part: float = 1.0) -> list[dict]:
    """Rows of the table."""
    held, unseen = material.test, material.held
    start = fresh(model.config, options.seed).requires_grad_(False).eval()
    start.tokenizer = model.tokenizer
    show("measuring: bits of hidden tokens")
    trigram = Trigram(material.train.sentences.row, model.config.stacks[0].vocabulary)
    found = gaps.bits((model, start), unseen, trigram, max(2, int(part * gaps.BATCHES)))
    rows = [report.row("hidden tokens, bits per token", [*found, None], "bits per token")]
    asked = gaps.questions(texts_of(held.files), max(gaps.FEWEST, int(part * gaps.ASKED)), _fits(model))
    show("measuring: counting words")
    words = gaps.Counts(counted(texts_of(held.learned), "counting words", len(held.learned)), asked)
    show("measuring: filling gaps")
    guesses = (gaps.filled(model), gaps.filled(start), words.common, words.best)
    guessers = dict(zip(gaps.COLUMNS, guesses, strict=False))
    rows += gaps.rows_of("one word hidden", asked, guessers)
    if encoder := _encoder():
        both = [gap for gap in asked if _fits(encoder)(gap.text(MASK)) and _one_token(gap.word, model, encoder)]
        rows += gaps.rows_of(ONE_TOKEN, both, guessers | {gaps.COLUMNS[-1]: gaps.masked_by(encoder)})
    again = [replace(gap, again=True) for gap in asked]
    again = [gap for gap in again if _fits(model)(gap.text(SENTINEL.format(0)))]
    return rows + gaps.rows_of("one word hidden, its sentence stands before it", again, guessers)


def _fits(model: nn.Module) -> Callable[[str], bool]:
    """Whether a model can read a text."""
    return lambda text: len(model.tokenizer.encode(text)) <= model.reads[0].context


def _encoder() -> nn.Module | None:
    """The encoder that fills the same gaps, if it is there."""
    folder = training.MODELS / gaps.COLUMNS[-1]
    return training.read_back(folder) if (folder / "model.safetensors").exists() else None


def _one_token(word: str, model: nn.Module, encoder: nn.Module) -> bool:
    """Whether a word is one entry of both vocabularies."""
    own, other = (one.tokenizer.inner.token_to_id for one in (model, encoder))
    return own(SPACE + word) is not None and other(word.lower()) is not None


def _beside(files: list[Path]) -> str:
    """What is asked beside it, and whether that had read the held-out texts, as its card tells."""
    name = gaps.COLUMNS[-1]
    card = training.MODELS / name / "card.md"
    if not card.exists():
        return ""
    told = card.read_text("utf-8").partition("**Held out:**")[2].partition("\n- ")[0]
    same = all(f"*{title(file)}*" in told for file in files)
    read = "held out the same texts" if same else "may have read some of these texts"
    return f" *{name}* is this project's encoder, which guesses the same word at a [MASK]; it {read}."


def how_much(learned: Stretches, options: argparse.Namespace) -> tuple[float, float]:
    """The share of tokens that training hides, and how many of them a span has on average, counted."""
    masks = [learned.drawn(options.seed, step, 1, learned.context)[1] for step in range(LOOKED_AT)]
    each = [mask for some in masks for mask in some]
    spans = sum(int((mask & ~np.roll(mask, 1)).sum()) for mask in each)
    hidden = sum(int(mask.sum()) for mask in each)
    return hidden / sum(map(len, each)), hidden / spans


def examples_of(model: nn.Module) -> Iterator[dict]:
    """Texts to try: those whose gaps the model fills with what belongs there, surest first."""
    found = []
    for text, right in TRIED["gaps"].items():
        filled = fill(model, text)
        if list(filled.spans) == right and filled.probability >= SHOWN:
            note = f"{filled.text} ({filled.probability:.0%})"
            found.append(
                {"text": text, "note": note, "step": "cross", "spans": right, "share": filled.probability}
            )
    yield from sorted(found, key=lambda example: -example["share"])


def _samples(model: nn.Module) -> Iterator[str]:
    for text in TRIED["samples"]:
        filled = fill(model, text)
        spans = ", ".join(f"*{span or '∅'}*" for span in filled.spans)
        yield f"- {text.replace('<', chr(92) + '<')} → {spans} ({filled.probability:.0%})"


TASK = Task(
    name="spans",
    about="a model that fills spans, from a folder of text files",
    reads=FOLDER,
    options=sizes(vocabulary=4096, context=64, width=160, layers=4, heads=5)
    | pace(batch=64, rate=0.02, warm_up=200)
    | {
        "decoder_layers": Option(2, whole(1, 100), "blocks of the decoder"),
        "tokens": Option(24_000_000, TOKENS, "how many to learn from, before spans are hidden"),
        "held_out": HELD_OUT,
    },
    config=config,
    check=check,
    tokens=lambda options, config: options.tokens,
    read=read,
    measure=measure,
)


if __name__ == "__main__":
    from engine.training.__main__ import main as command

    sys.exit(command(["spans", *sys.argv[1:]]))
