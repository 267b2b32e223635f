"""Train, evaluate and write a model folder from a folder of text files.

    python -m engine.training FOLDER --name storybook --about "200 public-domain children's books" --minutes 60

Run it again to go on where it stopped; the last leg measures the model and writes its card.
"""

import argparse
import ctypes
import json
import math
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np

from engine.config import Config
from engine.tokenize import RankTokenizer
from engine.training.card import write_model
from engine.training.corpus import learn_vocabulary, split_files, texts_of, token_row
from engine.training.mix import Mix, english
from engine.training.train import Recipe, learn

KINDS = {  # what the blocks are made of
    "gpt": dict(positions="learned"),
    "rotary": dict(positions="rotary"),
    "llama": dict(positions="rotary", norm="rms", gated=True, attention_bias=False, mlp_bias=False)
    | dict(activation="silu"),
}
LONGEST_QUESTION = 128  # tokens
MODELS = Path(__file__).parents[2] / "assets" / "models"


def main() -> None:
    options = _options()
    keep_memory()
    work = Path(options.work)
    _same_run(work, options)
    train, held = split_files(Path(options.folder), options.held_out, options.seed)
    tokenizer = _vocabulary(work, train, options)
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
    row = _row(work / "train.npy", texts_of(train), tokenizer)
    mix = Mix(row, _english(work, tokenizer, options), len(tokenizer) - 1, options.english, options.drills)
    recipe = Recipe(tokens=options.tokens, seed=options.seed)
    print(f"{len(row):,} tokens from {len(train)} files; {len(held)} files held out")
    model, done = learn(config, mix, recipe, work, options.minutes)
    print()
    if not done:
        return print("not finished: run the same command again to go on")
    model.tokenizer, model.name = tokenizer, options.name
    write_model(model, MODELS / options.name, work, recipe, mix, held, options.about)


def _mlp_width(options: argparse.Namespace) -> int:
    """Four times the stream; where the MLP has three matrices instead of two, two thirds of that."""
    return 4 * options.width * (2 if KINDS[options.kind].get("gated") else 3) // 3


def _same_run(work: Path, options: argparse.Namespace) -> None:
    """A run goes on with the options that it began with: its vocabulary and its texts were made by them."""
    free = ("name", "about", "work", "minutes")
    now = {name: value for name, value in vars(options).items() if name not in free}
    work.mkdir(parents=True, exist_ok=True)
    kept = work / "options.json"
    if not kept.exists():
        kept.write_text(json.dumps(now, indent=1))
    begun = json.loads(kept.read_text())
    other = [f"{name} was {begun.get(name)!r}" for name in now if begun.get(name) != now[name]]
    if other:
        raise ValueError(f"{work} was begun otherwise: {', '.join(other)}; give the same or an empty folder")


def keep_memory() -> None:
    """Tell glibc to keep freed memory: each step frees and takes hundreds of megabytes (1.6× faster)."""
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(-4, 0)  # M_MMAP_MAX: no block of its own for a large tensor
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: never shrink the heap
    except (AttributeError, OSError, TypeError):
        pass  # not glibc


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine.training", description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="text files (*.txt, UTF-8), searched through all its folders")
    parser.add_argument("--name", required=True, help="the model's folder in assets/models")
    parser.add_argument("--about", required=True, help="what the text is, a phrase for the card")
    parser.add_argument("--work", default="training-work", help="where the state of the run is kept")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long")
    parser.add_argument("--tokens", type=int, default=Recipe.tokens, help="how many to learn from")
    parser.add_argument("--held-out", type=int, default=6, help="files kept for evaluation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--english", type=float, default=0.52, help="share of generated simple English")
    parser.add_argument("--drills", type=float, default=0.06, help="share of random strings, repeated")
    parser.add_argument("--kind", choices=KINDS, default="rotary", help="what the blocks are made of")
    parser.add_argument("--key-heads", type=int, help="heads of keys and values, shared (as many as heads)")
    for name, size in dict(vocabulary=8192, context=256, width=192, layers=6, heads=6).items():
        parser.add_argument(f"--{name}", type=int, default=size)
    options = parser.parse_args()
    if options.context < LONGEST_QUESTION:
        parser.error(
            f"--context must be {LONGEST_QUESTION} or more: the finished model is asked such long questions"
        )
    return options


def _vocabulary(work: Path, files: list[Path], options: argparse.Namespace) -> RankTokenizer:
    path = work / "vocabulary.tiktoken"
    if not path.exists():
        generated = english(options.seed, 5_000_000) if options.english else ()
        learn_vocabulary(chain(texts_of(files), generated), options.vocabulary).write(path)
    return RankTokenizer.read(path)


def _english(work: Path, tokenizer: RankTokenizer, options: argparse.Namespace) -> np.ndarray | None:
    """Generated text, as much as will be learned from, so that few windows come twice."""
    if not options.english:
        return None
    characters = int(3.5 * options.english * options.tokens)
    return _row(work / "english.npy", english(options.seed, characters), tokenizer)


def _row(path: Path, texts: Iterable[str], tokenizer: RankTokenizer) -> np.ndarray:
    if not path.exists():
        np.save(path, token_row(texts, tokenizer))
    return np.load(path)


if __name__ == "__main__":
    main()
