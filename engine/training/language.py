"""Decoders that go on writing: a language model from a folder of text files, generated English and drills."""

import argparse
import shutil
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from engine.config import CELLS, Config, RecurrentConfig
from engine.load.glassbox import BEGINS, begins, write_begins
from engine.model.build import fresh
from engine.model.transformer import Transformer
from engine.tokenize import BeginTokenizer, RankTokenizer
from engine.tokenize.bpe import END
from engine.training import recurrent_language, run
from engine.training.data.corpus import (
    FOLDER,
    how_many,
    learn_vocabulary,
    named,
    split_files,
    texts_of,
    token_row,
)
from engine.training.data.mix import FEWEST, FIRST, UNSEEN, Mix, amount, english, mingled, written
from engine.training.data.words import words
from engine.training.evaluate import calibration, causes, examples, heads, report
from engine.training.evaluate.baseline import Trigram
from engine.training.evaluate.language import (
    calibrated,
    even_roles,
    everyday_sentences,
    everyday_told,
    longest_asked,
    questions,
    roles,
    samples,
    scores_of,
    unit,
)
from engine.training.options import HELD_OUT, SHARE, TOKENS, Option, everyday, pace, sizes, whole
from engine.training.progress import counted, show
from engine.training.run import Work
from engine.training.task import Material, Measured, Task

KINDS = {  # what the blocks are made of
    "gpt": dict(positions="learned"),
    "rotary": dict(positions="rotary"),
    "llama": dict(positions="rotary", norm="rms", gated=True, attention_bias=False, mlp_bias=False)
    | dict(activation="silu"),
}
VOCABULARY = "vocabulary.tiktoken"
CHARACTERS = 98_000_000  # of 28 million tokens: of so many few windows come twice
AIMS = {  # what a model of books and generated English is meant to reach: below, or at least
    "bits per byte, books": ("<", 1.40),
    "calibration error, books": ("<", 0.05),
    "calibration error, everyday sentences": ("<", 0.05),
    "cloze, top-1 accuracy": ("≥", 0.50),
    "cloze, top-5 accuracy": ("≥", 0.75),
    "it": ("≥", 0.80),
    "she or he": ("≥", 0.80),
    "who to whom": ("≥", 0.90),
    "sentiment, 3 examples": ("≥", 0.85),
    "repeated runs of four words": ("<", 0.03),
}
WATCHED = {what.rule: what.told for what in examples.PHENOMENA}
COLUMNS = ("this model", "random start", "3-gram")
REST = (
    "The rest is simple English written by this project's grammar ({english:.0%}: stories, facts, moments of a "
    "day, who gave what to whom, pronouns, small talk, few-shot prompts){everyday} and random strings of "
    "tokens, each repeated ({drills:.0%}). "
)
LEARNED = (
    " Of every kind of question below, one combination in ten (who, what, whom …) is kept out of"
    " training; the cloze sentences were written separately and never trained on."
)
UNTRAINED = " It was never trained on the questions below; they are here for comparison."


@dataclass(frozen=True)
class Held:
    """The texts that no training sees: their files, and their tokens."""

    files: list[Path]
    row: np.ndarray


def config(options: argparse.Namespace, vocabulary: int) -> Config | RecurrentConfig:
    """The MLP is four times as wide as the stream; where it has three matrices for two, two thirds of that."""
    if options.kind in CELLS:
        return recurrent_language.config(options, vocabulary)
    kind = KINDS[options.kind]
    return Config(
        vocabulary=vocabulary,
        context=options.context,
        width=options.width,
        layers=options.layers,
        heads=options.heads,
        mlp_width=4 * options.width * (2 if kind.get("gated") else 3) // 3,
        key_heads=options.key_heads,
        **kind,
    )


def check(options: argparse.Namespace) -> None:
    """A ValueError where the options contradict one another; some follow from others."""
    if options.kind in CELLS:
        options.no_checkpoints = True  # what is told of them are heads
    if options.vocabulary_of:
        place = vocabulary_of(options)
        options.no_begin, options.vocabulary = not begins(place), len(tokenizer_in(place))
    check_vocabulary(options.vocabulary, 258 - options.no_begin)
    if options.english + options.drills + options.everyday > 1:
        raise ValueError(
            f"--english {options.english:g}, --drills {options.drills:g} and --everyday {options.everyday:g} "
            "are shares of all that is learned from: together 1 at most"
        )


def check_vocabulary(size: int, least: int) -> None:
    """A ValueError where a byte-level vocabulary has no room for every byte and the special tokens."""
    if size < least:
        raise ValueError(
            f"--vocabulary {size} is too small: {least} or more, for there are 256 bytes to begin with"
        )


def read(options: argparse.Namespace, work: Work) -> Material:
    """The texts of a folder as rows of ids, some of them held out, and generated ones."""
    train, held = split_files(Path(options.path), options.held_out, options.seed)
    tokenizer = _vocabulary(work, train, options)
    end, shares = tokenizer.special[END], (options.english, options.drills)
    begin = next(iter(tokenizer.prefix), None)
    books = work.row("train.npy", counted(texts_of(train), "reading", len(train)), tokenizer)
    row = token_row(texts_of(held), tokenizer)
    check_length(books, options.context, "the texts to learn from hold", "give more text")
    check_length(row, options.context, "the texts held out hold", "hold out more of them (--held-out)")
    check_context(tokenizer, options)
    generated = unseen = None
    wanted = options.english and options.everyday
    sentences = everyday_sentences(Path(options.path)) if wanted else []
    beside = options.everyday if sentences else 0.0
    if options.english:
        texts = written(options.seed, characters(options), "writing English")
        if sentences:
            texts = mingled(texts, sentences, beside / (options.english + beside), options.seed)
        generated = work.row("english.npy", texts, tokenizer)
        unseen = token_row(english(UNSEEN, FEWEST), tokenizer)
    told = f"{len(books):,} tokens from {how_many(train)}; {how_many(held)} held out"
    return Material(
        Mix(books, generated, end, *shares, begin, beside),
        Mix(row, unseen, end, *shares, begin),
        told,
        tokenizer,
        test=Held(held, row),
    )


def check_length(row: np.ndarray, context: int, what: str, advice: str) -> None:
    """A ValueError where a row is shorter than one window."""
    if len(row) <= context:
        raise ValueError(
            f"{what} {len(row):,} tokens; {context + 1:,} are needed, one more than the context: "
            f"{advice}, or choose a smaller --context"
        )


def check_context(tokenizer: RankTokenizer, options: argparse.Namespace) -> None:
    """A ValueError where a question of the test is longer than what the model can read."""
    show("looking whether every question of the test fits into the context")
    longest = longest_asked(tokenizer)
    if longest > options.context:
        raise ValueError(
            f"finished models are asked up to {longest} tokens at once (of a vocabulary of {len(tokenizer):,})"
            f": --context must be {longest} or more, not {options.context}"
        )


def characters(options: argparse.Namespace) -> int:
    """How much English is written."""
    return int(options.english * amount(CHARACTERS, options.tokens, options.minutes))


def vocabulary_of(options: argparse.Namespace) -> Path:
    """The folder of the finished model whose vocabulary is asked for."""
    place = run.MODELS / options.vocabulary_of
    if not (place / VOCABULARY).exists():
        raise ValueError(
            f"there is no model {options.vocabulary_of} here that has a {VOCABULARY}: name one that was "
            "trained on text, or leave out --vocabulary-of"
        )
    return place


def tokenizer_in(folder: Path) -> RankTokenizer:
    """The tokenizer of a folder with a vocabulary."""
    return (BeginTokenizer if begins(folder) else RankTokenizer).read(folder / VOCABULARY)


def _vocabulary(work: Work, files: list[Path], options: argparse.Namespace) -> RankTokenizer:
    def learn(path: Path) -> None:
        if options.vocabulary_of:
            if begins(vocabulary_of(options)):
                shutil.copyfile(vocabulary_of(options) / BEGINS, work.folder / BEGINS)
            shutil.copyfile(vocabulary_of(options) / VOCABULARY, path)
            return
        many, what = min(FIRST, characters(options)), "learning the vocabulary"
        generated = written(options.seed, many, what) if options.english else ()
        texts = chain(counted(texts_of(files), what, len(files)), generated)
        if not options.no_begin:
            write_begins(work.folder)
        learn_vocabulary(texts, options.vocabulary - (not options.no_begin)).write(path)

    work.once(VOCABULARY, learn)
    return tokenizer_in(work.folder)


# --- how well it does ----------------------------------------------------------------------------


def measure(model: Transformer, material: Material, options, share: float, steps: int) -> Measured:
    """Bits, questions, the roles of its heads, free texts; a 3-gram model and its random start beside it."""
    mix, held, row = material.train, material.test, part_of(material.test.row, share)
    if isinstance(model.config, RecurrentConfig):
        found = recurrent_language.measure(model, options, row, _read(mix), share)
        return replace(found, facts=found.facts | _told(mix, held, model, options))
    rows = _scores(model, mix, row, options.seed, share)
    show("measuring: what its heads do")
    each, even = roles(model, row), even_roles(model, row)
    found = {role: scores.mean(0) for role, scores in each.items()}
    show("measuring: which heads its answers depend on")
    needed = {
        rule: causes.of_answers(model, questions(rule, causes.SEARCHED + causes.ASKED)) for rule in WATCHED
    }
    show("measuring: looking for examples")
    shown = examples.find(model, found, needed)
    needed = {WATCHED[rule]: cause for rule, cause in needed.items()} | {"copies": causes.of_copies(model)}
    facts = _told(mix, held, model, options) | {
        "kind": _kind(model.config),
        "table": report.table(rows, COLUMNS),
        "heads_table": heads.table(each, even),
        "verdict": heads.verdict(rows, found),
        "causes": causes.table(needed),
    }
    show("measuring: whether it is as sure as it is right")
    counts = calibrated(model, row, model.tokenizer, model.config.context, share)
    curves = {kind: calibration.reliability(stretches) for kind, stretches in counts.items()}
    facts["reliability"] = calibration.table(curves)
    told = {"causes": {name: cause.told() for name, cause in needed.items()}}
    roles_found = {role: scores.tolist() for role, scores in found.items()}
    return Measured(
        rows, COLUMNS, {"examples": shown}, facts, {"roles": roles_found, "reliability": curves} | told
    )


def _told(mix: Mix, held: Held, model, options: argparse.Namespace) -> dict:
    """What the card of every kind says: what was read, what was held out, and what the model writes."""
    prompts = words("examples.toml")["language"]["prompts"]
    beside = everyday_told(mix.everyday, options.everyday_from)
    show("measuring: what it writes of prompts")
    return {
        "books": 1 - mix.english - mix.drills - mix.everyday,
        "rest": REST.format(english=mix.english, drills=mix.drills, everyday=beside) if mix.english else "",
        "questions": LEARNED if mix.english else UNTRAINED,
        "forms": "except in the forms above" if mix.english else "at all",
        "held": named(held.files),
        "held_count": how_many(held.files, "whole book"),
        "held_bytes": sum(file.stat().st_size for file in held.files),
        "last": len(prompts) - 1,
        "samples": quoted(samples(model, prompts)),
    }


def part_of(row: np.ndarray, share: float) -> np.ndarray:
    """The beginning of the held-out texts, where only a part of the test is asked."""
    return row if share == 1 else row[: max(2000, int(share * len(row)))]


def quoted(texts: list[str]) -> str:
    """Texts as quotations in Markdown."""
    return "\n\n".join("> " + text.replace("\n", "\n> ") for text in texts)


def _scores(model: Transformer, mix: Mix, row: np.ndarray, seed: int, share: float) -> list[dict]:
    """Rows of the table: the model, its random start, and a 3-gram model of the same texts."""
    start = fresh(model.config, seed).requires_grad_(False).eval()
    asked = dict(zip(COLUMNS, (model, start, Trigram(_read(mix), model.config.vocabulary)), strict=True))
    columns = [
        scores_of(one, row, model.tokenizer, model.config.context, share, told=name)
        for name, one in asked.items()
    ]
    aims = AIMS if mix.english else {}
    return [
        report.row(name, [column[name] for column in columns], unit(name), aims.get(name))
        for name in columns[0]
    ]


def _read(mix: Mix) -> np.ndarray:
    """All that is learned from but the drills, in one row."""
    return mix.books if mix.generated is None else np.concatenate([mix.books, mix.generated])


def _kind(config: Config) -> str:
    """What the model is made of, in words."""
    family = "GPT-2 style" if config.norm == "layer" and not config.gated else "LLaMA style"
    parts = [family, f"{config.positions} positions"]
    parts += ["RMSNorm"] * (config.norm == "rms") + ["a gated MLP"] * config.gated
    if config.group_size > 1:
        many = "head" if config.key_heads == 1 else "heads"
        parts.append(f"{config.key_heads} {many} of keys and values, each shared by {config.group_size}")
    return ", ".join(parts)


TASK = Task(
    name="language",
    about="a decoder that goes on writing, from a folder of text files",
    reads=FOLDER,
    options=sizes(vocabulary=8192, context=256, width=192, layers=6, heads=6)
    | pace(batch=16, rate=0.02, warm_up=100)
    | everyday(0.1)
    | {
        "key_heads": Option(None, whole(1, 100), "heads of keys and values, shared (as many as heads)"),
        "kind": Option("rotary", (*KINDS, *CELLS), "what the blocks are made of; or a recurrent cell"),
        "vocabulary_of": Option(None, str, "a finished model whose vocabulary it gets (one of its own)"),
        "tokens": Option(31_000_000, TOKENS, "how many to learn from"),
        "held_out": HELD_OUT,
        "english": Option(0.27, SHARE, "share of generated simple English"),
        "drills": Option(0.04, SHARE, "share of random strings, repeated"),
        "no_begin": Option(False, None, "texts begin without a token of their own"),
        "no_checkpoints": Option(False, None, "ship the finished model alone, not its way"),
    },
    config=config,
    check=check,
    tokens=lambda options, config: options.tokens,
    read=read,
    measure=measure,
    checkpoints=True,
)
