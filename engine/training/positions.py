"""Small decoders of one recipe that differ in nothing but their positions. They read characters: words
to reverse, and books."""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from engine.config import Config
from engine.load import glassbox
from engine.model.build import fresh
from engine.model.transformer import Transformer
from engine.position import POSITIONS
from engine.training.data import orders
from engine.training.data.corpus import FOLDER, how_many, named, split_files, texts_of
from engine.training.data.orders import Orders, Words
from engine.training.evaluate import causes
from engine.training.evaluate import orders as measured
from engine.training.language import check_length
from engine.training.options import HELD_OUT, SHARE, TOKENS, Option, pace, sizes, whole
from engine.training.progress import counted, show
from engine.training.run import Work
from engine.training.task import Material, Measured, Task

COLUMNS = ("this model", "random start", "copying the word", "letter frequencies", "3-gram")
FEWEST = 20  # words of each length to learn from, at least
COUNTED = 3_000_000  # characters of the books that the counts are of
ADDS = {  # how each is told where a character stands
    "none": "nothing: all that it can go by is the causal mask, by which later characters see more",
    "sinusoidal": "a fixed vector of sines and cosines for each position, added to the character's "
    "(Vaswani et al. 2017)",
    "learned": "a learned vector for each position, added to the character's (as in GPT-2)",
    "relative": "a learned number for each head and distance, added to the scores (as in T5)",
    "rotary": "queries and keys rotated by their position, so that scores depend on distances (Su et al. 2021)",
    "alibi": "the distance times a fixed slope for each head, subtracted from the scores "
    "(ALiBi, Press et al. 2022)",
}
ENDS = "It reads at most {reach} characters, as many as in training: its table of positions has no more rows."
GOES_ON = "It can read up to {reach} characters; in training it never saw more than {context} at once."


@dataclass(frozen=True)
class Test:
    """What no training sees, and which files it is from."""

    files: list[Path]
    row: np.ndarray
    words: Words


def config(options: argparse.Namespace, vocabulary: int = 0) -> Config:
    """The model as it is trained. Fields that the positions of one kind alone use are the same in all."""
    return Config(
        vocabulary=len(orders.LETTERS),
        context=options.context,
        width=options.width,
        layers=options.layers,
        heads=options.heads,
        mlp_width=4 * options.width,
        positions=options.positions,
        max_distance=options.context,
        scale_embedding=True,
    )


def reach(options: argparse.Namespace) -> int:
    """How many characters the finished model may read: learned positions end where training ended."""
    return options.context if options.positions == "learned" else options.reach


def beginning(config: Config, seed: int) -> Transformer:
    """The random start: what all kinds have is the same in each, for the same seed."""
    model, common = fresh(config, seed), fresh(replace(config, positions="none"), seed)
    model.load_state_dict(common.state_dict(), strict=False)
    return model


def check(options: argparse.Namespace) -> None:
    """A ValueError where lines do not fit, or the finished model would read less than the one in training."""
    if options.context < orders.LONGEST_LINE:
        raise ValueError(
            f"--context {options.context} is too small: the longest line of the test has {orders.LONGEST_LINE} "
            "characters"
        )
    if options.reach < options.context:
        raise ValueError(
            f"--reach {options.reach} is less than --context {options.context}: what training reads, the "
            "finished model reads too"
        )


def read(options: argparse.Namespace, work: Work) -> Material:
    """The books of a folder, some of them held out, their words, and the random start."""
    train, held = split_files(Path(options.path), options.held_out, options.seed)
    books, unseen = _plain(train), _plain(held)
    learned, asked = orders.words_of(books)
    check_words(learned, asked)
    row, other = orders.row_of(books), orders.row_of(unseen)
    longest = max(options.reach, options.context)
    check_length(row, options.context, "the texts to learn from hold", "give more text")
    check_length(other, longest, "the texts held out hold", "hold out more of them (--held-out)")
    tokenizer = orders.tokenizer()
    some = {n: words for n, words in asked.items() if n in orders.LEARNED}
    told = f"{len(row):,} characters from {how_many(train)}, {sum(map(len, learned.values())):,} words"
    return Material(
        Orders(row, learned, options.order),
        Orders(other, some, options.order),
        f"{told}; {how_many(held)} and {sum(map(len, asked.values())):,} words held out",
        tokenizer,
        test=Test(held, other, asked),
        start=work.once("start", lambda folder: _write_start(options, tokenizer, folder)),
        context=reach(options),
    )


def _plain(files: list[Path]) -> list[str]:
    return [*map(orders.plain, counted(texts_of(files), "reading", len(files)))]


def _write_start(options: argparse.Namespace, tokenizer, folder: Path) -> None:
    model = beginning(config(options), options.seed)
    model.tokenizer = tokenizer
    glassbox.write(model, folder)


def check_words(learned: Words, asked: Words) -> None:
    """A ValueError where the texts have too few words of some length."""
    for n in orders.LEARNED:
        some = len(learned.get(n, ()))
        if some < FEWEST or not asked.get(n):
            raise ValueError(
                f"the texts have {some} words of {n} small letters that occur twice; {FEWEST} are needed, "
                "and one more to be held out: give more text"
            )


# --- how well it does ----------------------------------------------------------------------------


def measure(model: nn.Module, material: Material, options, share: float, steps: int) -> Measured:
    """Words reversed, bits by position, how well a place is read off; random start and shortcuts beside."""
    start = beginning(model.config, options.seed).requires_grad_(False).eval()
    start.tokenizer = model.tokenizer
    test, train = material.test, material.train
    words = measured.asked(test.words, share, options.seed)
    show("measuring: reversing words")
    rows = measured.reversing(model, start, words, train.words)
    show("measuring: bits by position")
    shortcuts = measured.shortcuts(train.row[:COUNTED], model.config.vocabulary)
    stretches = measured.stretches(test.row, share, model.config.context)
    more, curve = measured.losses(model, start, *shortcuts, stretches)
    show("measuring: where it counts")
    fitted = measured.stretches(train.row, share, options.context - 1)
    places = measured.places(model, start, fitted, stretches[:, : options.context])
    show("measuring: which heads look at the letter that is next")
    looks = measured.looks(model, words)
    cause = measured.cause(model, words)
    scores = {"trained": options.context, "by position": curve, "places": places, "looks": looks.tolist()}
    scores |= {"causes": {"reversing": cause.told()}}
    found = list(measured.examples(model, words, looks))
    facts = _facts(model, test, train, options)
    facts |= {"places": measured.places_table(places), "causes": causes.table({"reversing": cause})}
    facts |= {"looks": measured.looks_told(looks), "samples": measured.samples(model, words)}
    return Measured([*rows, *more], COLUMNS, {"examples": found}, facts, scores)


def _facts(model: nn.Module, test: Test, train: Orders, options) -> dict:
    kind, most = model.config.positions, model.config.context
    room = (ENDS if most == options.context else GOES_ON).format(reach=most, context=options.context)
    return {
        "adds": ADDS[kind],
        "room": room,
        "trained": options.context,
        "last": options.context - 1,
        "lines": options.order,
        "words": sum(map(len, train.words.values())),
        "shortest": orders.LEARNED[0],
        "longest": orders.LEARNED[-1],
        "beyond": f"{orders.BEYOND[0]} to {orders.BEYOND[-1]}",
        "held": named(test.files),
        "held_count": how_many(test.files, "whole book"),
        "held_words": sum(map(len, test.words.values())),
    }


TASK = Task(
    name="positions",
    about="a small decoder whose positions can be chosen, from a folder of text files",
    reads=FOLDER,
    options=sizes(context=64, width=96, layers=4, heads=4)
    | pace(batch=32, rate=0.02, warm_up=100)
    | {
        "positions": Option("rotary", POSITIONS, "how it is told where a character stands"),
        "reach": Option(256, whole(2, 16_384), "characters that the finished model may read"),
        "order": Option(0.5, SHARE, "share of windows of words to reverse"),
        "tokens": Option(4_500_000, TOKENS, "characters to learn from"),
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

    sys.exit(command(["positions", *sys.argv[1:]]))
