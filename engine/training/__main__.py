"""Train, evaluate and write a model folder from a folder of text files.

    python -m engine.training FOLDER --name storybook --about "200 public-domain children's books" --minutes 60

Run it again to go on where it stopped; the last leg measures the model and writes its card.
"""

import argparse
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np

from engine.config import Config
from engine.tokenize import RankTokenizer
from engine.training import work
from engine.training.card import write_card, write_checkpoints
from engine.training.corpus import learn_vocabulary, split_files, texts_of, token_row
from engine.training.mix import Mix, english
from engine.training.train import Recipe

KINDS = {  # what the blocks are made of
    "gpt": dict(positions="learned"),
    "rotary": dict(positions="rotary"),
    "llama": dict(positions="rotary", norm="rms", gated=True, attention_bias=False, mlp_bias=False)
    | dict(activation="silu"),
}
CHARACTERS = 98_000_000  # of 28 million tokens: of so many few windows come twice
LONGEST_QUESTION = 128  # tokens


def main() -> None:
    """Train a decoder on a folder of texts, from the command line."""
    options = _options()
    folder = work.begin(options)
    train, held = split_files(Path(options.folder), options.held_out, options.seed)
    tokenizer = _vocabulary(folder, train, options)
    config = Config(
        vocabulary=len(tokenizer),
        context=options.context,
        width=options.width,
        layers=options.layers,
        heads=options.heads,
        mlp_width=_mlp_width(options),
        key_heads=options.key_heads,
        **KINDS[options.kind],
    )
    mix = _mix(folder, train, tokenizer, options)
    recipe = Recipe(tokens=options.tokens, seed=options.seed)
    print(f"{len(mix.books):,} tokens from {len(train)} files; {len(held)} files held out")
    model = work.trained(config, mix, recipe, folder, options, tokenizer=tokenizer)
    if model is not None:
        place = work.MODELS / options.name
        model = work.written(model, place, folder, "engine.training.__main__", options)
        if not options.no_checkpoints:
            write_checkpoints(model, place, folder, held, recipe)
        write_card(model, place, mix, held, options)


def measure(folder: Path, texts: Path, work_folder: Path, options: argparse.Namespace) -> None:
    """Measure a finished model again, on the texts it was trained with."""
    model = work.read_back(folder)
    train, held = split_files(texts, options.held_out, options.seed)
    write_card(model, folder, _mix(work_folder, train, model.tokenizer, options), held, options)


def _mix(folder: Path, train: list[Path], tokenizer: RankTokenizer, options: argparse.Namespace) -> Mix:
    row = _row(folder / "train.npy", texts_of(train), tokenizer)
    return Mix(row, _english(folder, tokenizer, options), len(tokenizer) - 1, options.english, options.drills)


def _mlp_width(options: argparse.Namespace) -> int:
    """Four times the stream; where the MLP has three matrices instead of two, two thirds of that."""
    return 4 * options.width * (2 if KINDS[options.kind].get("gated") else 3) // 3


def _options() -> argparse.Namespace:
    sizes = dict(vocabulary=8192, context=256, width=192, layers=6, heads=6)
    parser = work.parser("engine.training", __doc__.splitlines()[0], Recipe.tokens, **sizes)
    parser.add_argument("--english", type=float, default=0.52, help="share of generated simple English")
    parser.add_argument("--drills", type=float, default=0.06, help="share of random strings, repeated")
    parser.add_argument("--kind", choices=KINDS, default="rotary", help="what the blocks are made of")
    parser.add_argument(
        "--no-checkpoints", action="store_true", help="ship the finished model alone, not its way"
    )
    parser.add_argument("--key-heads", type=int, help="heads of keys and values, shared (as many as heads)")
    options = parser.parse_args()
    if options.context < LONGEST_QUESTION:
        parser.error(
            f"--context must be {LONGEST_QUESTION} or more: the finished model is asked such long questions"
        )
    return options


def _vocabulary(folder: Path, files: list[Path], options: argparse.Namespace) -> RankTokenizer:
    path = folder / "vocabulary.tiktoken"
    if not path.exists():
        generated = english(options.seed, 5_000_000) if options.english else ()
        learn_vocabulary(chain(texts_of(files), generated), options.vocabulary).write(path)
    return RankTokenizer.read(path)


def _english(folder: Path, tokenizer: RankTokenizer, options: argparse.Namespace) -> np.ndarray | None:
    """Generated text, the same for every kind of model and however long it learns: they read the same."""
    if not options.english:
        return None
    characters = int(options.english * CHARACTERS)
    return _row(folder / "english.npy", english(options.seed, characters), tokenizer)


def _row(path: Path, texts: Iterable[str], tokenizer: RankTokenizer) -> np.ndarray:
    if not path.exists():
        np.save(path, token_row(texts, tokenizer))
    return np.load(path)


if __name__ == "__main__":
    main()
